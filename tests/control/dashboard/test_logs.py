"""The logs: colours without markup, following and holding still, one app or all, and thousands of lines."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from homeport.model.log import LogLine
from tests.control.dashboard.conftest import Open
from tests.control.dashboard.fake_api import FakeApi
from tests.control.dashboard.traffic import at

pytestmark = pytest.mark.counterpart("chromium")


def write(api: FakeApi, first: int, last: int, app: str = "web", *, tell: bool = True) -> None:
    lines = [LogLine(id=number, app=app, at=at(number), text=f"line {number}") for number in range(first, last + 1)]
    api.scene.logs.extend(lines)
    if tell:
        api.push("log", *lines)


def is_at_end(page: Page) -> bool:
    script = "node => node.scrollHeight - node.scrollTop - node.clientHeight < 2"
    return bool(page.locator(".log-lines").evaluate(script))


def test_terminal_colours_become_classes_and_nothing_becomes_markup(open_page: Open) -> None:
    page = open_page(more="view=logs")
    lines = page.locator(".log-line .said")
    expect(lines).to_have_count(23)
    expect(lines.nth(4).locator(".fg-2.bold")).to_have_text("VITE")
    expect(lines.nth(21).locator(".own-colour")).to_have_text("ERROR")
    expect(lines.nth(22)).to_have_text("<b>markup in a log line stays text</b> link")
    assert page.locator(".said b, .said a").count() == 0


def test_it_follows_until_one_scrolls_up(api: FakeApi, open_page: Open) -> None:
    page = open_page(more="view=logs")
    write(api, 100, 299)
    expect(page.locator(".said", has_text="line 299")).to_be_in_viewport()
    page.locator(".log-lines").hover()
    page.mouse.wheel(0, -900)
    expect(page.get_by_role("button", name="Follow")).to_have_attribute("aria-pressed", "false")
    write(api, 300, 304)
    news = page.get_by_role("button", name="5 new lines ↓")
    expect(news).to_be_visible()
    assert page.locator(".log-line").count() == 223
    news.click()
    expect(page.locator(".said", has_text="line 304")).to_be_in_viewport()
    assert is_at_end(page)


def test_one_app_or_all(api: FakeApi, open_page: Open) -> None:
    page = open_page(more="view=logs")
    page.get_by_role("combobox", name="App").select_option("worker")
    expect(page.locator(".log-line")).to_have_count(7)
    write(api, 100, 101, "web")
    write(api, 102, 102, "worker")
    expect(page.locator(".log-line")).to_have_count(8)
    page.reload()
    expect(page.locator(".log-line")).to_have_count(8)
    page.get_by_role("combobox", name="App").select_option("")
    expect(page.locator(".log-line")).to_have_count(26)


def test_only_lines_with_a_text(api: FakeApi, open_page: Open) -> None:
    page = open_page(more="view=logs")
    page.get_by_role("searchbox").fill("CANNOT FIND")  # it stands between colour codes
    expect(page.locator(".log-line")).to_have_count(1)
    write(api, 100, 100)
    page.get_by_role("searchbox").fill("line 100")
    expect(page.locator(".log-line")).to_have_count(1)
    page.get_by_role("searchbox").fill("nowhere")
    expect(page.locator("hp-logs .empty")).to_have_text("No line here holds that text.")


def test_lines_wrap_or_scroll(api: FakeApi, open_page: Open) -> None:
    page = open_page(more="view=logs")
    api.push("log", LogLine(id=100, app="web", at=at(0), text="x" * 2000))
    expect(page.locator(".log-line")).to_have_count(24)
    is_wide = "node => node.scrollWidth > node.clientWidth"
    assert not page.locator(".log-lines").evaluate(is_wide)
    page.get_by_role("button", name="Wrap").click()
    assert page.locator(".log-lines").evaluate(is_wide)


def test_ten_thousand_lines_at_once_leave_two_thousand_on_the_page(api: FakeApi, open_page: Open) -> None:
    page = open_page(more="view=logs")
    write(api, 100, 10_099)
    expect(page.locator(".log-line:last-child .said")).to_have_text("line 10099")
    expect(page.locator(".log-line:last-child")).to_be_in_viewport()
    assert page.locator(".log-line").count() == 2000


def test_lines_of_a_lost_connection_are_fetched_and_none_twice(api: FakeApi, open_page: Open) -> None:
    page = open_page(more="view=logs")
    write(api, 100, 102, tell=False)
    api.cut()
    expect(page.locator(".log-line")).to_have_count(26)
    api.push("log", api.scene.logs[-1])
    write(api, 103, 103)
    expect(page.locator(".log-line")).to_have_count(27)


def test_the_page_can_be_emptied(api: FakeApi, open_page: Open) -> None:
    page = open_page(more="view=logs")
    page.get_by_role("button", name="Clear the page").click()
    expect(page.locator(".log-line")).to_have_count(0)
    write(api, 100, 100)
    expect(page.locator(".log-line")).to_have_count(1)

"""The list of requests: order, filter, keyboard, pause, bursts, older ones, and a connection that is lost and found."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.control.dashboard.conftest import Open
from tests.control.dashboard.fake_api import FakeApi
from tests.control.dashboard.traffic import exchange

pytestmark = pytest.mark.counterpart("chromium")

FILTER = "Filter requests"


def record(api: FakeApi, first: int, last: int, *, tell: bool = True) -> None:
    """Let requests with these ids pass, through store and stream or through the store alone."""
    fresh = [exchange(number, "GET", f"/fresh/{number}", 200, 3.0) for number in range(first, last + 1)]
    for detail in fresh:
        api.scene.exchanges[detail.summary.id] = detail
    if tell:
        api.push("exchange", *(detail.summary for detail in fresh))


def paths(page: Page) -> list[str]:
    return page.locator(".rows .row .target").all_inner_texts()


def test_rows_say_what_passed(open_page: Open) -> None:
    page = open_page()
    expect(page.locator(".rows .row")).to_have_count(21)
    row = page.locator('.row[data-id="14"]')
    assert row.locator(".cell").all_inner_texts()[1:] == [
        "POST",
        "502",
        "/jobs unreachable",
        "worker",
        "0.8 ms",
        "22 B",
    ]
    expect(row).to_have_attribute("aria-label", "POST /jobs, status 502, unreachable, worker, 0.8 ms")
    expect(page.locator('.row[data-id="5"] .method')).to_have_text("WS")


def test_newest_first_or_last_is_remembered(api: FakeApi, open_page: Open) -> None:
    page = open_page()
    expect(page.locator(".rows .row").first).to_have_attribute("data-id", "21")
    page.get_by_role("button", name="Newest first").click()
    expect(page.locator(".rows .row").first).to_have_attribute("data-id", "1")
    page.reload()
    expect(page.locator(".rows .row").first).to_have_attribute("data-id", "1")
    record(api, 22, 22)
    expect(page.locator(".rows .row").last).to_have_attribute("data-id", "22")


def test_a_running_request_is_completed_in_place(api: FakeApi, open_page: Open) -> None:
    page = open_page()
    row = page.locator('.row[data-id="19"]')
    expect(row.locator(".ending")).to_have_text("running")
    summary = api.scene.exchanges[19].summary
    summary.ending, summary.duration_ms = "complete", 61_000.0
    api.push("exchange", summary)
    expect(row.locator(".ending")).to_have_text("")
    expect(row.locator(".duration")).to_contain_text("1 min 1 s")
    expect(page.locator(".rows .row")).to_have_count(21)


def test_filtering_asks_the_engine_and_is_kept_in_the_address(api: FakeApi, open_page: Open) -> None:
    page = open_page()
    page.get_by_role("combobox", name=FILTER).fill("status:>=400 -route:worker")
    expect(page.locator(".rows .row")).to_have_count(4)
    expect(page.locator(".shown-line")).to_contain_text("4 matches")
    expect(page).to_have_url(re.compile("#filter="))
    events = [path for _, path in api.calls if path.startswith("/api/events")]
    assert events[-1] == "/api/events?filter=status%3A%3E%3D400+-route%3Aworker"
    page.reload()
    expect(page.locator(".rows .row")).to_have_count(4)
    page.get_by_role("button", name="Clear the filter").click()
    expect(page.locator(".rows .row")).to_have_count(21)


def test_a_filter_that_is_not_understood_is_explained_and_changes_nothing(open_page: Open) -> None:
    page = open_page()
    field = page.get_by_role("combobox", name=FILTER)
    field.fill("colour:red")
    expect(page.locator("#filter-problem")).to_have_text("colour is not something to filter by. (nearest: status)")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(page.locator(".rows .row")).to_have_count(21)
    expect(page.locator("html")).to_have_attribute("data-feed", "live")


def test_a_bad_filter_in_the_address_does_not_keep_the_page_from_working(open_page: Open) -> None:
    page = open_page(more="filter=colour%3Ared")
    expect(page.locator("#filter-problem")).to_be_visible()
    expect(page.locator(".rows .row")).to_have_count(21)


def test_nothing_matches(open_page: Open) -> None:
    page = open_page(more="filter=nowhere")
    expect(page.get_by_role("heading", name="No recorded request matches")).to_be_visible()
    page.locator(".empty").get_by_role("button", name="Clear the filter").click()
    expect(page.locator(".rows .row")).to_have_count(21)


def test_the_filter_suggests_terms_and_names(open_page: Open) -> None:
    page = open_page()
    page.keyboard.press("/")
    field = page.get_by_role("combobox", name=FILTER)
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-expanded", "true")
    page.keyboard.type("rou")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(field).to_have_value("route:")
    page.keyboard.type("wo")
    expect(page.get_by_role("option")).to_have_text(["route:worker"])
    page.get_by_role("option").click()
    expect(field).to_have_value("route:worker ")
    expect(page.locator(".rows .row")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(field).not_to_be_focused()


def test_everything_by_keyboard(open_page: Open) -> None:
    page = open_page()
    expect(page.locator(".rows .row")).to_have_count(21)
    for key in ("j", "j", "ArrowDown", "k"):
        page.keyboard.press(key)
    expect(page.locator('.row[data-id="20"]')).to_be_focused()
    page.keyboard.press("Enter")
    detail = page.get_by_role("complementary", name="Request in detail")
    expect(detail).to_contain_text("no. 20")
    page.keyboard.press("j")
    expect(detail).to_contain_text("no. 19")
    page.keyboard.press("Escape")
    expect(detail).to_be_hidden()
    expect(page.locator('.row[data-id="19"]')).to_be_focused()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Help")).to_be_hidden()
    page.keyboard.press("3")
    expect(page.locator("hp-logs")).to_be_visible()


def test_paused_it_counts_and_going_on_shows_the_newest(api: FakeApi, open_page: Open) -> None:
    page = open_page()
    page.keyboard.press("p")
    record(api, 22, 58)
    news = page.get_by_role("button", name="37 new ones: back to the newest")
    expect(news).to_be_visible()
    expect(page.locator(".rows .row")).to_have_count(21)
    news.click()
    expect(page.locator(".rows .row")).to_have_count(58)
    record(api, 59, 59)
    expect(page.locator(".rows .row").first).to_have_attribute("data-id", "59")


def test_clearing_asks_first(api: FakeApi, open_page: Open) -> None:
    page = open_page()
    page.get_by_role("button", name="Clear…").click()
    page.get_by_role("button", name="Keep it").click()
    expect(page.locator(".rows .row")).to_have_count(21)
    page.get_by_role("button", name="Clear…").click()
    page.get_by_role("button", name="Delete all requests").click()
    expect(page.get_by_role("heading", name="No requests yet")).to_be_visible()
    assert ("DELETE", "/api/requests") in api.calls


def test_a_burst_of_5000_keeps_the_list_short_and_older_ones_in_reach(api: FakeApi, open_page: Open) -> None:
    page = open_page()
    expect(page.locator(".rows .row")).to_have_count(21)
    record(api, 22, 5021)
    expect(page.locator(".rows .row").first).to_have_attribute("data-id", "5021")
    expect(page.locator(".rows .row")).to_have_count(1000)
    expect(page.locator(".rows .row").last).to_have_attribute("data-id", "4022")
    page.get_by_role("button", name="Show older requests").click()
    expect(page.locator(".rows .row").last).to_have_attribute("data-id", "3822")
    assert any("before=4022" in path for _, path in api.calls)
    expect(page.locator(".rows .row")).to_have_count(1000)
    page.get_by_role("button", name="Back to the newest").click()
    expect(page.locator(".rows .row").first).to_have_attribute("data-id", "5021")


def test_order_survives_events_that_come_out_of_order(api: FakeApi, open_page: Open) -> None:
    page = open_page()
    for number in (25, 23, 24, 22):
        record(api, number, number)
    expect(page.locator(".rows .row")).to_have_count(25)
    assert paths(page)[:4] == ["/fresh/25", "/fresh/24", "/fresh/23", "/fresh/22"]


def test_a_cut_stream_is_opened_again_and_what_was_missed_is_fetched(api: FakeApi, open_page: Open) -> None:
    page = open_page()
    record(api, 22, 24, tell=False)
    api.cut()
    expect(page.locator(".rows .row").first).to_have_attribute("data-id", "24")
    expect(page.locator("html")).to_have_attribute("data-feed", "live")


def test_events_that_the_engine_dropped_are_fetched(api: FakeApi, open_page: Open) -> None:
    page = open_page()
    record(api, 22, 30, tell=False)
    api.push("lost", {"events": 9})
    expect(page.locator(".rows .row").first).to_have_attribute("data-id", "30")


def test_half_a_term_is_not_asked_for(api: FakeApi, open_page: Open) -> None:
    page = open_page()
    field = page.get_by_role("combobox", name=FILTER)
    field.press_sequentially("route:worker")
    expect(page.locator(".rows .row")).to_have_count(1)
    field.press_sequentially(' "jo')
    field.press_sequentially('bs"')
    expect(page).to_have_url(re.compile("jobs"))
    asked = {parse_qs(urlsplit(path).query).get("filter", [""])[0] for _, path in api.calls}
    assert "route:" not in asked
    assert not any(text.count('"') == 1 for text in asked)


def test_when_the_engine_is_gone_it_says_so_and_comes_back(api: FakeApi, open_page: Open) -> None:
    page = open_page()
    api.go_down()
    notice = page.get_by_role("alert")
    expect(notice).to_contain_text("The engine does not answer; what you see may be out of date.")
    expect(notice).to_contain_text("Trying again in")
    expect(notice.locator("code")).to_have_text("homeport status")
    expect(page.locator("hp-connection")).to_contain_text("Not connected")
    expect(page.locator(".rows .row")).to_have_count(21)
    button = page.get_by_role("button", name="Try now")
    button.focus()
    expect(notice).to_contain_text(re.compile(r"in [2-9] s"))  # it was drawn anew meanwhile
    expect(button).to_be_focused()
    api.is_down = False
    record(api, 22, 22, tell=False)
    page.keyboard.press("Enter")
    expect(notice).to_be_hidden()
    expect(page.locator(".rows .row")).to_have_count(22)


def test_a_path_that_looks_like_markup_stays_text(api: FakeApi, open_page: Open) -> None:
    page = open_page()
    evil = "/<img src=x onerror=alert(1)>?<b>=1"
    detail = exchange(22, "GET", evil, 200, 1.0)
    api.scene.exchanges[22] = detail
    api.push("exchange", detail.summary)
    expect(page.locator(".rows .row").first.locator(".path")).to_have_text(evil)
    assert page.locator(".rows img").count() == 0

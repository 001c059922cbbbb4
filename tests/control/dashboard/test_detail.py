"""One request in full: timing, heads with hidden secrets, bodies of every sort, messages, the copied curl command."""

from __future__ import annotations

import re
import subprocess

import pytest
from playwright.sync_api import Page, expect

from homeport.model.exchange import Message
from tests.control.dashboard.conftest import NARROW, Open
from tests.control.dashboard.fake_api import FakeApi
from tests.control.dashboard.traffic import BEARER, HTML, exchange

pytestmark = pytest.mark.counterpart("chromium")


def shown(open_page: Open, number: int, tab: str) -> Page:
    page = open_page(more=f"id={number}")
    page.get_by_role("tab", name=tab).click()
    return page


def test_overview_tells_where_the_time_went(open_page: Open) -> None:
    page = shown(open_page, 11, "Overview")
    expect(page.locator(".sentence")).to_have_text("Done in 1.43 s, 974 ms of it waiting for the app.")
    expect(page.locator(".waterfall tr")).to_have_count(6)
    lefts = page.locator(".phase-bar").evaluate_all("bars => bars.map(bar => bar.getBoundingClientRect().left)")
    assert lefts == sorted(lefts)
    expect(page.locator(".pairs")).to_contain_text("chromium (3988), 127.0.0.1:51011")
    expect(page.locator('.row[data-id="11"]')).to_have_attribute("aria-selected", "true")


def test_an_ending_other_than_complete_says_why(open_page: Open) -> None:
    page = shown(open_page, 16, "Overview")
    expect(page.locator(".sentence")).to_contain_text("Client gone after 30.0 s: the client closed before")
    expect(page.get_by_role("tab")).to_have_text(["Overview", "Request"])  # there was no answer


def test_secrets_are_hidden_until_asked_for(open_page: Open) -> None:
    page = shown(open_page, 6, "Request")
    expect(page.locator(".headers").first).to_contain_text("Bearer ••••••••")
    assert BEARER[1] not in page.locator("hp-detail").inner_text()
    page.get_by_role("button", name="Show the value of Authorization").click()
    expect(page.locator(".headers").first).to_contain_text(BEARER[1])


def test_json_is_laid_out_without_touching_its_numbers(open_page: Open) -> None:
    page = shown(open_page, 6, "Response")
    code = page.locator(".body pre")
    expect(code).to_contain_text('"id": 9007199254740993,\n      "name": "Brass lantern",\n      "price": 48.50,')
    page.get_by_role("button", name="Raw").click()
    expect(code).to_contain_text('{"items":[{"id":9007199254740993')


def test_forms_are_shown_as_pairs(open_page: Open) -> None:
    page = shown(open_page, 8, "Request")
    expect(page.locator(".body .headers")).to_have_text("userkim@shop.examplepasswordlantern at sea")


def test_html_stays_text(open_page: Open) -> None:
    page = shown(open_page, 1, "Response")
    assert page.locator(".body pre").inner_text().strip() == HTML.strip()
    assert page.locator(".body script").count() == 0


def test_images_are_seen(open_page: Open) -> None:
    page = shown(open_page, 4, "Response")
    expect(page.locator("figcaption")).to_have_text(re.compile("^96 . 64$"))
    assert str(page.locator(".body img").get_attribute("src")).startswith("data:image/png;base64,")


def test_a_drawing_with_a_script_in_it_is_only_a_picture(api: FakeApi, open_page: Open) -> None:
    drawing = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"><script>alert(1)</script></svg>'
    api.scene.exchanges[22] = exchange(22, "GET", "/evil.svg", 200, 1.0, type_="image/svg+xml", text=drawing)
    page = shown(open_page, 22, "Response")
    expect(page.locator("figcaption")).to_have_text(re.compile("^40 . 30$"))
    page.get_by_role("button", name="Raw").click()
    expect(page.locator(".body pre")).to_have_text(drawing)


def test_bytes_are_dumped_and_a_cut_off_body_says_so(open_page: Open) -> None:
    page = shown(open_page, 15, "Response")
    expect(page.locator(".body pre")).to_contain_text("000020  20 21 22 23 24 25 26 27  28 29")
    expect(page.locator(".body")).to_contain_text("Only the first 1.0 kB were kept")


def test_the_body_can_be_saved(open_page: Open) -> None:
    page = shown(open_page, 4, "Response")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download the body").click()
    assert saved.value.path().read_bytes().startswith(b"\x89PNG")


def test_messages_of_a_websocket_and_new_ones_while_it_is_open(api: FakeApi, open_page: Open) -> None:
    page = shown(open_page, 5, "Messages")
    expect(page.locator(".messages li")).to_have_count(5)
    expect(page.locator(".messages li").first).to_contain_text("↑ client")
    expect(page.locator(".messages li").nth(3)).to_contain_text("ABCDEFGHIJKLMNOP")
    api.scene.exchanges[5].messages.append(Message(at_ms=16_000, from_client=True, bytes=3, text="bye"))
    api.push("exchange", api.scene.exchanges[5].summary)
    expect(page.locator(".messages li")).to_have_count(6)
    expect(page.get_by_role("tab", name="Messages 6")).to_have_attribute("aria-selected", "true")


def test_tabs_move_with_arrows(open_page: Open) -> None:
    page = shown(open_page, 6, "Overview")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Request")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("tab", name="Response")).to_have_attribute("aria-selected", "true")


def test_a_request_that_is_gone_is_told(open_page: Open) -> None:
    page = open_page(more="id=4711")
    expect(page.locator("hp-detail")).to_contain_text("This request is no longer in the recording.")
    page.get_by_role("button", name="Close the detail").click()
    expect(page.locator("hp-detail")).to_be_hidden()


@pytest.mark.parametrize("number", [11, 8, 12])
def test_curl_means_the_same_request_to_a_shell(api: FakeApi, open_page: Open, number: int) -> None:
    page = open_page(more=f"id={number}")
    page.get_by_role("button", name="Copy as curl").click()
    expect(page.locator("hp-toast")).to_contain_text("Copied")
    command = page.evaluate("navigator.clipboard.readText()")
    printed = subprocess.run(
        ["sh", "-c", 'curl() { printf "%s\\0" "$@"; }\n' + command], capture_output=True, text=True, check=True
    )
    words = printed.stdout.split("\0")[:-1]
    detail = api.scene.exchanges[number]
    assert f"http://{detail.summary.host}{detail.summary.path}" in words
    given = {words[at + 1] for at, word in enumerate(words) if word == "--header"}
    left_out = ("Host", "Content-Length", "Accept-Encoding")
    assert given == {f"{name}: {value}" for name, value in detail.request.headers if name not in left_out}
    if detail.request_body.text is not None:
        assert words[words.index("--data-raw") + 1] == detail.request_body.text
    assert "--compressed" in words


def test_curl_says_that_secrets_are_in_it(open_page: Open) -> None:
    page = open_page(more="id=11")
    page.keyboard.press("c")
    expect(page.locator("hp-toast")).to_have_text("Copied, with its Authorization in it.")


def test_on_a_narrow_page_it_is_a_sheet_that_takes_the_focus(open_page: Open) -> None:
    page = open_page(size=NARROW)
    page.locator('.row[data-id="11"]').click()
    sheet = page.locator("hp-detail")
    box = sheet.bounding_box()
    assert box is not None
    assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, *NARROW)
    close = page.get_by_role("button", name="Close the detail")
    expect(close).to_be_focused()
    close.click()
    expect(sheet).to_be_hidden()
    expect(page.locator('.row[data-id="11"]')).to_be_focused()


def test_a_request_that_grows_keeps_what_is_looked_at(api: FakeApi, open_page: Open) -> None:
    page = shown(open_page, 19, "Response")
    api.scene.exchanges[19] = exchange(
        19, "GET", "/v1/events", 200, 9000.0, route="api", type_="text/event-stream", text="data: 1\n\ndata: 2\n\n"
    )
    api.push("exchange", api.scene.exchanges[19].summary)
    expect(page.locator(".body pre")).to_contain_text("data: 2")
    expect(page.get_by_role("tab", name="Response")).to_have_attribute("aria-selected", "true")

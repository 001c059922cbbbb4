"""How one gets in: the one-time key, the cookie or the token, and the page that says how when there is neither."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.control.dashboard.conftest import Open
from tests.control.dashboard.fake_api import FakeApi

pytestmark = pytest.mark.counterpart("chromium")


def test_key_becomes_a_cookie_on_homeport_localhost(api: FakeApi, open_page: Open) -> None:
    api.is_open_to_all = False
    page = open_page(api.url("homeport.localhost"))
    assert page.url == f"http://homeport.localhost:{api.port}/"
    assert page.evaluate("sessionStorage.length") == 0
    page.reload()
    expect(page.locator("article.app")).to_have_count(3)


def test_key_becomes_a_token_elsewhere_and_lasts_as_long_as_the_tab(api: FakeApi, open_page: Open) -> None:
    api.is_open_to_all = False
    page = open_page(api.url(more="view=logs"))
    assert page.url == f"http://127.0.0.1:{api.port}/#view=logs"
    assert page.context.cookies() == []
    page.reload()
    expect(page.locator(".log-line").first).to_be_visible()


def test_the_key_is_not_in_the_history(api: FakeApi, open_page: Open) -> None:
    page = open_page(api.url())
    page.goto("about:blank")
    page.go_back()
    expect(page.locator("article.app")).to_have_count(3)
    assert "enter" not in page.url


def test_without_a_key_it_says_what_to_run(api: FakeApi, open_page: Open) -> None:
    api.is_open_to_all = False
    page = open_page(api.url(key=""), live=False)
    expect(page.get_by_role("heading", name="This page needs a key")).to_be_visible()
    expect(page.locator(".signin code")).to_have_text("homeport open")
    expect(page.locator(".harbour")).to_be_hidden()
    page.get_by_role("button", name="Copy the command").click()
    assert page.evaluate("navigator.clipboard.readText()") == "homeport open"


def test_a_used_key_is_told_unless_the_browser_is_in_already(api: FakeApi, open_page: Open) -> None:
    api.is_open_to_all = False
    api.keys.clear()
    page = open_page(api.url("homeport.localhost"), live=False)
    expect(page.locator(".why")).to_have_text("That key was used already.")
    api.keys.add("fresh")
    page.goto(api.url("homeport.localhost", key="fresh"))
    expect(page.locator("article.app")).to_have_count(3)
    page.goto("about:blank")
    page.goto(api.url("homeport.localhost", key="fresh"))
    expect(page.locator("article.app")).to_have_count(3)


def test_a_token_that_is_no_longer_valid_leads_to_the_way_in(api: FakeApi, open_page: Open) -> None:
    page = open_page()
    api.is_open_to_all = False
    api.cut()
    expect(page.get_by_role("heading", name="This page needs a key")).to_be_visible()
    expect(page.locator(".why")).to_contain_text("The engine was started anew")

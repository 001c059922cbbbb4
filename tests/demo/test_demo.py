"""The demo's apps and its visit, through a door; and the page in a real browser."""

from __future__ import annotations

import http.client
import json
import re
import shutil
from contextlib import closing
from typing import Any

import pytest

from homeport.demo import API, UDP, WEB, specs, visit
from homeport.demo.harbour import LIMIT, Harbour, mistakes
from homeport.model.errors import HomeportError
from homeport.model.name import is_route_name
from tests.demo.conftest import Door


def ask(door: Door, method: str, path: str, body: str | None = None, **headers: str) -> tuple[int, Any, Any]:
    with closing(http.client.HTTPConnection("127.0.0.1", door.server_address[1], timeout=10)) as connection:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, json.loads(answer.read())


def test_the_specs_are_three_routes_of_which_the_page_is_the_default() -> None:
    found = {spec.name: spec for spec in specs()}
    assert set(found) == {WEB, API, UDP}
    assert all(is_route_name(name) for name in found)
    assert [name for name, spec in found.items() if spec.default] == [WEB]
    assert found[WEB].needs == [API]
    assert found[WEB].env


def test_a_visit_makes_varied_requests_and_tells_each(door: Door) -> None:
    lines = visit(door.url)
    assert len(lines) == 14
    told = "\n".join(lines)
    for part in ("HEAD", "404", "422", "500", "3 events", "5 messages there and back", "16 chunks up", "UDP "):
        assert part in told


def test_a_visit_takes_an_address_and_a_known_udp_port(door: Door) -> None:
    _, _, said = ask(door, "GET", "/@udp.demo/")
    assert visit(door.url.removeprefix("http://"), said["udp"])[-1] == f"UDP  {said['udp']}  4 bytes there and back"
    assert ask(door, "GET", "/@udp.demo/")[2]["datagrams"] == said["datagrams"] + 1


def test_a_visit_that_goes_wrong_says_what_did(door: Door) -> None:
    web = door.routes["demo"]
    door.routes["demo"] = door.routes["api.demo"]
    try:
        with pytest.raises(HomeportError, match=r"GET demo.localhost/page.css was answered with 404 instead of 200"):
            visit(door.url)
    finally:
        door.routes["demo"] = web
    with pytest.raises(HomeportError) as failure:
        visit("http://127.0.0.1:1")
    assert failure.value.code == "app-failed"


def test_what_is_wrong_with_a_ship_is_told_by_field(door: Door) -> None:
    status, _, said = ask(door, "POST", "/@api.demo/items", json.dumps({"berth": "3"}))
    assert (status, [wrong["field"] for wrong in said["fields"]]) == (422, ["name", "berth"])
    assert ask(door, "POST", "/@api.demo/items", "{")[0] == 400
    assert mistakes({"name": "A", "berth": True}) == [{"field": "berth", "message": "a number from 1 to 12"}]
    assert mistakes([]) != []
    assert mistakes({"name": "A", "berth": 12}) == []


def test_only_pages_on_loopback_may_read_the_api(door: Door) -> None:
    for origin in ("http://demo.localhost:62893", "http://127.0.0.1:62893", "http://[::1]:1", "https://localhost"):
        assert ask(door, "GET", "/@api.demo/items", Origin=origin)[1]["access-control-allow-origin"] == origin
    for origin in ("https://example.com", "http://localhost.example.com", "http://127.0.0.1.example.com", "null"):
        assert ask(door, "GET", "/@api.demo/items", Origin=origin)[1]["access-control-allow-origin"] is None


def test_a_full_harbour_lets_the_oldest_leave() -> None:
    harbour = Harbour()
    for _ in range(LIMIT * 2):
        harbour.add({"name": "A", "berth": 1})
    assert len(harbour.list()) == LIMIT
    assert harbour.get(1) is None


@pytest.mark.counterpart("chromium")
@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("path", ["/", "/@demo/"])
def test_the_page_in_a_browser(door: Door, width: int, path: str) -> None:
    from playwright.sync_api import expect, sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 900})
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(door.url + path)
        expect(page.get_by_text("connected", exact=True)).to_be_visible()
        expect(page.get_by_role("cell", name="Wandering Albatross")).to_be_visible()
        expect(page.locator("#trip")).to_have_text(re.compile(r"[0-9]"))
        page.get_by_role("button", name="Add").click()
        expect(page.get_by_role("alert")).to_contain_text("a ship needs a name")
        page.get_by_label("Ship").fill("Evening Star")
        page.get_by_label("Berth").fill("11")
        page.get_by_role("button", name="Add").click()
        expect(page.locator("tbody tr").first).to_contain_text("Evening Star")
        page.get_by_role("button", name="Stream").click()
        expect(page.locator("#calls")).to_contain_text("of 5")
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert problems == []
        browser.close()

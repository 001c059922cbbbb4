"""A real Chromium: a page that rebinds its name to us gets nothing, and a link lets one browser in and no other site.

Rebinding is what `--host-resolver-rules` does here: the attacker's page comes from its own name, and everything that it
asks of that name afterwards arrives at our door.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, sync_playwright

from tests.access_stage import SECRET, Castle, castle

pytestmark = [pytest.mark.counterpart("chromium"), pytest.mark.timeout(120)]

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP *.example 127.0.0.1, MAP *.localhost 127.0.0.1",
    # Chromium's own guards of the local network would stop the attack before it got to us.
    "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests,PrivateNetworkAccessChecks",
]
# Everything that a page can try, each with what it could read; "" where it could read nothing.
ATTACK = """async ([own, port, names]) => {
  const got = {};
  const read = async (name, url, options) => {
    try {
      const answer = await fetch(url, options);
      got[name] = answer.status + " " + await answer.text();
    } catch (error) { got[name] = ""; }
  };
  const paths = ["/", "/api/status", "/api/routes", "/@free/", "/@strict/", "/@homeport/", "/.homeport/enter?key=x"];
  for (const path of paths) {
    await read("GET " + path, path, {credentials: "include"});
    await read("POST " + path, path, {method: "POST", body: "x", headers: {"Content-Type": "application/json"}});
    await read("token " + path, path, {headers: {Authorization: "Bearer hp_guess", "X-Forwarded-Host": "127.0.0.1"}});
  }
  for (const name of names) {
    await read("cross " + name, `http://${name}:${port}/`, {credentials: "include"});
    await read("post " + name, `http://${name}:${port}/change`, {method: "POST", body: "x", credentials: "include"});
    await fetch(`http://${name}:${port}/blind`, {method: "POST", mode: "no-cors", body: "x"}).catch(() => null);
  }
  const socket = url => new Promise(done => {
    const made = new WebSocket(url);
    made.onopen = () => done("open");
    made.onerror = () => done("");
  });
  got["socket own"] = await socket(`ws://${own}:${port}/socket`);
  for (const name of names) got["socket " + name] = await socket(`ws://${name}:${port}/socket`);
  return got;
}"""
NAMES = ["free.localhost", "strict.localhost", "tok.localhost", "homeport.localhost", "127.0.0.1", "0.0.0.0", "[::1]"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def place() -> Iterator[Castle]:
    with castle() as made:
        made.route("strict", "--cross-site", "deny", "--default")
        made.route("free")
        made.route("tok", "--access", "token")
        yield made


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    made = context.new_page()
    made.set_default_timeout(15_000)
    yield made
    context.close()


def attacker(page: Page, host: str, port: int, body: str = "<p>cat pictures</p>") -> None:
    """The page comes from the attacker; what it asks for later does not."""

    def fulfil(route: Route) -> None:
        route.fulfill(content_type="text/html", body=body)

    page.route(f"http://{host}:{port}/lure", fulfil)
    page.goto(f"http://{host}:{port}/lure")


def test_a_page_that_rebinds_its_name_gets_nothing(place: Castle, page: Page) -> None:
    port = place.port
    attacker(page, "evil.example", port)
    place.app.asked.clear()
    got: dict[str, str] = page.evaluate(ATTACK, ["evil.example", port, NAMES])
    own = {name: answer for name, answer in got.items() if name.startswith(("GET", "POST", "token"))}
    # The same for its own name, whatever the path, method and fields, as a page or as JSON: it tells nothing apart.
    assert {answer[:4] for answer in own.values()} == {"421 "}
    assert len(set(own.values())) == 2
    assert not any(word in own["GET /"] for word in ("free", "strict", "tok", SECRET, str(place.app.server_port)))
    # Of other names it may read nothing, and what denies cross-site requests is neither changed nor connected to.
    assert {
        name: answer for name, answer in got.items() if name not in own and answer and "socket free" not in name
    } == {}
    asked = place.app.asked
    assert not any("evil" in one or "tok." in one for one in asked)
    # What only reads may arrive at an app, since its answer is not for that page. What changes something may not.
    assert {one for one in asked if not one.startswith("GET ") or "/socket" in one} <= {
        f"POST free.localhost:{port}/change",
        f"POST free.localhost:{port}/blind",
        f"GET free.localhost:{port}/socket",
    }


def test_a_frame_shows_an_attacker_nothing_of_the_dashboard(place: Castle, page: Page) -> None:
    port = place.port
    attacker(page, "evil.example", port, f'<iframe src="http://homeport.localhost:{port}/"></iframe>')
    page.wait_for_function("document.querySelector('iframe').contentDocument === null")
    assert page.frames[1].url == "chrome-error://chromewebdata/"


def test_a_link_lets_in_one_browser(place: Castle, page: Page, browser: Browser) -> None:
    port, link = place.port, place.homeport("open", "tok", "--print")
    response = page.goto(f"http://tok.localhost:{port}/")
    assert response is not None
    assert response.status == 401
    page.goto(link)
    page.wait_for_url(f"http://tok.localhost:{port}/")
    assert SECRET in page.content()
    assert "homeport=" not in page.content()  # the cookie went no further than the door
    [cookie] = page.context.cookies()
    assert (cookie["domain"], cookie["httpOnly"], cookie["sameSite"]) == ("tok.localhost", True, "Strict")
    assert page.evaluate("document.cookie") == ""
    assert page.evaluate("document.referrer") == ""
    page.goto(link)
    assert "used already" in page.content()
    fresh = browser.new_context()
    assert status(fresh.new_page().goto(f"http://tok.localhost:{port}/")) == 401
    fresh.close()


def test_another_site_cannot_use_the_cookie(place: Castle, page: Page) -> None:
    port = place.port
    page.goto(place.homeport("open", "tok", "--print"))
    page.wait_for_url(f"http://tok.localhost:{port}/")
    place.app.asked.clear()
    attacker(page, "evil.example", port)
    script = f"""async () => {{
      await fetch("http://tok.localhost:{port}/stolen", {{mode: "no-cors", credentials: "include"}}).catch(() => null);
      await fetch("http://tok.localhost:{port}/stolen", {{method: "POST", mode: "no-cors", credentials: "include"}})
        .catch(() => null);
      await new Promise(done => {{
        const image = new Image();
        image.onload = image.onerror = done;
        image.src = "http://tok.localhost:{port}/stolen.png";
      }});
    }}"""
    page.evaluate(script)
    assert not any("stolen" in asked for asked in place.app.asked)
    for host in ("127.0.0.1", "localhost", "free.localhost"):  # nor do other apps on this computer see it
        page.goto(f"http://{host}:{port}/")
        assert "homeport=" not in page.content()


def status(response: Any) -> int:
    assert response is not None
    return int(response.status)

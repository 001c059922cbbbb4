"""The page on a real engine, by its real link: what the fake leaves open is whether the two understand each other."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

pytestmark = pytest.mark.counterpart("chromium")

APP = """
import http.server, os
class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print("\\x1b[32masked for\\x1b[0m", self.path, flush=True)
        body = b'{"hello": "harbour"}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Hello).serve_forever()
"""


def homeport(*words: str, cwd: Path) -> str:
    command = [sys.executable, "-m", "homeport", *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.fixture
def door(home: Path, tmp_path: Path) -> Iterator[str]:
    """An engine with one app; what it is called from outside."""
    (tmp_path / "hello.py").write_text(APP)
    homeport("run", "-d", "--name", "hello", "--", sys.executable, "hello.py", cwd=tmp_path)
    try:
        yield str(json.loads(homeport("status", "--json", cwd=tmp_path))["engine"]["url"])
    finally:
        homeport("down", cwd=tmp_path)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("words", [[], ["--own-port"]], ids=["by cookie", "by token"])
def test_it_shows_what_passes(door: str, browser: Browser, tmp_path: Path, words: list[str]) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(15_000)
    page.goto(homeport("open", "--print", *words, cwd=tmp_path).strip())
    page.locator("html[data-feed=live]").wait_for(state="attached")
    assert "enter" not in page.url
    expect(page.get_by_role("article", name="hello: ready")).to_be_visible()
    page.get_by_role("combobox", name="Filter requests").fill("route:hello")
    expect(page.get_by_role("heading", name="No recorded request matches")).to_be_visible()
    urllib.request.urlopen(f"{door}/@hello/lantern?lit=1").close()
    page.locator(".rows .row", has_text="/lantern").click()
    page.get_by_role("tab", name="Response").click()
    expect(page.locator(".body pre")).to_have_text('{\n  "hello": "harbour"\n}')
    page.get_by_role("button", name="Log of hello").click()
    expect(page.locator(".said .fg-2")).to_have_text("asked for")
    page.get_by_role("button", name="Stop hello").click()
    expect(page.get_by_role("article", name="hello: stopped")).to_be_visible()
    page.get_by_role("button", name="Start hello").click()
    expect(page.get_by_role("article", name="hello: ready")).to_be_visible()
    context.close()

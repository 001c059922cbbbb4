"""The page on a real engine, by its real link: what the fake leaves open is whether the two understand each other."""

from __future__ import annotations

import json
import re
import socket
import socketserver
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

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


@contextmanager
def again_and_again(call: Callable[[], object]) -> Iterator[None]:
    """Some traffic, as long as the block lasts."""
    is_over = threading.Event()

    def run() -> None:
        while not is_over.wait(0.02):
            call()

    thread = threading.Thread(target=run, name="traffic")
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def network_page(browser: Browser, cwd: Path, route: str) -> Page:
    page = browser.new_page()
    page.set_default_timeout(15_000)
    page.goto(f"{homeport('open', '--print', cwd=cwd).strip()}&view=network&route={route}")
    page.locator("html[data-feed=live]").wait_for(state="attached")
    return page


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


@pytest.mark.timeout(180)
def test_a_slider_slows_what_clients_get_and_the_plot_follows(door: str, browser: Browser, tmp_path: Path) -> None:
    def seconds() -> float:
        began_s = time.perf_counter()
        urllib.request.urlopen(f"{door}/@hello/").close()
        return time.perf_counter() - began_s

    page = network_page(browser, tmp_path, "hello")
    plot, state = page.locator("[data-plot=latency]"), page.locator(".net-state")
    with again_and_again(seconds):
        expect(plot).to_have_attribute("data-p50", re.compile(r"^\d"), timeout=15_000)
        slider = page.get_by_role("slider", name="Latency, both ways")
        slider.focus()
        for _ in range(16):
            page.keyboard.press("ArrowRight")
        expect(state).to_have_text("own settings")
        assert json.loads(homeport("net", "show", "--json", cwd=tmp_path))[0]["text"] == "latency=150ms"
        assert seconds() >= 0.3
        expect(plot).to_have_attribute("data-p50", re.compile(r"^[3-9]\d\d\."), timeout=15_000)
        homeport("net", "set", "hello", "3g", cwd=tmp_path)
        expect(state).to_have_text("3g")
        expect(page.get_by_role("article", name="hello: ready").locator(".network-mark")).to_have_text("3g")
        page.get_by_role("button", name="Clear").click()
        expect(state).to_have_text("the network as it is")
        assert json.loads(homeport("net", "show", "--json", cwd=tmp_path)) == []
        expect(plot).to_have_attribute("data-p50", re.compile(r"^[12]?\d?\d\."), timeout=15_000)
    page.close()


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while data := self.request.recv(4096):
            self.request.sendall(data)


@pytest.mark.timeout(180)
def test_a_stream_shows_what_holds_it_back_each_way(door: str, browser: Browser, tmp_path: Path) -> None:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), name="echo").start()
        target = f"tcp:127.0.0.1:{server.server_address[1]}"
        made = json.loads(homeport("route", "db", target, "--listen", "127.0.0.1:0", "--json", cwd=tmp_path))
        homeport("net", "set", "db", "up.latency=20ms", "down.latency=30ms", cwd=tmp_path)
        page = network_page(browser, tmp_path, "db")
        with socket.create_connection(("127.0.0.1", int(made["listen"].rpartition(":")[2]))) as client:

            def ask() -> None:
                client.sendall(b"select 1")
                client.recv(100)

            with again_and_again(ask):
                plot = page.locator("[data-plot=latency]")
                expect(plot).to_have_attribute("data-up", "20.0", timeout=15_000)
                expect(plot).to_have_attribute("data-down", "30.0", timeout=15_000)
                rate = page.locator("[data-plot=throughput]")
                expect(rate).to_have_attribute("data-up", re.compile(r"^[1-9]"), timeout=15_000)
        page.close()
        server.shutdown()

"""Ways to listen: on a Unix socket, on one address family, on all of them, and without SO_REUSEADDR."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.counterparts.audience import everyone_sees
from tests.counterparts.stage import Stage

# The app listens as its one argument says; it knows nothing of homeport but what stands in its environment.
APP = """
import os, socket, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"<!doctype html><title>Light</title><h1>Light</h1>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self):
        return "somebody"

class Server(HTTPServer):
    allow_reuse_address = sys.argv[1] != "exclusive"
    address_family = {"socket": socket.AF_UNIX, "::1": socket.AF_INET6}.get(sys.argv[1], socket.AF_INET)

    def server_bind(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, self.allow_reuse_address)
        self.socket.bind(self.server_address)

port = int(os.environ.get("PORT", "0"))
place = {
    "socket": os.environ.get("HOMEPORT_SOCKET"),
    "exclusive": ("127.0.0.1", port),
    "::1": ("::1", port),
    "0.0.0.0": ("0.0.0.0", port),
}[sys.argv[1]]
Server(place, Page).serve_forever()
"""

pytestmark = pytest.mark.counterpart("curl", "chromium")


@pytest.fixture(autouse=True)
def app(stage: Stage) -> None:
    stage.write("light.py", APP)


def test_on_a_unix_socket(stage: Stage, page: Page) -> None:
    stage.write("homeport.toml", '[apps.light]\nrun = "exec python light.py socket"\nsocket = true\n')
    with stage.perform("up") as run:
        run.says("light is ready")
        everyone_sees(stage, page, "light", "Light")
        assert stage.app("light")["address"].startswith("unix:")


def test_on_ipv6_loopback_alone(stage: Stage, page: Page) -> None:
    with stage.perform("run", "--name", "light", "--", "python", "light.py", "::1") as run:
        run.says("light is ready")
        everyone_sees(stage, page, "light", "Light")
        state = stage.app("light")
        assert (state["address"], state["exposed"]) == (f"[::1]:{state['port']}", False)
    assert "notice:" not in run.text


def test_on_every_address_with_a_warning(stage: Stage, page: Page) -> None:
    with stage.perform("run", "--name", "light", "--", "python", "light.py", "0.0.0.0") as run:
        run.says("light is ready")
        assert "other computers can reach it" in run.says("notice:")
        everyone_sees(stage, page, "light", "Light")
        state = stage.app("light")
        assert (state["address"], state["exposed"]) == (f"127.0.0.1:{state['port']}", True)


def test_without_sharing_the_port_that_is_held_for_it(stage: Stage, page: Page) -> None:
    with stage.perform("run", "--name", "light", "--", "python", "light.py", "exclusive") as run:
        run.says("light is ready")
        everyone_sees(stage, page, "light", "Light")
        state = stage.app("light")
        assert state["address"] == f"127.0.0.1:{state['port']}"
    assert "✗" not in run.text, "the second try needs no word"

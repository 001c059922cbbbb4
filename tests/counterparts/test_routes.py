"""`homeport route`: names for servers that homeport did not start, over HTTP, a Unix socket and TCP."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Page

from tests.counterparts.audience import by_curl, everyone_sees
from tests.counterparts.stage import Stage

NGINX = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/temp;
    server {{
        listen {listen};
        default_type text/html;
        return 200 "<!doctype html><title>Pier</title><h1>Pier</h1>";
    }}
}}
"""

pytestmark = pytest.mark.counterpart("nginx", "curl", "chromium")
Start = Callable[[str], None]


@pytest.fixture
def nginx(stage: Stage) -> Iterator[Start]:
    """An nginx that runs already."""
    with ExitStack() as running:

        def start(listen: str) -> None:
            path = stage.write("nginx.conf", NGINX.format(folder=stage.folder, listen=listen))
            server = subprocess.Popen(["nginx", "-e", "stderr", "-c", str(path)], stderr=subprocess.DEVNULL)
            running.callback(server.wait, 20)
            running.callback(server.terminate)
            pid = stage.folder / "nginx.pid"
            while not (pid.exists() and pid.read_text().strip()):  # written once it listens
                assert server.poll() is None

        yield start


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_to_a_url(stage: Stage, page: Page, nginx: Start, port: int) -> None:
    nginx(f"127.0.0.1:{port}")
    assert f"http://127.0.0.1:{port}" in stage.homeport("route", "pier", f"http://127.0.0.1:{port}")
    everyone_sees(stage, page, "pier", "Pier")
    stage.homeport("route", "--remove", "pier")
    assert stage.curl("-H", "Host: pier.localhost", "http://127.0.0.1:{port}/").status == 421


def test_to_a_unix_socket(stage: Stage, page: Page, nginx: Start) -> None:
    path = stage.folder / "pier.sock"
    nginx(f"unix:{path}")
    stage.homeport("route", "pier", f"unix:{path}")
    everyone_sees(stage, page, "pier", "Pier")


def test_to_a_tcp_address_on_a_port_of_its_own(stage: Stage, page: Page, nginx: Start, port: int) -> None:
    nginx(f"127.0.0.1:{port}")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        own = int(listener.getsockname()[1])
    stage.homeport("route", "pier", f"tcp:127.0.0.1:{port}", "--listen", str(own))
    assert "<h1>Pier</h1>" in stage.curl(f"http://127.0.0.1:{own}/").text
    page.goto(f"http://localhost:{own}/")
    assert page.get_by_role("heading").text_content() == "Pier"
    seen = stage.requests("route:pier")
    assert seen
    assert {one["kind"] for one in seen} == {"tcp"}
    assert stage.curl("-H", "Host: pier.localhost", "http://127.0.0.1:{port}/").status == 421


def test_to_nothing_says_so(stage: Stage, port: int) -> None:
    stage.homeport("route", "pier", str(port))
    told = stage.curl("-H", "Accept: application/json", "http://127.0.0.1:{port}/")
    assert told.status == 502
    assert f"nothing listens on 127.0.0.1:{port}" in told.text


def test_a_route_beside_an_app(stage: Stage, nginx: Start, port: int) -> None:
    nginx(f"127.0.0.1:{port}")
    stage.write("index.html", "<h1>Quay</h1>")
    stage.write("homeport.toml", f'[apps.quay]\nserve = "."\n[routes.pier]\ntarget = "http://127.0.0.1:{port}"\n')
    with stage.perform("up", status=0) as run:
        run.says("quay is ready")
        by_curl(stage, "quay", "<h1>Quay</h1>")
        by_curl(stage, "pier", "<h1>Pier</h1>", is_default=False)
    assert [route["name"] for route in stage.json("route")] == ["quay"]

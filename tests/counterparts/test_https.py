"""HTTPS as a user meets it: a door with a certificate, programs that believe it, a browser that does after `trust`."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import sync_playwright

from homeport.certs.environment import ADDING, REPLACING
from tests.certs import clients
from tests.certs.tls_server import ANSWER
from tests.counterparts.conftest import ARGUMENTS
from tests.counterparts.stage import Stage

PAGE = "<!doctype html><title>Harbour</title><h1>Harbour</h1><script>document.title = location.protocol</script>"
NODE = """
const https = require("https")
const http = require("http")
const neighbour = process.env.HOMEPORT_API_URL.replace("http:", "https:")
http.createServer((request, response) => {
  https.get(neighbour + "/hello.txt", answer => {
    answer.pipe(response)
  }).on("error", error => { response.statusCode = 500; response.end(error.message) })
}).listen(process.env.PORT, "127.0.0.1")
"""


@pytest.fixture(autouse=True)
def no_trust_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this machine's user has set is never overridden, so it would stand in the way here."""
    for name in (*ADDING, *REPLACING, "SSL_CERT_DIR", "JAVA_TOOL_OPTIONS"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.counterpart("curl", "node", "openssl", "keytool")
def test_every_program_believes_the_door_and_only_for_its_names(stage: Stage, tmp_path: Path) -> None:
    stage.write("index.html", PAGE + ANSWER)
    with stage.perform("serve", ".", "--name", "web", status=0) as performance:
        performance.says("web is ready")
        warm_up = stage.curl("--insecure", f"https://web.localhost:{stage.port}/")
        assert "Harbour" in warm_up.text
        trust = stage.json("trust", "--env")
        for name, client in clients.CLIENTS.items():
            for host in ("web.localhost", "localhost"):
                assert client(host, stage.port, tmp_path / name, trust) == "", f"{name} at {host}"
            assert client("api.localhost", stage.port, tmp_path / name, trust) != "", f"{name}: there is no such route"
        assert clients.curl("web.localhost", stage.port, tmp_path / "nobody", {}) != "", "nobody told it to"
        assert "homeport trust" in stage.homeport("status")
        seen = stage.requests("route:web", "scheme:https")
        assert len(seen) >= 3
        assert {one["scheme"] for one in seen} == {"https"}


@pytest.mark.counterpart("chromium", "certutil")
def test_chromium_believes_it_once_the_root_is_in_its_store(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    stage.write("index.html", PAGE)
    (tmp_path / ".pki" / "nssdb").mkdir(parents=True)
    subprocess.run(["certutil", "-d", f"sql:{tmp_path}/.pki/nssdb", "-N", "--empty-password"], check=True)
    with stage.perform("serve", ".", "--name", "web", status=0) as performance:
        performance.says("web is ready")
        url = f"https://web.localhost:{stage.port}/"
        stage.curl("--insecure", url)
        assert "ERR_CERT_AUTHORITY_INVALID" in title_in_chromium(url)
        add_to_nss(stage, tmp_path)
        assert title_in_chromium(url) == "https:"
        assert title_in_chromium(f"https://127.0.0.1:{stage.port}/") == "https:"


def title_in_chromium(url: str) -> str:
    """What a page says of itself, or what Chromium says instead."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        try:
            page = browser.new_page()
            page.set_default_timeout(20_000)
            page.goto(url)
            return page.title()
        except PlaywrightError as error:
            return str(error)
        finally:
            browser.close()


def add_to_nss(stage: Stage, home: Path) -> None:
    """As `homeport trust` does; its other stores are this machine's and stay as they are."""
    root = stage.home / "ca" / "root.pem"
    words = ["-A", "-t", "C,,", "-n", "homeport", "-i", str(root)]
    subprocess.run(["certutil", "-d", f"sql:{home}/.pki/nssdb", *words], check=True)


@pytest.mark.counterpart("node")
def test_one_app_reaches_another_over_https(stage: Stage) -> None:
    stage.write("api/hello.txt", "hello over TLS")
    stage.write("web.js", NODE)
    stage.write(
        "homeport.toml",
        """
        [apps.api]
        serve = "api"
        [apps.web]
        run = "node web.js"
        default = true
        """,
    )
    stage.homeport("cert", "localhost", "--out", str(stage.folder / "unused"))  # there is a CA before the apps start
    with stage.perform("up") as performance:
        performance.says("web is ready")
        answer = stage.curl("http://127.0.0.1:{port}/")
        assert (answer.status, answer.text) == (200, "hello over TLS")


def test_https_only_is_where_browsers_are_led(stage: Stage) -> None:
    stage.write("index.html", PAGE)
    stage.write("homeport.toml", '[apps.web]\nserve = "."\nhttps = "only"\n')
    with stage.perform("up", status=0) as performance:
        performance.says("web is ready")
        assert f"https://web.localhost:{stage.port}/" in json.dumps(stage.json("status"))
        plain = stage.curl(f"http://web.localhost:{stage.port}/")
        assert plain.status == 308
        led = stage.curl("--insecure", "--location", f"http://web.localhost:{stage.port}/")
        assert led.status == 200

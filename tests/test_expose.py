"""`homeport expose` as a user types it, on a computer of the test's own with a network beyond loopback: an engine, curl
on the other side, and what a killed engine leaves open, which is nothing.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.netns import Network, network

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="network namespaces"),
    pytest.mark.counterpart("curl"),
]

HERE = "10.77.0.1"
REFUSED = 7  # of curl: could not connect
UNTRUSTED = 60


@dataclass
class Desk:
    """`folder` has a page in it, `home` an engine once something was started."""

    net: Network
    folder: Path

    @property
    def environ(self) -> dict[str, str]:
        return {"HOMEPORT_HOME": str(self.folder / "home"), "HOMEPORT_DOOR": "127.0.0.1:0"}

    def homeport(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.net.homeport(*words, env=self.environ)

    def json(self, *words: str) -> Any:
        done = self.homeport(*words, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def serve(self, *words: str, name: str = "web") -> None:
        done = self.homeport("serve", str(self.folder / "site"), "-d", "--name", name, *words)
        assert done.returncode == 0, done.stderr

    def curl(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.net.run("curl", "-sS", "-m", "20", *words, check=False)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    tmp_path.chmod(0o755)
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("hello")
    with network() as net:
        net.run("ip", "address", "add", f"{HERE}/32", "dev", "lo")
        desk = Desk(net, tmp_path)
        yield desk
        desk.homeport("down")


def test_a_phone_comes_in_by_its_link_until_it_is_closed(desk: Desk) -> None:
    desk.serve()
    made = desk.json("expose", "web", HERE, "--access", "token", "--for", "2h")
    url, root = made["exposed"]["url"], made["exposed"]["root"]
    assert url.startswith(f"https://{HERE}:")
    assert desk.curl(url).returncode == UNTRUSTED
    status = ("-o", "/dev/null", "-w", "%{http_code} %{http_version}", "--cacert", root)
    assert desk.curl(*status, url).stdout == "401 2"
    jar = str(desk.folder / "jar")
    assert desk.curl(*status, "-c", jar, made["link"]).stdout == "200 2"
    assert desk.curl(*status, made["link"]).stdout == "403 2"
    assert desk.curl("--cacert", root, "-b", jar, url).stdout == "hello"
    assert desk.curl("--cacert", root, "-b", jar, "--http1.1", url).stdout == "hello"
    assert desk.curl(*status, "-b", jar, "-H", "Host: homeport.localhost", f"{url}api/status").stdout == "421 2"
    assert desk.curl("--cacert", root, "-b", jar, "-L", url.replace("https:", "http:")).stdout == "hello"
    assert url in desk.homeport("status").stdout
    assert "[route-exposed]" in desk.homeport("doctor").stdout
    rows = [row for row in desk.json("ports", "--all", "exposed") if row["address"] == HERE]
    assert [row["is_exposed"] for row in rows] == [True]
    assert desk.homeport("expose", "web", "--close").returncode == 0
    assert desk.curl(url).returncode == REFUSED
    assert "route-exposed" not in desk.homeport("doctor").stdout


def test_it_comes_with_the_app_and_goes_with_it(desk: Desk) -> None:
    desk.serve("--expose", HERE, "--access", "public")
    [route] = [route for route in desk.json("route") if route["name"] == "web"]
    exposed = route["exposed"]
    assert desk.curl("--cacert", exposed["root"], exposed["url"]).stdout == "hello"
    assert desk.homeport("restart", "web").returncode == 0
    assert desk.curl("--cacert", exposed["root"], exposed["url"]).stdout == "hello"
    assert desk.homeport("stop", "web").returncode == 0
    assert desk.curl(exposed["url"]).returncode == REFUSED


def test_what_cannot_be_exposed_starts_nothing(desk: Desk) -> None:
    for words, says in (
        (("--expose", HERE, "--access", "same-user"), "no network tells that"),
        (("--expose", "10.99.0.1", "--access", "token"), f"it has {HERE}"),
        (("--expose", "0.0.0.0", "--access", "public"), "every network"),
    ):
        done = desk.homeport("serve", str(desk.folder / "site"), "-d", "--name", "web", *words)
        assert done.returncode == 2
        assert says in done.stderr
        assert desk.json("status")["apps"] == []


def test_it_goes_with_its_route(desk: Desk) -> None:
    port, _ = desk.net.listen("127.0.0.1:0")
    exposed = desk.json("route", "web", str(port), "--expose", HERE, "--access", "public")["exposed"]
    assert desk.curl("--cacert", exposed["root"], exposed["url"]).stdout == "hello"
    assert desk.homeport("route", "--remove", "web").returncode == 0
    assert desk.curl(exposed["url"]).returncode == REFUSED


def test_an_engine_that_was_killed_opens_its_routes_again_and_exposes_none(desk: Desk) -> None:
    port, _ = desk.net.listen("127.0.0.1:0")
    exposed = desk.json("route", "web", str(port), "--expose", HERE, "--access", "public")["exposed"]
    assert desk.curl("--cacert", exposed["root"], exposed["url"]).stdout == "hello"
    journal = desk.folder / "home" / "routes.json"
    while not journal.exists() or b"web" not in journal.read_bytes():
        pass  # it is written a moment later
    os.kill(desk.json("status")["engine"]["pid"], signal.SIGKILL)
    while desk.curl(exposed["url"]).returncode != REFUSED:
        pass
    desk.serve(name="site")  # an engine again, and the route with it
    [route] = [route for route in desk.json("route") if route["name"] == "web"]
    assert route["exposed"] is None
    assert desk.curl(exposed["url"]).returncode == REFUSED


@pytest.mark.counterpart("chromium", "certutil")
def test_a_browser_that_trusts_the_root_follows_the_link_to_the_page(desk: Desk) -> None:
    """By its certificate, the key, a strict cookie on an address and the refresh, to a page of a secure context."""
    page = "<h1>hello</h1><script>document.title = [isSecureContext, document.cookie, location.pathname]</script>"
    (desk.folder / "site" / "index.html").write_text(page)
    desk.serve()
    made = desk.json("expose", "web", HERE, "--access", "token")
    store = desk.folder / "person" / ".pki" / "nssdb"
    store.mkdir(parents=True)
    for words in (("-N", "--empty-password"), ("-A", "-t", "C,,", "-n", "exposed", "-i", made["exposed"]["root"])):
        subprocess.run(["certutil", *words, "-d", f"sql:{store}"], check=True)
    browser = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=10000", "--dump-dom"]
    seen = subprocess.run(
        desk.net.words(*browser, f"--user-data-dir={desk.folder}/profile", made["link"]),
        env={**os.environ, "HOME": str(desk.folder / "person")},
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert "<h1>hello</h1>" in seen.stdout, seen.stderr
    assert "<title>true,,/</title>" in seen.stdout  # and no script sees the cookie

"""What real clients make of our certificates: they accept those that we sign, and nothing that a thief could."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from playwright.sync_api import Error as BrowserError

from homeport.certs.authority import Authority
from homeport.certs.bundle import combined_bundle
from homeport.certs.contexts import server_context
from homeport.certs.environment import child_environment
from homeport.certs.place import Place
from homeport.certs.store_nss import NssStore
from tests.certs.clients import CLIENTS, PROGRAMS
from tests.certs.forged import below_another_authority, forged
from tests.certs.tls_server import ANSWER, serving

CONSTRAINED = re.compile("permitted subtree violation|name constraints check failed", re.IGNORECASE)
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--no-proxy-server"]

each_client = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.counterpart(*PROGRAMS.get(name, [name]))) for name in CLIENTS]
)


class Asked:
    """One client, in a home of its own."""

    def __init__(self, name: str, authority: Authority, home: Path) -> None:
        self._client = CLIENTS[name]
        self._home = home
        self._trust = child_environment(authority.folder, {})

    def says(self, host: str, port: int, *, trusting: bool = True) -> str:
        return self._client(host, port, self._home, self._trust if trusting else {})


@pytest.fixture
def asked(name: str, authority: Authority, tmp_path: Path) -> Asked:
    return Asked(name, authority, tmp_path / "own home")


@each_client
class TestClients:
    def test_names_and_addresses_of_ours(self, asked: Asked, authority: Authority) -> None:
        leaf = authority.leaf(["localhost", "web.localhost", "*.web.localhost"], ["127.0.0.1", "::1"])
        with serving(server_context(leaf)) as port:
            for host in ("web.localhost", "a.web.localhost", "localhost", "127.0.0.1"):
                assert asked.says(host, port) == ""

    def test_nothing_without_trust(self, asked: Asked, authority: Authority) -> None:
        with serving(server_context(authority.leaf(["web.localhost"]))) as port:
            assert asked.says("web.localhost", port, trusting=False)

    def test_not_another_name(self, asked: Asked, authority: Authority) -> None:
        with serving(server_context(authority.leaf(["web.localhost"]))) as port:
            assert asked.says("api.localhost", port)

    def test_nothing_that_the_constraints_forbid(self, asked: Asked, authority: Authority) -> None:
        for leaf, host in (
            (forged(authority, ["example.com"]), "example.com"),
            (forged(authority, ["web.localhost", "example.com"]), "web.localhost"),
            (forged(authority, ["web.localhost"], ["10.1.2.3"]), "web.localhost"),
        ):
            with serving(server_context(leaf)) as port:
                assert CONSTRAINED.search(asked.says(host, port))

    def test_no_authority_below_ours(self, asked: Asked, authority: Authority) -> None:
        with serving(server_context(below_another_authority(authority, "web.localhost"))) as port:
            assert asked.says("web.localhost", port)

    def test_a_root_of_an_earlier_generation_is_no_poison(self, name: str, tmp_path: Path) -> None:
        folder = str(tmp_path / "ca")
        old = Authority.create(folder)
        new = Authority.renew(folder)
        bundle = combined_bundle(folder)
        assert bundle
        Path(bundle).write_bytes(old.root_pem + Path(bundle).read_bytes())
        trust = child_environment(folder, {}) | {"SSL_CERT_FILE": bundle}
        with serving(server_context(new.leaf(["web.localhost"]))) as port:
            assert CLIENTS[name]("web.localhost", port, tmp_path / "own home", trust) == ""


@pytest.fixture(scope="module")
def chromium(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """In a home whose NSS database has two roots of ours, the older one of no use."""
    home = tmp_path_factory.mktemp("chromium home")
    stale = Authority.create(str(home / "stale"))
    store = NssStore(Place(home=str(home)), "Chromium", str(home / ".local" / "share" / "pki" / "nssdb"))
    store.add(stale.root)
    store.add(authority.root)
    program = shutil.which("chromium")
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=program,
            args=[*FLAGS, "--host-resolver-rules=MAP *.test 127.0.0.1, MAP example.com 127.0.0.1"],
            env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
        )
        yield browser
        browser.close()


@pytest.mark.counterpart("chromium", "certutil")
class TestChromium:
    def test_names_and_addresses_of_ours(self, chromium: Browser, authority: Authority) -> None:
        leaf = authority.leaf(["localhost", "web.localhost"], ["127.0.0.1", "::1"])
        for host, address in (("web.localhost",) * 2, ("localhost",) * 2, ("127.0.0.1",) * 2, ("[::1]", "::1")):
            with serving(server_context(leaf), address if address == "::1" else "127.0.0.1") as port:
                assert visit(chromium, f"https://{host}:{port}/") == ANSWER

    def test_nothing_that_the_constraints_forbid(self, chromium: Browser, authority: Authority) -> None:
        for leaf, host in (
            (forged(authority, ["example.com"]), "example.com"),
            (forged(authority, ["web.localhost", "example.com"]), "web.localhost"),
            (forged(authority, ["web.localhost"], ["10.1.2.3"]), "web.localhost"),
            (below_another_authority(authority, "web.localhost"), "web.localhost"),
            (authority.leaf(["web.localhost"]), "api.localhost"),
        ):
            with serving(server_context(leaf)) as port:
                assert "ERR_CERT" in visit(chromium, f"https://{host}:{port}/")

    def test_nothing_of_an_authority_that_it_does_not_know(self, chromium: Browser, tmp_path: Path) -> None:
        leaf = Authority.create(str(tmp_path / "ca")).leaf(["web.localhost"])
        with serving(server_context(leaf)) as port:
            assert "ERR_CERT_AUTHORITY_INVALID" in visit(chromium, f"https://web.localhost:{port}/")


def visit(browser: Browser, url: str) -> str:
    """The page's text, or the browser's error."""
    page = browser.new_page()
    try:
        page.goto(url)
        return page.inner_text("body")
    except BrowserError as error:
        return error.message
    finally:
        page.close()

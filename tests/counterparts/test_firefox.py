"""A real Firefox believes the door after `homeport trust`, and nothing else that a stolen key could sign."""

from __future__ import annotations

import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pytest

from homeport.certs.authority import Authority
from homeport.certs.contexts import server_context
from tests.certs.forged import forged
from tests.certs.tls_server import serving
from tests.counterparts.firefox import firefox, new_profile
from tests.counterparts.stage import Stage

pytestmark = [pytest.mark.counterpart("firefox-esr", "certutil"), pytest.mark.timeout(400)]
PAGE = "<!doctype html><title>Harbour</title><script>document.title = location.protocol</script>"
REFUSED = "insecure certificate"


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own."""
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "JAVA_HOME"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home of ada"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    return home


def entries(profile: Path) -> set[Any]:
    """Everything that its database holds, trust included."""
    with sqlite3.connect(f"file:{profile}/cert9.db?mode=ro", uri=True) as database:
        found = set(database.execute("SELECT * FROM nssPublic"))
    database.close()
    return found


def add_somebody_elses(profile: Path, folder: Path) -> None:
    root = Authority.create(str(folder / "corporate")).root.path
    words = ["certutil", "-A", "-d", f"sql:{profile}", "-t", "C,,", "-n", "corporate root", "-i", root]
    subprocess.run(words, check=True)


def firefoxs(report: Any, profile: Path) -> dict[str, Any]:
    return next(store for store in report["stores"] if store["path"] == str(profile))


def test_after_trust_and_not_after_untrust(stage: Stage, user: Path, tmp_path: Path) -> None:
    profile = new_profile(user, "example.com")
    stage.write("index.html", PAGE)
    with stage.perform("serve", ".", "--name", "web", status=0) as performance:
        performance.says("web is ready")
        url = f"https://web.localhost:{stage.port}/"
        with firefox(user, profile) as browser:
            assert browser.visit(url) == REFUSED
            add_somebody_elses(profile, tmp_path)
            before = entries(profile)
            assert firefoxs(stage.json("trust"), profile)["did"] == "added"
            for host in ("web.localhost", "localhost", "127.0.0.1", "[::1]"):  # while it runs: no restart is needed
                assert browser.visit(f"https://{host}:{stage.port}/") == "https:", host
            authority = Authority.load(str(stage.home / "ca"))
            assert authority
            for names, host in ((["example.com"], "example.com"), (["web.localhost", "example.com"], "web.localhost")):
                with serving(server_context(forged(authority, names))) as port:
                    assert browser.visit(f"https://{host}:{port}/") == REFUSED, names
        with firefox(user, profile) as browser:
            assert browser.visit(url) == "https:"
            assert firefoxs(stage.json("untrust"), profile)["did"] == "removed"
            assert browser.visit(f"https://127.0.0.1:{stage.port}/") == REFUSED  # the next connection; one is kept
    assert entries(profile) == before


def test_by_its_own_library_where_there_is_no_certutil(
    stage: Stage, user: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = new_profile(user)
    stage.write("index.html", PAGE)
    with firefox(user, profile):
        pass  # its first start makes the database
    add_somebody_elses(profile, tmp_path)
    before = entries(profile)

    def without_programs(*words: str) -> Any:
        with monkeypatch.context() as patch:
            patch.setenv("PATH", str(tmp_path))
            return stage.json(*words)

    with stage.perform("serve", ".", "--name", "web", status=0) as performance:
        performance.says("web is ready")
        with firefox(user, profile) as browser:
            assert firefoxs(without_programs("trust"), profile)["did"] == "added"
            assert browser.visit(f"https://web.localhost:{stage.port}/") == "https:"
    assert firefoxs(without_programs("untrust"), profile)["did"] == "removed"
    assert entries(profile) == before

"""Certificates of homeport's own CA: real handshakes, a real certutil, and a user's home of the test's own."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from homeport.certs.authority import Authority
from homeport.machine.home import Home
from tests.doctor.real import Verdict, examine
from tests.doctor.test_talk_real import context_of, server

pytestmark = pytest.mark.counterpart("certutil")


@pytest.fixture
def authority(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """The CA of a user who has Chromium's database, and no other store that could be changed."""
    monkeypatch.setenv("HOME", str(tmp_path / "ada"))
    database = tmp_path / "ada" / ".pki" / "nssdb"
    database.mkdir(parents=True)
    certutil(database, "-N", "--empty-password")
    Home(str(home)).prepare()
    return Authority.ensure(Home(str(home)).authority)


def certutil(database: Path, *words: str) -> None:
    subprocess.run(["certutil", words[0], "-d", f"sql:{database}", *words[1:]], check=True, capture_output=True)


def bring_to_chromium(authority: Authority, home: Path) -> None:
    certutil(home / ".pki" / "nssdb", "-A", "-t", "C,,", "-n", authority.root.name, "-i", authority.root.path)


def visit(authority: Authority, folder: Path, env: Mapping[str, str] | None = None) -> tuple[Verdict, str]:
    """The doctor's verdict on a server with a certificate of this CA; and where that was."""
    leaf = authority.leaf(["localhost"], [])
    path = folder / "site.pem"
    path.write_bytes(leaf.certificate_pem + leaf.key_pem)
    with server(context=context_of(path)) as port:
        return examine(None, f"https://localhost:{port}/", env=env), f"localhost:{port}"


def stores(verdict: Verdict) -> dict[str, bool | None]:
    facts = verdict.report["walks"][0]["facts"]
    return {one["name"]: one["is_trusted"] for one in facts["authority"]["stores"] if one["kind"] != "java"}


def test_nobody_trusts_it_yet(authority: Authority, tmp_path: Path) -> None:
    verdict, where = visit(authority, tmp_path)
    assert (verdict.status, verdict.codes) == (2, ["tls-untrusted"])
    said = verdict.said("tls-untrusted")
    assert said.startswith(f"the certificate of {where} is of homeport's own CA, which this system does not trust yet")
    assert "No store trusts it yet." in said
    assert "homeport trust;" in said
    assert stores(verdict)["Chromium, Chrome"] is False


def test_one_store_has_it(authority: Authority, tmp_path: Path) -> None:
    bring_to_chromium(authority, tmp_path / "ada")
    verdict, _ = visit(authority, tmp_path)
    assert verdict.codes == ["tls-untrusted"]
    assert "Only Chromium, Chrome trusts it." in verdict.said("tls-untrusted")
    assert stores(verdict)["Chromium, Chrome"] is True


def test_this_program_was_told_of_it(authority: Authority, tmp_path: Path) -> None:
    told = {"SSL_CERT_FILE": authority.root.path}
    verdict, where = visit(authority, tmp_path, told)
    assert (verdict.status, verdict.codes) == (1, ["tls-trusted-in-part"])
    assert f"so {where} works in some programs only" in verdict.said("tls-trusted-in-part")


def test_an_earlier_one(authority: Authority, tmp_path: Path, home: Path) -> None:
    Authority.renew(Home(str(home)).authority)
    verdict, _ = visit(authority, tmp_path)
    assert verdict.codes == ["tls-untrusted"]
    said = verdict.said("tls-untrusted")
    assert f"was signed by {authority.root.name}, which is not the CA of this home" in said
    assert said.endswith("homeport cert localhost")
    assert stores(verdict) == {}

"""`trust`, `untrust` and `cert` as they are typed. The stores are in memory: no test changes this computer's own."""

from __future__ import annotations

import io
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

from homeport.app import trust as trusting
from homeport.model.errors import HomeportError
from tests.certs.memory_store import MemoryStore
from tests.cli.fake_engine import invoke

VARIABLES = (
    "NODE_EXTRA_CA_CERTS",
    "DENO_CERT",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
)


@pytest.fixture(autouse=True)
def stores(monkeypatch: pytest.MonkeyPatch) -> list[MemoryStore]:
    made = [MemoryStore("system (Debian)", needs_root=True), MemoryStore("Chromium, Chrome", "nss", "/home/ada/nssdb")]
    monkeypatch.setattr(trusting, "all_stores", lambda place: made)
    monkeypatch.setattr(trusting, "java_stores", lambda place: [])
    for name in (*VARIABLES, "JAVA_TOOL_OPTIONS", "SUDO_UID"):
        monkeypatch.delenv(name, raising=False)
    return made


class TestTrust:
    def test_each_store_has_its_line(self, home: Path) -> None:
        outcome = invoke("trust --yes")
        assert outcome.status == 0
        assert outcome.out.startswith("homeport local CA ")
        assert f"\nroot {home}/ca/root.pem\n" in outcome.out
        assert "✓  system (Debian)   trusted now  /anchors\n" in outcome.out
        assert "✓  Chromium, Chrome  trusted now  /home/ada/nssdb\n" in outcome.out
        assert 'eval "$(homeport trust --env)"' in outcome.err

    def test_without_a_terminal_root_is_not_used(
        self, stores: list[MemoryStore], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO())
        outcome = invoke("trust")
        assert outcome.status == 0
        assert "?  system (Debian)   skipped, not trusted" in outcome.out
        assert "warning: system (Debian): needs root\nhint: homeport trust --yes" in outcome.err
        assert set(stores[0].inside) == {"others"}

    def test_status(self, stores: list[MemoryStore]) -> None:
        none = invoke("trust --status")
        assert (none.status, none.out, none.err) == (1, "there is no local CA yet\n", "hint: homeport trust\n")
        invoke("trust --yes")
        assert invoke("trust --status").status == 0
        stores[1].inside.clear()
        outcome = invoke("trust --status")
        assert outcome.status == 1
        assert "-  Chromium, Chrome  not trusted" in outcome.out

    def test_json(self, home: Path) -> None:
        report = json.loads(invoke("trust --yes --json").out)
        assert len(report["fingerprint"]) == 64
        assert report["root"] == f"{home}/ca/root.pem"
        assert [(store["state"], store["did"]) for store in report["stores"]] == [("trusted", "added")] * 2
        assert [store["did"] for store in json.loads(invoke("trust --status --json").out)["stores"]] == ["", ""]

    def test_a_store_that_fails(self, stores: list[MemoryStore]) -> None:
        stores[1].broken = HomeportError("trust-failed", "certutil failed: \x1b[2Jbad database", "certutil -L")
        outcome = invoke("trust --yes")
        assert outcome.status == 1
        assert "✗  Chromium, Chrome  failed" in outcome.out
        assert "warning: Chromium, Chrome: certutil failed: \\x1b[2Jbad database\nhint: certutil -L" in outcome.err

    def test_a_store_whose_tool_is_missing(self, stores: list[MemoryStore]) -> None:
        stores[1].broken = HomeportError("not-installed", "certutil is not installed", "install libnss3-tools")
        outcome = invoke("trust --yes")
        assert outcome.status == 0
        assert "warning: Chromium, Chrome: certutil is not installed\nhint: install libnss3-tools" in outcome.err

    def test_variables_for_a_shell(self, home: Path) -> None:
        assert invoke("trust --env").err.startswith("error: there is no local CA yet\nhint: homeport trust")
        invoke("trust --yes")
        outcome = invoke("trust --env")
        assert f"export NODE_EXTRA_CA_CERTS={home}/ca/root.pem\n" in outcome.out
        said = subprocess.run(
            ["sh", "-c", f'{outcome.out}\nprintf %s "$NODE_EXTRA_CA_CERTS"'], capture_output=True, text=True
        )
        assert said.stdout == f"{home}/ca/root.pem"
        assert json.loads(invoke("trust --env --json").out)["DENO_CERT"] == f"{home}/ca/root.pem"

    def test_variables_of_the_user(self, monkeypatch: pytest.MonkeyPatch) -> None:
        invoke("trust --yes")
        monkeypatch.setenv("NODE_EXTRA_CA_CERTS", "/corp.pem")
        outcome = invoke("trust --env")
        assert "NODE_EXTRA_CA_CERTS" not in outcome.out
        assert "left as you have set it: NODE_EXTRA_CA_CERTS" in outcome.err

    def test_options_that_exclude_each_other(self) -> None:
        assert invoke("trust --status --renew").status == 2

    def test_renew(self) -> None:
        first = json.loads(invoke("trust --yes --json").out)
        second = json.loads(invoke("trust --renew --yes --json").out)
        assert first["fingerprint"] != second["fingerprint"]

    def test_damaged(self, home: Path) -> None:
        invoke("trust --yes")
        (home / "ca" / "authority.pem").write_bytes(b"")
        outcome = invoke("trust")
        assert outcome.status == 1
        assert outcome.err.startswith(f"error: {home}/ca/authority.pem is damaged: ")
        assert outcome.err.endswith("hint: homeport trust --renew\n")
        assert invoke("trust --renew --yes").status == 0

    def test_it_expires_soon(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("homeport.cli.trust_view.EXPIRES_SOON_DAYS", 1826)
        assert "warning: the CA expires in 1824 days" in invoke("trust --yes").err

    def test_java_gets_a_store_of_its_own_where_only_root_may_change_its(self, monkeypatch: pytest.MonkeyPatch) -> None:
        invoke("trust --yes")
        monkeypatch.setattr(trusting, "java_stores", lambda place: [MemoryStore("Java", "java", "/cacerts")])
        assert "export JAVA_TOOL_OPTIONS='-Djavax.net.ssl.trustStore=" in invoke("trust --env").out


class TestUntrust:
    def test_nothing_is_left(self, home: Path, stores: list[MemoryStore]) -> None:
        invoke("trust --yes")
        outcome = invoke("untrust --yes")
        assert outcome.status == 0
        assert "✓  system (Debian)   removed  /anchors\n" in outcome.out
        assert outcome.err == "nothing trusts homeport's CA any more\n"
        assert all(set(store.inside) == {"others"} for store in stores)
        assert not (home / "ca").exists()

    def test_nothing_was_there(self) -> None:
        outcome = invoke("untrust")
        assert (outcome.status, outcome.out, outcome.err) == (0, "", "nothing trusted homeport's CA\n")

    def test_without_a_terminal_root_is_not_used(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        invoke("trust --yes")
        monkeypatch.setattr(sys, "stdin", io.StringIO())
        outcome = invoke("untrust")
        assert outcome.status == 1
        assert "hint: homeport untrust --yes" in outcome.err
        assert "its folder is kept" in outcome.err
        assert (home / "ca").exists()


class TestCert:
    def test_files(self, home: Path) -> None:
        outcome = invoke(["cert", "db", "*.db.localhost", "127.0.0.1", "[::1]", "--out", "certs", "--days", "30"])
        assert outcome.status == 0
        assert outcome.out.splitlines() == [
            "certificate certs/db.localhost.pem",
            "key         certs/db.localhost-key.pem",
            "root        certs/homeport-ca.pem",
        ]
        assert outcome.err.startswith("for db.localhost, *.db.localhost, 127.0.0.1, ::1, valid until ")
        own, intermediate = x509.load_pem_x509_certificates(Path("certs/db.localhost.pem").read_bytes())
        own.verify_directly_issued_by(intermediate)
        assert 29 <= (own.not_valid_after_utc - own.not_valid_before_utc).days <= 30
        assert Path("certs/homeport-ca.pem").read_bytes() == (home / "ca" / "root.pem").read_bytes()
        if os.name == "posix":
            assert stat.S_IMODE(os.stat("certs/db.localhost-key.pem").st_mode) == 0o600

    def test_pkcs12(self) -> None:
        made = json.loads(invoke("cert web --pkcs12 --json").out)
        store = load_pkcs12(Path(made["pkcs12"]).read_bytes(), made["pkcs12_password"].encode())
        assert store.cert
        assert store.cert.friendly_name == b"web.localhost"
        assert len(store.additional_certs) == 2
        if os.name == "posix":
            assert stat.S_IMODE(os.stat(made["pkcs12"]).st_mode) == 0o600

    def test_the_next_one_replaces_ours_and_nothing_else(self) -> None:
        invoke("cert web")
        first = Path("web.localhost.pem").read_bytes()
        assert invoke("cert web").status == 0
        assert Path("web.localhost.pem").read_bytes() != first
        Path("db.localhost-key.pem").write_text("precious")
        outcome = invoke("cert db")
        assert outcome.status == 2
        assert "db.localhost-key.pem exists and is not a certificate of homeport's" in outcome.err
        assert Path("db.localhost-key.pem").read_text() == "precious"

    def test_a_link_in_a_project_of_somebody_leads_nowhere(self, home: Path) -> None:
        """A project that was cloned may have links to files of its reader's."""
        Path("precious").write_text("precious")
        Path("homeport-ca.pem").symlink_to("precious")
        outcome = invoke("cert web")
        assert outcome.status == 2
        assert "homeport-ca.pem exists and is not a certificate of homeport's" in outcome.err
        assert Path("precious").read_text() == "precious"
        Path("homeport-ca.pem").unlink()
        invoke("cert web")
        ours = Path("web.localhost.pem").read_bytes()
        Path("web.localhost.pem").rename("elsewhere.pem")
        Path("web.localhost.pem").symlink_to("elsewhere.pem")
        assert invoke("cert web").status == 0
        assert Path("elsewhere.pem").read_bytes() == ours
        assert stat.S_IMODE(os.lstat("web.localhost.pem").st_mode) & 0o444 == 0o444

    @pytest.mark.parametrize("name", ["example.com", "192.168.1.4", "*.localhost", "web:62893", "http://web", "", "-x"])
    def test_other_names(self, home: Path, name: str) -> None:
        outcome = invoke(["cert", "--", name])
        assert outcome.status == 2
        assert outcome.err.startswith("error: ")
        assert os.listdir() == []
        assert not (home / "ca").exists()  # nobody gets a CA by a mistake

    def test_where_nothing_can_be_written(self) -> None:
        Path("file").touch()
        outcome = invoke("cert web --out file/below")
        assert outcome.status == 2
        assert "cannot be written" in outcome.err

"""The audit with programs that play npm and pip-audit, real files, and a made-up table of listeners."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from homeport.app import audit_packages
from homeport.app.audit import Auditor
from homeport.app.audit_files import audit_certificates, audit_files
from homeport.app.audit_packages import audit_npm, audit_ourselves, audit_python, has_packages
from homeport.app.certificates import make_certificate
from homeport.app.ports import PortRow
from homeport.cli.audit_view import audit_lines, exit_status
from homeport.cli.terminal import Paint
from homeport.formats import audit_tools, python_pins
from homeport.machine import auditors
from homeport.machine.home import Home
from homeport.model.app import AppState
from homeport.model.audit import AuditPart, AuditReport
from homeport.model.exposure import Exposed
from homeport.model.route import RouteState
from homeport.model.status import Status

RECORDED = Path(__file__).parent / "recorded_audits"
Play = Callable[..., None]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(str(tmp_path / "home"))
    made.prepare()
    return made


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Puts a program on PATH that prints what is recorded; it notes its words and what it was given to read."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(auditors, "_beside_python", lambda program: None)

    def put(program: str, recorded: str = "", status: int = 0, lines: str = "") -> None:
        text = f"""#!{sys.executable}
import json, os, sys, time
words = sys.argv[1:]
given = open(words[words.index("--requirement") + 1]).read() if "--requirement" in words else ""
json.dump([words, os.getcwd(), given], open({str(tmp_path / "asked.json")!r}, "w"))
{lines}
where = sys.stderr if {recorded.endswith(".txt")} else sys.stdout
if {bool(recorded)}: where.write(open({str(RECORDED / recorded)!r}).read())
sys.exit({status})
"""
        path = folder / program
        path.write_text(text)
        path.chmod(0o755)

    return put


def asked(tmp_path: Path) -> tuple[list[str], str, str]:
    words, folder, given_text = json.loads((tmp_path / "asked.json").read_text())
    return words, folder, given_text


def codes(part: AuditPart) -> list[tuple[str, str]]:
    return [(finding.code, finding.level) for finding in part.findings]


def test_npm_names_each_advisory_once_the_worst_first(tmp_path: Path, play: Play) -> None:
    play("npm", "npm_found.json", 1)
    part = audit_npm(str(tmp_path), "package-lock.json")
    assert (part.state, part.seen) == ("found", "2 packages, 2 advisories")
    assert codes(part) == [("package-vulnerable", "problem"), ("package-vulnerable", "warning")]
    assert part.findings[0].what == "minimist <0.2.4 has a known vulnerability (critical): GHSA-xvch-5gv4-984h"
    assert part.findings[0].why == "Prototype Pollution in minimist; fixed in mkdirp 3.0.1"
    words, folder, _ = asked(tmp_path)
    assert (words[:2], folder) == (["audit", "--json"], str(tmp_path))


@pytest.mark.parametrize(
    ("recorded", "status", "why"),
    [
        ("npm_unreachable.json", 1, "getaddrinfo ENOTFOUND packages.test"),
        ("npm_no_lock.json", 1, "npm audit: This command requires an existing lockfile."),
        ("pip_found.json", 0, "npm audit: its answer has no report in it"),
        ("pip_unreachable.txt", 1, "npm gave no answer: ERROR"),
        ("", 7, "npm gave no answer: it ended with status 7"),
    ],
)
def test_what_npm_could_not_find_out_is_not_clean(
    tmp_path: Path, play: Play, recorded: str, status: int, why: str
) -> None:
    play("npm", recorded, status)
    part = audit_npm(str(tmp_path), "package-lock.json")
    assert (part.state, codes(part)) == ("unknown", [("audit-unknown", "warning")])
    assert why in part.findings[0].why


def test_programs_that_are_missing_hang_or_do_not_start(
    tmp_path: Path, play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert audit_npm(str(tmp_path), "package-lock.json").findings[0].why == "npm is not installed"
    assert audit_ourselves().findings[0].next == "pipx install pip-audit"
    monkeypatch.setattr(auditors, "LIMIT_S", 0.5)
    play("npm", lines="time.sleep(60)")
    assert "did not end within" in audit_npm(str(tmp_path), "package-lock.json").findings[0].why
    (tmp_path / "programs" / "npm").write_bytes(b"\x7fELF")
    assert "could not be started" in audit_npm(str(tmp_path), "package-lock.json").findings[0].why


def test_lock_files_of_others_name_their_own_audit(tmp_path: Path) -> None:
    (tmp_path / "pnpm-lock.yaml").touch()
    assert has_packages(str(tmp_path)) == ("pnpm-lock.yaml", "")
    assert audit_npm(str(tmp_path), "pnpm-lock.yaml").findings[0].next.endswith("pnpm audit")


def test_homeport_audits_what_it_needs_as_it_is_installed(tmp_path: Path, play: Play) -> None:
    play("pip-audit", "pip_found.json", 1)
    audit_ourselves()
    words, _, given_text = asked(tmp_path)
    pins = dict(line.split("==") for line in given_text.split())
    assert {"homeport", "h2", "hpack", "msgspec", "starlette", "cffi"} <= pins.keys()
    assert not {"pytest", "mypy"} & pins.keys()
    assert {"--no-deps", "--disable-pip"} <= set(words)  # nothing of a package is run or fetched


def test_a_database_that_knows_nothing_is_not_clean(
    tmp_path: Path, play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    skipped = [{"name": name, "skip_reason": "not found"} for name in ("homeport", "h2")]
    monkeypatch.setattr(audit_packages, "pip_audit", lambda pins: auditors.Said(json.dumps({"dependencies": skipped})))
    part = audit_ourselves()
    assert (part.state, part.findings[0].why) == ("unknown", "pip-audit's database knows none of the packages")


def test_python_projects_by_their_pins(tmp_path: Path, play: Play) -> None:
    play("pip-audit", "pip_found.json", 1)
    (tmp_path / "requirements.txt").write_text(
        "Flask==0.5  # old\njinja2[x] == 3.1.6 ; python_version > '3'\nurllib3\n"
    )
    assert has_packages(str(tmp_path)) == ("", "requirements.txt")
    part = audit_python(str(tmp_path), "requirements.txt")
    assert asked(tmp_path)[2] == "flask==0.5\njinja2==3.1.6\n"
    assert codes(part) == [
        ("package-vulnerable", "problem"),
        ("audit-unknown", "warning"),
        ("audit-unknown", "warning"),
    ]
    assert part.findings[0].what == "flask 0.5 has a known vulnerability: CVE-2019-1010083"
    assert part.findings[1].why == "pip-audit's database does not know our-own"
    assert part.findings[2].why == "1 of its requirements name no exact version"
    assert "denial of service" not in part.findings[0].why  # one line of a stranger's text is enough


@pytest.mark.parametrize(
    ("text", "pins"),
    [
        (
            '[[package]]\nname = "shop"\nversion = "1.0"\nsource = { virtual = "." }\n'
            '[[package]]\nname = "Flask"\nversion = "3.1.0"\nsource = { registry = "https://packages.test/simple" }\n',
            [("flask", "3.1.0")],
        ),
        (
            '[[package]]\nname = "a"\nversion = "1"\n[package.source]\ntype = "git"\nurl = "x"\n'
            '[[package]]\nname = "b"\nversion = "2"\n',
            [("b", "2")],
        ),
        ('[[packages]]\nname = "c"\nversion = "3"\n[[packages]]\nname = "d"\nvcs = { url = "x" }\n', [("c", "3")]),
        ('[[package]]\nname = "--index-url=http://x"\nversion = "1 ; x"\n', []),
        ('package = ["x", 1]', []),
    ],
)
def test_lock_files_of_python(text: str, pins: list[tuple[str, str]]) -> None:
    assert python_pins.locked(text) == pins


def test_broken_lock_files_are_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text("[[[")
    assert audit_python(str(tmp_path), "uv.lock").findings[0].why == "it cannot be read: it is not TOML"
    (tmp_path / "uv.lock").write_bytes(b"\xff")
    assert audit_python(str(tmp_path), "uv.lock").state == "unknown"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["vulnerabilities", "via", "dependencies", "vulns", "name", "version", "error", "aliases"])
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(JSON, st.booleans())
def test_any_answer_is_read_or_refused(value: object, whole: bool) -> None:
    if whole:
        value = {"auditReportVersion": 2, "vulnerabilities": value, "dependencies": value}
    for read in (audit_tools.read_npm, audit_tools.read_pip):
        try:
            read(json.dumps(value))
        except audit_tools.Unreadable:
            pass


@settings(max_examples=100)
@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    python_pins.required(text)
    for read in (audit_tools.read_npm, audit_tools.read_pip, python_pins.locked):
        try:
            read(text)
        except (audit_tools.Unreadable, python_pins.Unreadable):
            pass


def test_certificates_near_their_end(home: Home, tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    make_certificate(home.authority, ["web"], str(shop / "certs"), days=20)
    (shop / "other.pem").write_text("no certificate")
    now = datetime.now(UTC)

    def after(days: float) -> AuditPart:
        return audit_certificates(home.authority, [str(shop)], (now + timedelta(days=days)).timestamp())

    assert (after(0).state, after(0).seen) == ("clean", "2 of homeport")
    assert codes(after(7)) == [("certificate-ends-soon", "warning")]
    assert codes(after(21)) == [("certificate-ended", "problem")]
    assert "homeport's CA ends on" in after(5 * 365 - 10).findings[0].what
    os.chmod(home.authority, 0o755)
    assert after(0).state == "unknown"


def test_files_that_others_may_read(home: Home, tmp_path: Path) -> None:
    made = make_certificate(home.authority, ["web"], str(tmp_path / "shop"))
    keylog = tmp_path / "keys.log"
    keylog.touch(0o600)
    look = [str(tmp_path / "shop")]
    assert audit_files(home, look, str(keylog)).state == "clean"
    Path(home.token_file).write_text("secret")
    for path in (home.token_file, made.key, str(keylog)):
        os.chmod(path, 0o644)
    part = audit_files(home, look, str(keylog))
    assert codes(part) == [("file-open-to-others", "problem")] * 3
    assert [finding.next.split()[:2] for finding in part.findings] == [["chmod", "go="]] * 3


def row(port: int, app: str = "", address: str = "0.0.0.0") -> PortRow:
    return PortRow(
        protocol="tcp", address=address, port=port, kind="registered", app=app, process="node", pid=7, is_exposed=True
    )


def test_listeners_of_apps_and_routes_alone_are_told_of(home: Home, tmp_path: Path, play: Play) -> None:
    where = "192.168.1.20:62893"
    exposed = Exposed(address=where, url=f"https://{where}/", access="token", since="2026-01-01T00:00:00Z")
    status = Status(
        apps=[AppState(name="web", project="shop", folder=str(tmp_path), route="web", kind="process", state="ready")],
        routes=[
            RouteState(name="db", kind="tcp", target="tcp:127.0.0.1:5432", url=""),
            RouteState(name="api", kind="http", target="http://127.0.0.1:8080", url="", exposed=exposed),
        ],
    )
    rows = [row(3000, "web"), row(5432), row(22), row(9999, address="::")]
    told: list[str] = []
    report = Auditor(home, str(tmp_path), status, rows, time.time()).report(told.append)
    listeners = next(part for part in report.parts if part.what == "listeners")
    assert [(finding.code, finding.what.split()[0]) for finding in listeners.findings] == [
        ("listener-exposed", "web"),
        ("listener-exposed", "db"),
        ("route-exposed", "api"),
    ]
    assert told[0] == "homeport's packages"
    assert exit_status(report) == 1  # pip-audit is missing, and listeners are warnings


def test_exit_status_and_lines() -> None:
    clean = AuditPart(what="certificates", seen="2 of homeport")
    assert exit_status(AuditReport(version="1", parts=(clean,))) == 0
    assert audit_lines(AuditReport(version="1", parts=(clean,)), Paint(False), 80) == ["✓ certificates  2 of homeport"]

"""The audit: known vulnerabilities, certificates near their end, exposed listeners, files that others may read.

It changes nothing and needs no engine; where one runs, its apps and routes are looked at too. Whatever could not be
known is a finding of its own (`audit-unknown`): an audit that saw nothing is not clean.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import homeport
from homeport.app.audit_files import audit_certificates, audit_files
from homeport.app.audit_packages import audit_npm, audit_ourselves, audit_python, has_packages
from homeport.app.doctor_routes import explain_exposures
from homeport.app.ports import PortRow
from homeport.machine.home import Home
from homeport.model.audit import AuditPart, AuditReport, part
from homeport.model.endpoint import parse_endpoint
from homeport.model.errors import HomeportError
from homeport.model.finding import Finding
from homeport.model.route import RouteState
from homeport.model.status import Status


class Auditor:
    """`rows` are all listeners of this computer, `status` what the engine says of itself; `now_s` is Unix time."""

    def __init__(
        self, home: Home, folder: str, status: Status, rows: Iterable[PortRow], now_s: float, keylog: str = ""
    ) -> None:
        self._home = home
        self._folder = folder
        self._status = status
        self._rows = list(rows)
        self._now_s = now_s
        self._keylog = keylog

    def report(self, tell: Callable[[str], None] = lambda what: None) -> AuditReport:
        """`tell` hears what is looked at next: the databases may take a minute."""
        parts = []
        for what, look in self._looks():
            tell(what)
            parts.append(look())
        return AuditReport(version=homeport.__version__, parts=tuple(parts))

    def _looks(self) -> Iterator[tuple[str, Callable[[], AuditPart]]]:
        yield "homeport's packages", audit_ourselves
        for folder in self._folders():
            npm, python = has_packages(folder)
            if npm:
                yield os.path.join(folder, npm), partial(audit_npm, folder, npm)
            if python:
                yield os.path.join(folder, python), partial(audit_python, folder, python)
        folders = self._folders()
        yield "certificates", lambda: audit_certificates(self._home.authority, folders, self._now_s)
        yield "listeners", lambda: audit_listeners(self._rows, self._status.routes)
        yield "files of the home", lambda: audit_files(self._home, folders, self._keylog)

    def _folders(self) -> list[str]:
        """The current one, and those of the projects that run."""
        known = [self._folder, *(app.folder for app in self._status.apps)]
        return [folder for folder in dict.fromkeys(known) if folder and os.path.isdir(folder)]


def audit_listeners(rows: list[PortRow], routes: list[RouteState]) -> AuditPart:
    """Those of apps, those that routes lead to, and what is open to other computers because somebody said so."""
    targets = {endpoint_port(route.target): route.name for route in routes if route.kind not in ("app", "control")}
    targets.pop(0, None)
    concerned = [row for row in rows if row.app or row.port in targets]
    findings = [_exposed(row, row.app or targets[row.port]) for row in concerned if row.is_exposed]
    seen = f"{len(concerned)} of apps and routes"
    return part("listeners", [*findings, *explain_exposures(routes)], seen)


def endpoint_port(target: str) -> int:
    """Of `http://127.0.0.1:8080` and its kin; 0 where there is none."""
    scheme, _, rest = target.partition(":")
    if scheme not in ("http", "https", "tcp", "udp"):
        return 0
    try:
        return parse_endpoint(rest.removeprefix("//")).port
    except HomeportError:
        return 0


def _exposed(row: PortRow, name: str) -> Finding:
    address = f"[{row.address}]" if ":" in row.address else row.address
    who = f"{row.process} (pid {row.pid})" if row.process else "a process that may not be seen"
    return Finding(
        code="listener-exposed",
        level="warning",
        what=f"{name} listens on {address}:{row.port}, where other computers may reach it",
        why=f"{who} is bound to every address or to one of a network; the door alone is bound to loopback",
        next="bind it to 127.0.0.1; most servers take --host 127.0.0.1 or HOST=127.0.0.1",
    )

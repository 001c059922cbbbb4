"""What `homeport audit` looked at, and what it found. What could not be known is a part of the answer, not clean."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from homeport.model.finding import Finding

UNKNOWN = "audit-unknown"
State = Literal["clean", "found", "unknown"]
Severity = Literal["critical", "high", "moderate", "low", "info", ""]  # "": the database does not say


class Vulnerability(msgspec.Struct, frozen=True, kw_only=True):
    """One advisory about one package. `fixed_in`: "" where it is not known, "none" where there is no fix."""

    package: str
    version: str = ""
    id: str = ""
    severity: Severity = ""
    title: str = ""
    fixed_in: str = ""
    url: str = ""


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What a tool said of some packages: how many it judged, and which of them it could not."""

    packages: int = 0
    vulnerabilities: tuple[Vulnerability, ...] = ()
    skipped: tuple[str, ...] = ()


class AuditPart(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at: `what` is a noun, `seen` says how much of it there was."""

    what: str
    seen: str = ""
    state: State = "clean"
    findings: tuple[Finding, ...] = ()


def part(what: str, findings: Iterable[Finding] = (), seen: str = "") -> AuditPart:
    found = tuple(findings)
    state: State = "clean"
    if found:
        state = "unknown" if all(finding.code == UNKNOWN for finding in found) else "found"
    return AuditPart(what=what, seen=seen, state=state, findings=found)


def unknown(what: str, why: str, following: str = "") -> Finding:
    """Something that could not be looked at."""
    return Finding(code="audit-unknown", level="warning", what=f"{what} could not be checked", why=why, next=following)


class AuditReport(msgspec.Struct, frozen=True, kw_only=True):
    version: str
    parts: tuple[AuditPart, ...] = ()

    @property
    def findings(self) -> list[Finding]:
        return [finding for part in self.parts for finding in part.findings]

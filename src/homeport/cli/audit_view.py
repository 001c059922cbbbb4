"""The audit's answer in a terminal: one line for each thing that was looked at, then what was found.

Pure: a report in, lines out.
"""

from __future__ import annotations

from homeport.cli.doctor_view import CLEAN, PROBLEM, WARNINGS, finding_lines
from homeport.cli.terminal import Paint
from homeport.cli.words import visible
from homeport.model.audit import AuditPart, AuditReport, State

_MARKS: dict[State, tuple[str, str]] = {"clean": ("✓", "green"), "found": ("✗", "red"), "unknown": ("?", "yellow")}


def exit_status(report: AuditReport) -> int:
    """What could not be checked counts as a warning."""
    levels = {finding.level for finding in report.findings}
    return PROBLEM if "problem" in levels else WARNINGS if levels else CLEAN


def audit_lines(report: AuditReport, paint: Paint, width: int | None) -> list[str]:
    lines = [_part_line(part, paint) for part in report.parts]
    for finding in report.findings:
        lines += ["", *finding_lines(finding, paint, width)]
    return lines


def _part_line(part: AuditPart, paint: Paint) -> str:
    mark, colour = _MARKS[part.state]
    if part.findings and all(finding.level != "problem" for finding in part.findings) and part.state == "found":
        mark, colour = "!", "yellow"
    seen = f"  {paint(visible(part.seen), 'dim')}" if part.seen else ""
    said = "  could not be checked" if part.state == "unknown" and not part.seen else ""
    return f"{paint(mark, colour)} {visible(part.what)}{seen}{said}"

"""The doctor's answer in a terminal: the steps of a walk as a small waterfall, who listens, and the findings.

Pure: a report in, lines out.
"""

from __future__ import annotations

import textwrap

from homeport.app.doctor import Listening, OwnAuthority, Phase, Report, Resolved, Walk
from homeport.cli.table import cut
from homeport.cli.terminal import Paint
from homeport.cli.words import duration, plural, visible
from homeport.model.finding import Finding, Level

CLEAN, WARNINGS, PROBLEM, INVALID, INTERNAL = 0, 1, 2, 4, 5

_BAR = 16  # cells of the waterfall
_LISTENERS_SHOWN = 6
_MARKS = {"ok": ("✓", "green"), "bad": ("✗", "red"), "unknown": ("?", "yellow"), "skipped": ("-", "dim")}
_LEVELS: dict[Level, tuple[str, str]] = {"problem": ("✗", "red"), "warning": ("!", "yellow"), "note": ("·", "cyan")}


def exit_status(report: Report) -> int:
    levels = {finding.level for finding in report.every}
    return PROBLEM if "problem" in levels else WARNINGS if "warning" in levels else CLEAN


def report_lines(report: Report, paint: Paint, width: int | None) -> list[str]:
    """What was asked about, in full."""
    is_repeated = any(finding.what == report.said for finding in report.findings)
    says = report.said and not is_repeated
    blocks = [textwrap.wrap(f"It says that {report.said}.", width or 10_000)] if says else []
    blocks += [[line for one in report.findings for line in finding_lines(one, paint, width)]]
    for walk in report.walks:
        blocks.append(_walk_lines(walk, paint, width))
        blocks.append([line for one in walk.findings for line in finding_lines(one, paint, width)])
        if walk.was_tried and all(finding.level == "note" for finding in walk.findings):
            blocks.append([f"{paint('✓', 'green')} {_verdict(walk)}"])
    return _joined(blocks)


def overview_lines(report: Report, paint: Paint, width: int | None) -> list[str]:
    """Everything was asked about: one line where nothing is wrong, else only what is."""
    told = [finding for finding in report.findings if finding.level != "note"]
    blocks = [[line for one in told for line in finding_lines(one, paint, width)]]
    for walk in report.walks:
        wrong = [finding for finding in walk.findings if finding.level != "note"]
        if wrong:
            found = [line for one in wrong for line in finding_lines(one, paint, width)]
            blocks.append([paint(visible(walk.title), "bold"), *found])
    if any(blocks):
        return _joined(blocks)
    also = f", and {plural(report.looked_at, 'app or route').replace('routes', 'routes')}" if report.looked_at else ""
    return [f"{paint('✓', 'green')} nothing is wrong: loopback, localhost, limits, clock, proxies{also}"]


def finding_lines(finding: Finding, paint: Paint, width: int | None) -> list[str]:
    """`✗ what`, why below it, and what to do next; the code for docs and scripts at the end."""
    mark, colour = ("!", "red") if finding.code == "route-exposed" else _LEVELS[finding.level]
    what = _wrapped(f"{visible(finding.what)} [{finding.code}]", width)
    what[-1] = what[-1].replace(f"[{finding.code}]", paint(f"[{finding.code}]", "dim"))
    lines = [f"{paint(mark, colour)} {what[0]}", *(f"  {line}" for line in what[1:])]
    lines += [f"  {line}" for line in _wrapped(visible(finding.why), width) if finding.why]
    if finding.next:
        following = _wrapped(visible(finding.next), width, 8)
        lines += [f"  {paint('next:', 'cyan')} {following[0]}", *(f"        {line}" for line in following[1:])]
    return lines


def _walk_lines(walk: Walk, paint: Paint, width: int | None) -> list[str]:
    lines = [paint(visible(walk.title), "bold")]
    whole_ms = max([phase.start_ms + (phase.ms or 0) for phase in walk.phases], default=0) or 1
    begin_ms = min([phase.start_ms for phase in walk.phases], default=0)
    lines += [_phase_line(phase, begin_ms, whole_ms, paint, width) for phase in walk.phases]
    lines += _resolved_lines(walk.facts.names, paint)
    shown = walk.facts.listening[:_LISTENERS_SHOWN]
    lines += [_listening_line(one, paint, is_first=one is shown[0]) for one in shown]
    lines += _store_lines(walk.facts.authority, paint)
    return lines


def _store_lines(authority: OwnAuthority | None, paint: Paint) -> list[str]:
    """Who trusts homeport's CA, where the certificate is of it."""
    says: dict[bool | None, str] = {True: "trusted by", False: "not by", None: "not known of"}
    lines: list[str] = []
    for is_trusted, text in says.items():
        names = [store.name for store in authority.stores if store.is_trusted is is_trusted] if authority else []
        if names:
            lines.append(f"    {paint('stores' if not lines else '      ', 'dim')}  {text} {visible(', '.join(names))}")
    return lines


def _phase_line(phase: Phase, begin_ms: float, whole_ms: float, paint: Paint, width: int | None) -> str:
    mark, colour = _MARKS[phase.state]
    cells = _BAR / max(whole_ms - begin_ms, 0.001)
    start = min(_BAR - 1, int((phase.start_ms - begin_ms) * cells))
    length = min(max(1, round((phase.ms or 0) * cells)), _BAR - start)
    bar = " " * start + "█" * length + " " * (_BAR - start - length)
    text = visible(phase.text)
    room = None if width is None else max(20, width - _BAR - 23)
    text = cut(text, room) if room else text
    return f"  {paint(mark, colour)} {phase.name:8}{paint(bar, colour)} {duration(phase.ms):>8}  {text}"


def _resolved_lines(names: tuple[Resolved, ...], paint: Paint) -> list[str]:
    """One line for those who agree."""
    groups: dict[str, list[str]] = {}
    for one in names:
        text = ", ".join(one.addresses) or (one.why if one.is_known else f"not known, because {one.why}")
        note = f" ({one.why})" if one.addresses and one.why else ""
        groups.setdefault(visible(text + (note.partition(" since")[0] + ")" if " since" in note else note)), []).append(
            one.client
        )
    lines = [f"{', '.join(clients)}: {text}" for text, clients in groups.items()]
    return [f"    {paint('names' if not i else '     ', 'dim')}   {line}" for i, line in enumerate(lines)]


def _listening_line(one: Listening, paint: Paint, *, is_first: bool) -> str:
    owner = f" of {one.socket.user}" if one.socket.user else ""
    who = f"a process{owner} that may not be seen"
    if one.process:
        who = f"{visible(one.process.name)} (pid {one.process.pid}){owner}"
    queue = ""
    if one.queue and one.queue.waiting:
        queue = f", {plural(one.queue.waiting, 'connection')} of {one.queue.limit} waiting"
    return f"    {paint('listens' if is_first else '       ', 'dim')} {one.socket.endpoint}  {who}{queue}"


def _verdict(walk: Walk) -> str:
    reached = walk.facts.connected
    answer = walk.facts.answer
    where = str(reached.endpoint) if reached else walk.title
    return f"{where} answers" + (f" with {answer.status}" if answer and answer.status else "")


def _wrapped(text: str, width: int | None, indent: int = 2) -> list[str]:
    if width is None or not text:
        return [text]
    return textwrap.wrap(text, max(20, width - indent), break_long_words=False, break_on_hyphens=False) or [""]


def _joined(blocks: list[list[str]]) -> list[str]:
    return "\n\n".join("\n".join(block) for block in blocks if block).split("\n")

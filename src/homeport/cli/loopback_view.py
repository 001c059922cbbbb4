"""The loopback self-test on a terminal: what was measured, a histogram, the limits beside what is normal, the findings.

Pure apart from the first function: a report in, lines out. Legible without colour, and in ASCII where the terminal
knows no blocks.
"""

from __future__ import annotations

import math
import sys

from homeport.app.loopback import Echoed, Limit, LoopbackFacts, LoopbackReport, Times
from homeport.cli.doctor_view import CLEAN, PROBLEM, WARNINGS, finding_lines
from homeport.cli.session import Session
from homeport.cli.table import Cell, Column, lines
from homeport.cli.terminal import Paint, Terminal
from homeport.cli.words import size

_BLOCKS = " ▏▎▍▌▋▊▉█"  # eighths
_MOST_BAR = 48
_TAIL = 0.004  # of the round trips, in one row
_UNKNOWN = "not known here"
_ECHOES = (
    Column("echo"),
    Column("address"),
    Column("p50", right=True),
    Column("p90", right=True),
    Column("p99", right=True),
    Column("max", right=True),
    Column("trips", right=True),
    Column("throughput", right=True),
    Column("error", flexible=True),
)
_LIMITS = (Column("limit"), Column("here"), Column("normal", flexible=True))


def show_loopback(session: Session) -> int:
    """Measure, print, and return the exit status of `homeport doctor`."""
    from homeport.app.loopback import loopback_report

    if not session.as_json and session.terminal.is_interactive:
        session.say("measuring loopback: TCP and UDP, 127.0.0.1 and [::1]")
    report = loopback_report()
    if session.as_json:
        session.json(report)
    else:
        terminal = session.terminal
        told = report_lines(report, terminal.paint, terminal.width, ascii_only=not _shows_blocks(terminal))
        session.data("\n".join(told))
    levels = {finding.level for finding in report.findings}
    return PROBLEM if "problem" in levels else WARNINGS if "warning" in levels else CLEAN


def _shows_blocks(terminal: Terminal) -> bool:
    try:
        f"{_BLOCKS}µ≤".encode(terminal.out.encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def report_lines(report: LoopbackReport, paint: Paint, width: int | None, *, ascii_only: bool = False) -> list[str]:
    """Everything but what --json has more."""
    facts = report.facts
    fitted = None if ascii_only else width  # what is cut ends with an ellipsis, which is not ASCII
    told = [_interface_line(facts, paint), ""]
    told += lines(_ECHOES, [_echo_row(one, ascii_only) for one in facts.echoed], paint, fitted)
    plotted = next((one for one in facts.echoed if one.times), None)
    if plotted is not None and plotted.times is not None:
        title = f"{plotted.times.count:,} round trips of 64 bytes, {plotted.protocol.upper()} on {plotted.address}"
        told += ["", paint(title, "dim"), *histogram_lines(plotted.times, width, ascii_only=ascii_only)]
    told += ["", *lines(_LIMITS, [_limit_row(one) for one in report.limits], paint, fitted), ""]
    for finding in report.findings:
        told += [*finding_lines(finding, paint, width), ""]
    if not report.findings:
        told.append(
            f"{'ok:' if ascii_only else paint('✓', 'green')} all of this is normal ({report.took_ms / 1000:.1f} s)"
        )
    return told if told[-1] else told[:-1]


def histogram_lines(times: Times, width: int | None, *, ascii_only: bool = False) -> list[str]:
    """A bar for each bucket; every bucket that holds one shows something. The thin end of the tail is one bar."""
    buckets = _without_tail(times)
    most = max(count for _, count in buckets)
    labels = [_bucket(end, ascii_only) for end, _ in buckets]
    numbers = [f"{count:,}" for _, count in buckets]
    pad = max(map(len, labels))
    edge = pad + max(map(len, numbers)) + 6
    room = max(min(_MOST_BAR, (width or 80) - edge), 10)
    rows = []
    for label, number, (_, count) in zip(labels, numbers, buckets, strict=True):
        drawn = bar(count, most, room, ascii_only)
        rows.append(f"  {label:>{pad}}  {drawn}  {number}" if count else f"  {label:>{pad}}")
    return rows


def _without_tail(times: Times) -> list[tuple[float, int]]:
    """The last few of a thousand would stretch the plot to a page of empty rows."""
    buckets, tail = list(times.histogram), 0
    while len(buckets) > 1 and tail + buckets[-1][1] <= times.count * _TAIL:
        tail += buckets.pop()[1]
    if len(times.histogram) - len(buckets) < 2:
        return list(times.histogram)
    return [*buckets, (math.inf, tail)]


def bar(count: int, most: int, room: int, ascii_only: bool) -> str:
    """`count` of `most` as a bar of at most `room` columns."""
    if not count:
        return ""
    if ascii_only:
        return "#" * max(1, round(count / most * room))
    eighths = max(1, round(count / most * room * 8))
    return "█" * (eighths // 8) + _BLOCKS[eighths % 8].strip()


def micros(us: float, ascii_only: bool = False) -> str:
    """`8.2 µs`, `16 µs`, `1.2 ms`."""
    if us < 999.5:
        unit = "us" if ascii_only else "µs"
        return f"{us:.1f} {unit}" if us < 9.95 else f"{us:.0f} {unit}"
    return f"{us / 1000:.1f} ms"


def _bucket(end_us: float, ascii_only: bool) -> str:
    if math.isinf(end_us):
        return "longer"
    return f"{'<=' if ascii_only else '≤'} {micros(end_us, ascii_only)}"


def _interface_line(facts: LoopbackFacts, paint: Paint) -> str:
    loopback = facts.loopback
    state = {True: "is up", False: "is down", None: "state not known"}[loopback.is_up]
    addresses = " and ".join(loopback.addresses) or "no address"
    name = loopback.name or "loopback"
    return f"{paint(f'{name} {state}', 'bold')}, {addresses}"


def _echo_row(one: Echoed, ascii_only: bool) -> list[Cell | str]:
    name: list[Cell | str] = [one.protocol.upper(), one.address]
    if one.times is None:
        return [*name, "", "", "", "", "", "", Cell(one.error, "red")]
    times = [micros(us, ascii_only) for us in (one.times.p50_us, one.times.p90_us, one.times.p99_us, one.times.max_us)]
    rate = f"{size(round(one.bytes_per_s))}/s" if one.bytes_per_s is not None else ""
    return [*name, *times, f"{one.times.count:,}", rate, ""]


def _limit_row(limit: Limit) -> list[Cell | str]:
    if None in limit.here:
        here = _UNKNOWN
    else:
        here = limit.words.format(*(_number(value, limit.unit) for value in limit.here if value is not None))
    return [limit.name, here, Cell(limit.normal, "dim")]


def _number(value: int, unit: str) -> str:
    if unit == "bytes":
        return size(value)
    return "unlimited" if value >= sys.maxsize // 2 else f"{value:,}"

"""Writes what was measured as Markdown: the machine, the goals with their state, and one table of medians per topic."""

from __future__ import annotations

import datetime

from bench import tcp_conditions, udp
from bench.goals import GOALS, NOT_YET
from bench.rounds import Results

TOPICS = {
    "http": "HTTP/1.1, responses of 1 KiB",
    "https": "HTTPS, HTTP/1.1 and HTTP/2, responses of 1 KiB",
    "tcp": "Raw TCP, the same requests through it",
    "vite": "The first page of a Vite project of 600 modules, in Chromium",
    "udp": "UDP, 64 clients with 16 datagrams of 64 bytes under way each",
    "conditions": "Network conditions on TCP routes",
    "delays": "How late what is delayed by 50 ± 10 ms leaves",
    "start": "From start to end of a command",
    "ports": "Who holds a port, among 50 listening sockets",
    "ports-2000": "Who holds a port, among 2,000 listening sockets",
    "memory": "Memory (PSS: pages shared between processes count once)",
}
# quantity -> its digits after the point
COLUMNS = {
    "requests/s": 0,
    "CPU µs/request": 1,
    "p50 µs": 0,
    "added p50 µs": 0,
    "p99 µs": 0,
    "connections/s": 0,
    "handshakes/s": 0,
    "CPU µs/handshake": 0,
    "resumptions/s": 0,
    "CPU µs/resumption": 0,
    "h2 requests/s": 0,
    "CPU µs/h2 request": 1,
    "download GB/s": 2,
    "CPU ms/64 MiB": 0,
    "memory MiB": 0,
    "datagrams/s": 0,
    "CPU µs/datagram": 1,
    "bulk MB/s": 0,
    "MiB more": 1,
    "late p50 µs": 0,
    "late p99 µs": 0,
    "late max µs": 0,
    "earliest µs": 1,
    "not relayed %": 1,
    "load ms": 0,
    "CPU ms/load": 0,
    "load ms, 20 ms away": 0,
    "CPU ms/load, 20 ms away": 0,
    "ms": 1,
    "at rest MiB": 1,
    "KiB per idle connection": 1,
}
YARDSTICK = {
    "http": "nginx",
    "https": "nginx",
    "tcp": "haproxy tcp",
    "udp": udp.PLAIN,
    "conditions": tcp_conditions.NONE,
    "vite": "homeport, https, HTTP/1.1",
    "start": "python -c pass",
    "ports": "lsof",
    "ports-2000": "lsof",
}
RATIOS = {
    "http": ("requests/s", "CPU µs/request"),
    "https": ("requests/s", "CPU µs/request", "handshakes/s", "resumptions/s", "h2 requests/s", "CPU µs/h2 request"),
    "udp": ("CPU µs/datagram",),
    "conditions": ("bulk MB/s",),
    "tcp": ("requests/s", "CPU µs/request", "CPU ms/GB"),
    "vite": ("load ms", "load ms, 20 ms away"),
    "start": ("ms",),
    "ports": ("ms",),
    "ports-2000": ("ms",),
}


def write(
    measured: dict[str, Results], machine: list[tuple[str, str]], versions: dict[str, str], notes: list[str], how: str
) -> str:
    parts = ["# Benchmarks", "", f"Measured on {datetime.date.today().isoformat()}: {how}", ""]
    parts += _table(["machine", ""], [list(line) for line in machine])
    parts += ["", "Versions: " + ", ".join(f"{name} {version}" for name, version in versions.items()) + ".", ""]
    parts += [f"- {note}" for note in notes]
    parts += ["", "## Goals", "", *_goals(measured)]
    for topic, results in measured.items():
        parts += ["", f"## {TOPICS[topic]}", "", *_topic(topic, results)]
    return "\n".join(parts) + "\n"


def _goals(measured: dict[str, Results]) -> list[str]:
    rows = []
    for goal in GOALS:
        results = measured.get(goal.topic)
        value = goal.value(results) if results else None
        if results is None or value is None:
            continue
        state = "reached" if goal.reached(results) else "**short**"
        rows.append([goal.what, f"{'≥' if goal.at_least else '≤'} {goal.limit:g} {goal.unit}", f"{value:.2f}", state])
    table = _table(["", "goal", "measured", ""], rows)
    return [*table, "", "Not measured yet:", "", *(f"- {text}" for text in NOT_YET)]


def _topic(topic: str, results: Results) -> list[str]:
    names = [name for name in COLUMNS if any(results.median(peer, name) is not None for peer in results.peers())]
    yardstick = YARDSTICK.get(topic, "")
    ratios = [name for name in RATIOS.get(topic, ()) if yardstick in results.peers()]
    head = ["", *names, *(f"{name}, x {yardstick}" for name in ratios)]
    rows = []
    for peer in results.peers():
        row = [peer] + [_number(results.median(peer, name), COLUMNS[name]) for name in names]
        row += [_number(results.ratio(peer, yardstick, name), 2) for name in ratios]
        rows.append(row)
    lines = _table(head, rows)
    failed = {peer: count for peer, count in results.errors.items() if count}
    if failed:
        lines += ["", "Failed requests: " + ", ".join(f"{peer} {count}" for peer, count in failed.items()) + "."]
    spread = results.spread("direct", "requests/s")
    if spread:
        low, high = spread
        lines += [
            "",
            f"How quiet the machine was: direct reached {low:,.0f} to {high:,.0f} requests/s from round to round.",
        ]
    return lines


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None or value == 0 else f"{value:,.{digits}f}"


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]

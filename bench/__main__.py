"""`make bench`: measures homeport beside its peers in interleaved rounds and writes bench/RESULTS.md."""

from __future__ import annotations

import argparse
import dataclasses
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from bench import (
    homeport,
    https,
    install,
    machine,
    memory,
    peers,
    ports,
    report,
    rounds,
    start,
    tcp_conditions,
    udp,
    vite,
)
from bench.peers import Peer, Stage, Starter
from bench.process import DidNotStartError
from bench.rounds import Effort, Results

TOPICS = ("http", "https", "tcp", "udp", "conditions", "delays", "vite", "start", "memory", "ports", "ports-2000")
HTTP: list[Starter] = [
    peers.direct, peers.nginx, peers.haproxy, peers.caddy, peers.mitmdump, homeport.unrecorded, homeport.recorded,
]  # fmt: skip
TCP: list[Starter] = [
    peers.direct, peers.haproxy_tcp, peers.relay_alone, homeport.tcp_unrecorded, homeport.tcp_recorded,
]  # fmt: skip
RESULTS = Path(__file__).with_name("RESULTS.md")


def main() -> int:
    options = _options()
    found = install.programs()
    missing = {"nginx", "wrk"} - found.keys()
    if missing:
        say(f"not installed: {', '.join(sorted(missing))}: nothing can be measured without")
        return 1
    homeport.compile_sources()
    cpu = machine.pin(options.cpu)
    effort = rounds.QUICK if options.quick else Effort()
    if options.rounds:
        effort = dataclasses.replace(effort, rounds=options.rounds)
    notes = [f"Everything on CPU {cpu}, load average at the start {machine.load():.1f}"]
    with tempfile.TemporaryDirectory(prefix="homeport-bench-") as folder, peers.backend(Path(folder), found) as stage:
        measured = {topic: _measure(topic, stage, effort, notes) for topic in TOPICS if topic in options.only}
        measured = {topic: results for topic, results in measured.items() if results.peers()}
    notes.append(f"Load average at the end {machine.load():.1f} (the benchmark itself makes about 1).")
    how = f"medians of {effort.rounds} interleaved rounds, client, backend and proxies on one CPU, loopback."
    text = report.write(measured, machine.describe(), install.versions(found), notes, how)
    if options.output == "-":
        print(text)
    else:
        Path(options.output).write_text(text)
        say(f"written: {options.output}")
    return 0


def _measure(topic: str, stage: Stage, effort: Effort, notes: list[str]) -> Results:
    stage = dataclasses.replace(stage, folder=stage.folder / topic)
    stage.folder.mkdir()
    if topic == "start":
        return start.measure(stage, effort.rounds, say)
    if topic == "vite":
        return _vite(stage, effort, notes)
    if topic.startswith("ports"):
        return ports.measure(stage, 2000 if topic == "ports-2000" else 50, effort.rounds, say)
    if topic == "udp":
        return udp.measure(stage.folder, effort.rounds, effort.seconds, say)
    if topic == "delays":
        results = udp.delays(effort.rounds, say)
        tcp_conditions.delays(effort.rounds, results)
        return results
    if topic == "conditions":
        return tcp_conditions.measure(effort.rounds, say)
    with ExitStack() as started:
        starters = {"tcp": TCP, "https": https.EVERYONE}.get(topic, HTTP)
        everyone = _start(starters, stage, started, notes)
        if topic == "https":
            return https.measure(everyone, effort, stage, say)
        if topic == "memory":
            return memory.measure(everyone, say)
        return rounds.measure(everyone, effort, stage.programs["wrk"], say, topic)


def _vite(stage: Stage, effort: Effort, notes: list[str]) -> Results:
    try:
        return vite.measure(stage, effort.rounds, say)
    except (DidNotStartError, KeyError) as error:
        notes.append(f"Left out: the first page of a Vite project: {error}")
        say(notes[-1])
        return Results()


def _start(starters: Sequence[Starter], stage: Stage, started: ExitStack, notes: list[str]) -> list[Peer]:
    """Those that cannot be started are left out, and named in the notes."""
    everyone = []
    for starter in starters:
        try:
            everyone.append(started.enter_context(starter(stage)))
        except (DidNotStartError, KeyError) as error:
            notes.append(f"Left out: {error}")
            say(notes[-1])
    return everyone


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, help=f"how many rounds (default {Effort().rounds})")
    parser.add_argument("--quick", action="store_true", help="two short rounds: to try the harness, not to compare")
    parser.add_argument("--only", type=lambda text: text.split(","), default=TOPICS, help=",".join(TOPICS))
    parser.add_argument("--cpu", type=int, help="the CPU to measure on (default: the last one)")
    parser.add_argument("--output", default=str(RESULTS), help="where to write; - prints")
    options = parser.parse_args()
    unknown = set(options.only) - set(TOPICS)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(TOPICS)}")
    return options


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

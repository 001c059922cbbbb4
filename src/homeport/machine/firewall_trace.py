"""What really happens to one probe, and by which rule: nftables' own tracing, or the counters of legacy iptables.

Tracing needs a table of ours that marks the probe's packets. It belongs to a running `nft -i` and is gone with it, so
it never stays behind: not after Ctrl-C, not even when we are killed.
"""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from homeport.machine import firewall_iptables, firewall_nft, firewall_nft_trace
from homeport.machine.firewall_nft import texts_of
from homeport.machine.firewall_nft_trace import Step
from homeport.machine.firewall_probe import SILENCE, Probed, probe
from homeport.machine.firewall_run import Run, find
from homeport.model.endpoint import Endpoint
from homeport.model.firewall import Deciding, Rule, Tool, Verdict

if TYPE_CHECKING:
    from homeport.machine.firewall_linux import Listings

_TRIES = 4  # the first probes may leave before the monitor listens
_WAITS_S = 0.4  # its first packet tells all
_QUIET_S = 0.3
_STARTS_S = 3.0
_EARLY = -450  # before every chain that rules are put in: NF_IP_PRI_RAW is -300


def trace(
    run: Run,
    finds: Callable[[str], str | None],
    listings: Listings,
    endpoint: Endpoint,
    protocol: str,
    uid: int | None,
) -> Deciding | None:
    """None: neither way was possible."""
    before = _counters(run, listings)
    nft = finds("nft")
    traced = _by_nft(nft, listings, endpoint, protocol, uid) if nft else None
    if traced and traced.is_blocked:
        return traced
    if not nft:
        probe(endpoint, protocol, uid, _WAITS_S)
    return _by_counters(listings, before, _counters(run, listings)) or traced


def _by_nft(nft: str, listings: Listings, endpoint: Endpoint, protocol: str, uid: int | None) -> Deciding | None:
    with _monitor(nft) as monitor, _marking(nft, endpoint.port, protocol) as is_marking:
        if not is_marking:
            return None
        lines: list[str] = []
        for _ in range(_TRIES):
            probed = probe(endpoint, protocol, uid, _WAITS_S)
            lines += _read(monitor)
            if firewall_nft_trace.packets_of(lines, probed.client_port):
                return _story(listings, lines, probed)
    return None


def _story(listings: Listings, lines: list[str], probed: Probed) -> Deciding:
    packets = firewall_nft_trace.packets_of(lines, probed.client_port)
    steps = firewall_nft_trace.parse(lines)
    last: Step | None = None
    for packet, side in packets.items():
        for step in steps.get(packet, []):
            if step.verdict == "drop":
                return _named(listings, step, "answer" if side == "answer" else "request")
            if step.verdict == "accept" and step.text:
                last = step
    if last and probed.is_connected:
        return _named(listings, last, "request")
    if probed.error == SILENCE:
        why = "no rule that blocks it was seen, and yet nothing came back"
        return Deciding(verdict="accept", how="traced", certain=False, why=why)
    return Deciding(verdict="accept", how="traced")


def _named(listings: Listings, step: Step, packet: str) -> Deciding:
    """The rule in the words of whoever made it: nft's own, or iptables' where the table is its."""
    table = f"{step.family} {step.table}"
    verdict: Verdict = "accept" if step.verdict == "accept" else "reject" if "reject" in step.text else "drop"
    theirs = _of_iptables(listings, step, table)
    if theirs and theirs.verdict in ("accept", "drop", "reject"):
        verdict = theirs.verdict
    found = theirs or _of_nft(listings, step, table, verdict)
    is_iptables = _iptables_tool(listings, step) is not None
    return Deciding(
        verdict="drop" if packet == "answer" and verdict == "reject" else verdict,
        rule=found if step.text else None,
        tool=found.tool,
        chain=f"{step.table} {step.chain}" if is_iptables else f"{table} {step.chain}",
        how="traced",
        packet="answer" if packet == "answer" else "request",
    )


def _of_nft(listings: Listings, step: Step, table: str, verdict: Verdict) -> Rule:
    wanted = firewall_nft_trace.plain(step.text)
    parsed = firewall_nft.parse(listings.nft.out, firewall_nft.texts_of(listings.texts))
    for line in parsed.chains.get((table, step.chain), []):
        if firewall_nft_trace.plain(line.rule.text) == wanted and line.rule.verdict in (verdict, "unknown"):
            return line.rule
    return Rule(tool="nftables", family=step.family, chain=f"{table} {step.chain}", text=step.text, verdict=verdict)


def _iptables_tool(listings: Listings, step: Step) -> Tool | None:
    tool: Tool | None = {"ip": "iptables", "ip6": "ip6tables"}.get(step.family)  # type: ignore[assignment]
    output = listings.saved.get(tool) if tool else None
    return tool if output and output.code == 0 and step.table in firewall_iptables.tables_of(output.out) else None


def _of_iptables(listings: Listings, step: Step, table: str) -> Rule | None:
    """Both list the rules of a chain in the same order, so the place of nft's rule is the place of iptables'."""
    tool = _iptables_tool(listings, step)
    if tool is None:
        return None
    wanted = firewall_nft_trace.plain(step.text)
    rules = [
        text
        for (place, chain, handle), text in texts_of(listings.texts).items()
        if (place, chain) == (table, step.chain) and handle
    ]
    places = [place for place, text in enumerate(rules) if firewall_nft_trace.plain(text) == wanted]
    parsed = firewall_iptables.parse(listings.saved[tool].out, tool, "ip6" if step.family == "ip6" else "ip")
    lines = parsed.chains.get((f"{tool} {step.table}", step.chain), [])
    if places and places[0] < len(lines):
        return lines[places[0]].rule
    return Rule(tool=tool, family=step.family, chain=f"{step.table} {step.chain}", text=step.text)


@contextmanager
def _monitor(nft: str) -> Iterator[IO[bytes]]:
    """It would notice that we are gone only when it has something to say, so the kernel is asked to end it then."""
    setpriv = find("setpriv")
    dies_with_us = [setpriv, "--pdeathsig", "TERM"] if setpriv else []
    process = subprocess.Popen(
        [*dies_with_us, nft, "monitor", "trace"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout
    try:
        yield process.stdout
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


@contextmanager
def _marking(nft: str, port: int, protocol: str) -> Iterator[bool]:
    """Our table, for as long as this lasts. False: this kernel or nft cannot."""
    name = f"homeport_trace_{os.getpid()}"
    rules = "".join(
        f"add chain inet {name} {hook} {{ type filter hook {hook} priority {_EARLY}; }}\n"
        f"add rule inet {name} {hook} {side} lo {protocol} dport {port} meta nftrace set 1\n"
        f"add rule inet {name} {hook} {side} lo {protocol} sport {port} meta nftrace set 1\n"
        for hook, side in (("output", "oifname"), ("prerouting", "iifname"))
    )
    text = f"{_ingress(name, port, protocol)}add table inet {name} {{ flags owner; }}\n{rules}list table inet {name}\n"
    process = subprocess.Popen([nft, "-i"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdin
    assert process.stdout
    try:
        process.stdin.write(text.encode())
        process.stdin.flush()
        yield _says(process.stdout, b"chain prerouting")
    finally:
        process.stdin.close()
        process.terminate()
        process.wait()
        process.stdout.close()


def _ingress(name: str, port: int, protocol: str) -> str:
    """A mark does not survive the device, so it is made again for chains of `lo` itself. Without them it may fail."""
    chain = f"netdev {name} ingress"
    return (
        f"add table netdev {name} {{ flags owner; }}\n"
        f"add chain {chain} {{ type filter hook ingress device lo priority {_EARLY}; }}\n"
        f"add rule {chain} {protocol} dport {port} meta nftrace set 1\n"
        f"add rule {chain} {protocol} sport {port} meta nftrace set 1\n"
    )


def _says(stream: IO[bytes], wanted: bytes) -> bool:
    ends_s, said = time.monotonic() + _STARTS_S, b""
    while wanted not in said and (left_s := ends_s - time.monotonic()) > 0:
        if not select.select([stream], [], [], left_s)[0] or not (chunk := os.read(stream.fileno(), 65536)):
            break
        said += chunk
    return wanted in said


def _read(stream: IO[bytes]) -> list[str]:
    """What it has said, until it is quiet for a moment."""
    said = b""
    while select.select([stream], [], [], _QUIET_S)[0] and (chunk := os.read(stream.fileno(), 65536)):
        said += chunk
    return said.decode("utf-8", "replace").splitlines()


Counters = dict[tuple[Tool, str, str, int], int]


def _counters(run: Run, listings: Listings) -> Counters:
    """Of legacy iptables, which cannot be traced without the kernel's log."""
    found: Counters = {}
    for tool, output in listings.saved.items():
        if tool.endswith("-legacy") and output.code == 0 and output.out:
            counted = firewall_iptables.counts(run([f"{tool}-save", "-c"]).out)
            found |= {(tool, *place): count for place, count in counted.items()}
    return found


def _by_counters(listings: Listings, before: Counters, after: Counters) -> Deciding | None:
    """The rule, or the policy, that blocked packets meanwhile."""
    for (tool, table, chain, number), count in after.items():
        if count <= before.get((tool, table, chain, number), count):
            continue
        parsed = firewall_iptables.parse(listings.saved[tool].out, tool, "ip6" if "ip6" in tool else "ip")
        if number:
            rule = parsed.chains[(f"{tool} {table}", chain)][number - 1].rule
            if rule.verdict in ("drop", "reject"):
                return Deciding(verdict=rule.verdict, rule=rule, tool=tool, chain=rule.chain, how="traced")
        elif any(base.chain == chain and base.policy == "drop" for base in parsed.bases):
            return Deciding(verdict="drop", tool=tool, chain=f"{table} {chain}", hook=chain.lower(), how="traced")
    return None

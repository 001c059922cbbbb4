"""What `nft monitor trace` prints, as the road of one packet through chains and rules. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_LINE = re.compile(r"trace id (\w+) (\w+) (\S+) (\S+) (packet:|rule|policy|verdict|unknown rule) ?(.*)")
_RULE = re.compile(r"(.*) \(verdict (\w+)(?: [^)]*)?\)")


@dataclass(frozen=True, slots=True)
class Step:
    """A packet met a rule, or the policy of a chain (`text` '')."""

    packet: str
    family: str
    table: str
    chain: str
    verdict: str
    text: str = ""


def parse(lines: Iterable[str]) -> dict[str, list[Step]]:
    """The steps of each packet, by its trace id, in the order in which they were printed."""
    found: dict[str, list[Step]] = {}
    for line in lines:
        read = _LINE.match(line.strip())
        if read is None:
            continue
        packet, family, table, chain, kind, rest = read.groups()
        steps = found.setdefault(packet, [])
        if kind == "policy":
            steps.append(Step(packet, family, table, chain, rest.split(" ")[0].strip()))
        elif kind == "rule" and (rule := _RULE.match(rest)):
            steps.append(Step(packet, family, table, chain, rule[2], rule[1]))
    return found


def packets_of(lines: Iterable[str], client_port: int) -> dict[str, str]:
    """The trace ids of the packets from ("request") and to ("answer") a port of a client."""
    found: dict[str, str] = {}
    for line in lines:
        read = _LINE.match(line.strip())
        if read is None or read[5] != "packet:":
            continue
        source, destination = _ports(read[6])
        if client_port in (source, destination):
            found[read[1]] = "request" if client_port == source else "answer"
    return found


def _ports(packet: str) -> tuple[int, int]:
    """Chains of a device print the transport header as a number: its first four bytes are the ports."""
    if raw := re.search(r"@th,0,(\d+) 0x([0-9a-f]+)", packet):
        header = raw[2].zfill(int(raw[1]) // 4)
        return int(header[:4], 16), int(header[4:8], 16)
    source, destination = re.search(r"\bsport (\d+)", packet), re.search(r"\bdport (\d+)", packet)
    return int(source[1]) if source else 0, int(destination[1]) if destination else 0


def plain(text: str) -> str:
    """A rule's text without what changes from packet to packet, to find it in a listing."""
    text = re.sub(r"counter packets \d+ bytes \d+", "counter", text)
    return re.sub(r"\s*comment \".*\"$", "", text).strip()

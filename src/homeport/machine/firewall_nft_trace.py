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
        if re.search(rf"\bsport {client_port}\b", read[6]):
            found[read[1]] = "request"
        elif re.search(rf"\bdport {client_port}\b", read[6]):
            found[read[1]] = "answer"
    return found


def plain(text: str) -> str:
    """A rule's text without what changes from packet to packet, to find it in a listing."""
    text = re.sub(r"counter packets \d+ bytes \d+", "counter", text)
    return re.sub(r"\s*comment \".*\"$", "", text).strip()

"""A packet on loopback as a firewall sees it, and comparing it with what a rule asks. Nothing is read or run here.

What is not known about the packet is a field that is missing, or a Span that is wider than one value; then a comparison
answers None. A field that the packet cannot have is ABSENT: a rule that asks for it does not match, negated or not.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal, NamedTuple

Maybe = bool | None
Family = Literal["ip", "ip6"]
SYN, ACK, RST = 0x02, 0x10, 0x04
PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17, "ipv6-icmp": 58, "icmpv6": 58, "sctp": 132, "udplite": 136, "dccp": 33}


class Absence(Enum):
    ABSENT = 0


ABSENT = Absence.ABSENT


class Span(NamedTuple):
    """From low to high, both included: one value, a range in a rule, or a value of which only the range is known."""

    low: int
    high: int


class Spread(NamedTuple):
    """A value of which only is known that it lies in one of these: a client's port is never the server's own."""

    spans: tuple[Span, ...]


Value = Span | Spread | str | Absence


@dataclass(frozen=True, slots=True)
class Packet:
    """`fields`: nfproto l4proto sport dport flags (Span), saddr daddr (Span of the family), uid, iif oif, ct (str)."""

    hook: str
    family: Family
    fields: Mapping[str, Value] = field(default_factory=dict)

    def get(self, name: str) -> Value | None:
        return self.fields.get(name)


def one(value: int) -> Span:
    return Span(value, value)


def without(span: Span, value: int) -> Spread:
    parts = (Span(span.low, min(span.high, value - 1)), Span(max(span.low, value + 1), span.high))
    return Spread(tuple(part for part in parts if part.low <= part.high))


def network(text: str, family: Family) -> Span | None:
    """`127.0.0.0/8`, `::1`; None for an address of the other family. Raises ValueError for what is no address."""
    found = ipaddress.ip_network(text, strict=False)
    if (found.version == 6) != (family == "ip6"):
        return None
    return Span(int(found.network_address), int(found.broadcast_address))


def within(value: Value | None, spans: Iterable[Span]) -> Maybe:
    """Whether a number lies in one of the spans."""
    if value is None or isinstance(value, str):
        return None
    if value is ABSENT:
        return False
    if isinstance(value, Spread):
        wanted = list(spans)
        answers = {within(part, wanted) for part in value.spans}
        return answers.pop() if len(answers) == 1 else None
    answer: Maybe = False
    for span in spans:
        if span.low <= value.low and value.high <= span.high:
            return True
        if value.low <= span.high and span.low <= value.high:
            answer = None
    return answer


def named(value: Value | None, name: str) -> Maybe:
    """Whether an interface has this name; it may end in `*`."""
    if not isinstance(value, str):
        return None if value is None else False
    return value.startswith(name[:-1]) if name.endswith("*") else value == name


def either(answers: Iterable[Maybe]) -> Maybe:
    known = list(answers)
    return True if True in known else None if None in known else False


def both(answers: Iterable[Maybe]) -> Maybe:
    known = list(answers)
    return False if False in known else None if None in known else True


def opposite(answer: Maybe) -> Maybe:
    return None if answer is None else not answer

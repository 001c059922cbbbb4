"""The conditions of an iptables rule, from its words. What is not understood answers None. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

from homeport.machine.firewall_packet import (
    ABSENT,
    PROTOCOLS,
    Family,
    Maybe,
    Packet,
    Span,
    either,
    named,
    network,
    one,
    opposite,
    within,
)
from homeport.machine.firewall_rules import Condition

_FLAGS = {"FIN": 1, "SYN": 2, "RST": 4, "PSH": 8, "ACK": 16, "URG": 32, "ALL": 63, "NONE": 0}
_TAKES_TWO = {"--tcp-flags", "--match-set"}
_SAYS_NOTHING = {"-m", "--comment", "--limit-burst", "-4", "-6"}
_Reading = Callable[[str], Condition]


def conditions(words: list[str], family: Family) -> tuple[Condition, ...]:
    """Everything before the target: `-i lo -p tcp -m multiport ! --dports 80,81`."""
    found: list[Condition] = []
    at, is_negated = 0, False
    while at < len(words):
        word = words[at]
        at += 1
        if word == "!":
            is_negated = True
            continue
        following = at
        while following < len(words) and not words[following].startswith("-") and words[following] != "!":
            following += 1
        if word in _TAKES_TWO:
            following = min(at + 2, len(words))
        elif word in _SAYS_NOTHING:
            following = min(at + (0 if word in ("-4", "-6") else 1), len(words))
        if word not in _SAYS_NOTHING:
            condition = _condition(word, words[at:following], family)
            found.append(_not(condition) if is_negated else condition)
            found += _implied(word)
        at, is_negated = following, False
    return tuple(found)


def _condition(option: str, values: list[str], family: Family) -> Condition:
    value = values[0] if values else ""
    try:
        if option in ("-s", "-d"):
            span = network(value, family)
            return _number("saddr" if option == "-s" else "daddr", [span] if span else [])
        if option in ("-i", "-o"):
            name = re.sub(r"\+$", "*", value)
            return lambda packet: named(packet.get("iif" if option == "-i" else "oif"), name)
        if option == "--tcp-flags" and len(values) == 2:
            return _flags(*(sum({_FLAGS[word] for word in part.split(",")}) for part in values))
        if option == "--ports":
            spans = _ports(value)
            return lambda packet: either(within(packet.get(name), spans) for name in ("dport", "sport"))
        if reading := _READINGS.get(option):
            return reading(value)
    except (ValueError, KeyError):
        pass
    return lambda packet: None


def _implied(option: str) -> list[Condition]:
    """A port needs a protocol that has ports: negated or not, such a rule does not match another packet."""
    if "port" in option:
        return [lambda packet: packet.get("dport") is not ABSENT]
    return []


def _protocol(value: str) -> Condition:
    if value in ("all", "0"):
        return lambda packet: True
    return _number("l4proto", [one(int(value) if value.isdigit() else PROTOCOLS[value])])


def _states(value: str) -> Condition:
    wanted = {word.lower() for word in value.split(",")}

    def answer(packet: Packet) -> Maybe:
        state = packet.get("ct")
        if state is None or state in wanted:
            return None if state is None else True
        return None if wanted & {"snat", "dnat"} else False

    return answer


def _type(value: str) -> Condition:
    return lambda packet: {"LOCAL": True, "BROADCAST": False, "MULTICAST": False}.get(value)


def _range_of_addresses(name: str) -> _Reading:
    def reading(value: str) -> Condition:
        family: Family = "ip6" if ":" in value else "ip"
        low, _, high = value.partition("-")
        first, last = network(low, family), network(high or low, family)
        return _number(name, [Span(first.low, last.high)] if first and last else [])

    return reading


_READINGS: dict[str, _Reading] = {
    "-p": _protocol,
    "--dport": lambda value: _number("dport", _ports(value)),
    "--dports": lambda value: _number("dport", _ports(value)),
    "--sport": lambda value: _number("sport", _ports(value)),
    "--sports": lambda value: _number("sport", _ports(value)),
    "--ctstate": _states,
    "--state": _states,
    "--uid-owner": lambda value: _number("uid", _ports(value.replace("-", ":"))),
    "--dst-type": _type,
    "--src-type": _type,
    "--src-range": _range_of_addresses("saddr"),
    "--dst-range": _range_of_addresses("daddr"),
}


def _number(name: str, spans: list[Span]) -> Condition:
    return lambda packet: within(packet.get(name), spans)


def _ports(value: str) -> list[Span]:
    """`80`, `8000:8010`, `:1023`, `80,443`."""
    spans = []
    for part in value.split(","):
        low, colon, high = part.partition(":")
        spans.append(Span(int(low or 0), int(high or 0xFFFFFFFF) if colon else int(low)))
    return spans


def _flags(mask: int, wanted: int) -> Condition:
    def answer(packet: Packet) -> Maybe:
        flags = packet.get("flags")
        return flags.low & mask == wanted if isinstance(flags, Span) else None

    return answer


def _not(condition: Condition) -> Condition:
    return lambda packet: opposite(condition(packet))

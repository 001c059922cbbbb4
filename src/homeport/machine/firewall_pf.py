"""pf, the packet filter of macOS and the BSDs: its state from `pfctl -s info`, its rules from `pfctl -a '*' -sr`. Pure.

The last rule that matches decides, the first with `quick` at once; what no rule matches passes. Words that are not
understood make an answer uncertain.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from homeport.machine.firewall_packet import Family, Maybe, Packet, Span, both, either, network, one, opposite, within
from homeport.machine.firewall_rules import Condition
from homeport.model.firewall import FirewallState, Rule, Verdict

_PORTS = {"http": 80, "https": 443, "ssh": 22, "domain": 53}


@dataclass(frozen=True, slots=True)
class Line:
    rule: Rule
    is_quick: bool
    side: str  # "in", "out" or "" for both
    conditions: tuple[Condition, ...]


def parse_state(text: str, rules: int = 0) -> FirewallState:
    """What `pfctl -s info` prints."""
    found = re.search(r"^Status: (Enabled|Disabled)", text, re.MULTILINE)
    if found is None:
        return FirewallState(tool="pf", state="unknown", why="what pfctl printed could not be read")
    return FirewallState(tool="pf", state="active" if found[1] == "Enabled" else "inactive", rules=rules, policy="pass")


def skips_loopback(interfaces: str) -> bool:
    """`pfctl -v -s Interfaces`: `set skip on lo0` shows as `lo0 (skip)`."""
    return bool(re.search(r"^lo0\s.*\(skip\)", interfaces, re.MULTILINE))


def parse(listing: str) -> list[Line]:
    lines: list[Line] = []
    anchors: list[str] = []
    for text in map(str.strip, listing.splitlines()):
        if text == "}" and anchors:
            anchors.pop()
        elif anchor := re.match(r'anchor "([^"]*)"', text):
            if text.endswith("{"):
                anchors.append(anchor[1])
            else:
                lines.append(_unknown(text))  # what is in it was not printed
        elif text.startswith(("pass", "block")):
            lines.append(_line(text, "/".join(anchors)))
    return lines


def verdicts(lines: list[Line], packet: Packet) -> set[Rule | None]:
    """The rules that may decide; None: no rule, so it passes."""
    side = "out" if packet.hook == "output" else "in"
    ends: set[Rule | None] = set()
    current: set[Rule | None] = {None}
    for line in lines:
        if line.side not in ("", side):
            continue
        matches = both(condition(packet) for condition in line.conditions)
        if matches is False:
            continue
        if line.is_quick:
            ends.add(line.rule)
            if matches:
                return ends
        else:
            current = {line.rule} if matches else current | {line.rule}
    return ends | current


def _unknown(text: str) -> Line:
    return Line(Rule(tool="pf", chain="", text=text), False, "", (lambda packet: None,))


def _line(text: str, anchor: str) -> Line:
    try:
        words = [word.rstrip(",") for word in shlex.split(text, posix=True)]
    except ValueError:
        return _unknown(text)
    reading = _Reading(words)
    verdict: Verdict = "accept" if words[0] == "pass" else "drop"
    conditions = tuple(reading.conditions())
    if words[0] == "block" and reading.returns:
        verdict = "reject"
    rule = Rule(tool="pf", chain=anchor, text=text, verdict=verdict, reject_with=reading.returns)
    return Line(rule, reading.is_quick, reading.side, conditions)


class _Reading:
    """The words of one rule, from left to right."""

    def __init__(self, words: list[str]) -> None:
        self._words, self._at = words, 1
        self.is_quick, self.side, self.returns = False, "", ""
        self._family: Family | None = None

    def conditions(self) -> Iterator[Condition]:
        while self._at < len(self._words):
            word = self._next()
            if word in ("in", "out"):
                self.side = word
            elif word == "quick":
                self.is_quick = True
            elif word.startswith("return"):
                self.returns = word
            elif word in ("inet", "inet6"):
                yield _number("nfproto", [one(2 if word == "inet" else 10)])
            elif word in ("from", "to"):
                yield from self._end("saddr" if word == "from" else "daddr", "sport" if word == "from" else "dport")
            elif word in ("on", "proto", "user"):
                yield self._value(word)
            elif word in ("label", "flags", "queue", "rule", "tag"):
                self._next()  # `flags S/SA` is what every first packet has
            elif word not in ("drop", "all", "log", "keep", "modulate", "no", "state", "fragment", "reassemble"):
                yield lambda packet: None

    def _next(self) -> str:
        word = self._words[self._at] if self._at < len(self._words) else ""
        self._at += 1
        return word

    def _peek(self) -> str:
        return self._words[self._at] if self._at < len(self._words) else ""

    def _list(self) -> tuple[list[str], bool]:
        """`x`, `= x`, `!= x`, `! x`, `{ x y }`: the values, and whether they are negated."""
        is_negated = self._peek() in ("!", "!=")
        if self._peek() in ("!", "!=", "="):
            self._next()
        if self._peek() != "{":
            return [self._next()], is_negated
        self._next()
        values = []
        while self._peek() not in ("}", ""):
            word = self._next()
            values += [word] if word != "=" else []
        self._next()
        return values, is_negated

    def _value(self, word: str) -> Condition:
        values, is_negated = self._list()
        conditions = [_one_value(word, value) for value in values]
        return _any(conditions, is_negated)

    def _end(self, address: str, port: str) -> Iterator[Condition]:
        if self._peek() not in ("port", "to", ""):
            values, is_negated = self._list()
            yield _any([_address(address, value) for value in values], is_negated)
        if self._peek() == "port":
            self._next()
            values, is_negated = self._list()
            yield _any([_port(port, value) for value in values], is_negated)


def _any(conditions: list[Condition], is_negated: bool) -> Condition:
    def answer(packet: Packet) -> Maybe:
        found = either(condition(packet) for condition in conditions)
        return opposite(found) if is_negated else found

    return answer


def _number(name: str, spans: list[Span]) -> Condition:
    return lambda packet: within(packet.get(name), spans)


def _one_value(word: str, value: str) -> Condition:
    if word == "on":
        return lambda packet: value in ("lo0", "lo")
    if word == "proto":
        return _number("l4proto", [one({"tcp": 6, "udp": 17, "icmp": 1, "icmp6": 58, "ipv6-icmp": 58}.get(value, 255))])
    return _number("uid", [one(int(value))]) if value.isdigit() else lambda packet: None


def _address(name: str, value: str) -> Condition:
    if value == "any":
        return lambda packet: True

    def answer(packet: Packet) -> Maybe:
        try:
            span = network(value, packet.family)
        except ValueError:
            return None  # a table, or an interface's addresses
        return within(packet.get(name), [span]) if span else False

    return answer


def _port(name: str, value: str) -> Condition:
    low, colon, high = value.partition(":")
    try:
        first = _PORTS.get(low) or int(low)
        return _number(name, [Span(first, int(high) if colon else first)])
    except ValueError:
        return lambda packet: None

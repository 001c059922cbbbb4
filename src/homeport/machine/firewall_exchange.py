"""A local connection's packets on their way through the rules: the request, its answer, and a firewall's own refusal.

All of them pass output, postrouting, prerouting and input, since loopback has both ends. A drop is final; an accept
only ends its own base chain. Pure.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from homeport.machine.firewall_packet import (
    ABSENT,
    ACK,
    PROTOCOLS,
    RST,
    SYN,
    Family,
    Packet,
    Span,
    Value,
    network,
    one,
    without,
)
from homeport.machine.firewall_rules import Base, Outcome, Ruleset, any_of
from homeport.model.firewall import Deciding

Step = Literal["request", "answer", "refusal"]
_HOOKS = ("output", "postrouting", "egress", "ingress", "prerouting", "input")
_CONNTRACK = -200  # NF_IP_PRI_CONNTRACK: before it a new packet has no state


def decide(
    rules: Ruleset, host: str, port: int, protocol: str, uid: int | None, ephemeral: tuple[int, int]
) -> Deciding:
    """What the rules do to a connection from a local client of user `uid` to a local address."""
    exchange = Exchange(rules, host, port, protocol, uid, Span(*ephemeral))
    likely = exchange.decide(doubts_match=False)
    possible = exchange.possible()
    if possible == {_identity(likely)} and not rules.doubts:
        return likely
    why = rules.doubts[0] if rules.doubts else "a condition in the rules depends on what is not known here"
    return replace_certain(likely, why)


def replace_certain(deciding: Deciding, why: str) -> Deciding:
    import msgspec

    return msgspec.structs.replace(deciding, certain=False, why=why)


class Exchange:
    """The packets of one connection."""

    def __init__(self, rules: Ruleset, host: str, port: int, protocol: str, uid: int | None, ephemeral: Span) -> None:
        self._rules = rules
        self._to, self._from, self._family = addresses(host)
        self._port, self._protocol, self._uid, self._ephemeral = port, protocol, uid, ephemeral

    def decide(self, *, doubts_match: Literal[False]) -> Deciding:
        """One road, taking every doubt for a condition that does not hold."""
        found = self._walk_once("request", "", doubts_match)
        if found.verdict == "accept":
            answer = self._walk_once("answer", "", doubts_match)
            if answer.verdict in ("drop", "reject"):
                return _deciding(answer, verdict="drop", packet="answer")
            return _deciding(found)
        if found.verdict == "reject":
            refusal = self._walk_once("refusal", found.rule.reject_with if found.rule else "", doubts_match)
            if refusal.verdict in ("drop", "reject"):
                swallowed = refusal.rule.text if refusal.rule else f"the policy of {refusal.chain}"
                return _deciding(found, verdict="drop", why=f"its refusal is dropped in turn by {swallowed}")
        return _deciding(found)

    def possible(self) -> set[tuple[object, ...]]:
        """Every end that the connection may have."""
        ends: set[tuple[object, ...]] = set()
        for found in self._walk("request"):
            if found.verdict == "accept":
                for answer in self._walk("answer"):
                    blocked = answer.verdict in ("drop", "reject")
                    ends.add(_identity(_deciding(answer, verdict="drop", packet="answer") if blocked else None))
                    if answer.verdict == "unknown":
                        ends.add(_identity(_deciding(answer)))
            elif found.verdict == "reject":
                for refusal in self._walk("refusal", found.rule.reject_with if found.rule else ""):
                    passes = refusal.verdict == "accept"
                    ends.add(_identity(_deciding(found, verdict="reject" if passes else "drop")))
            else:
                ends.add(_identity(_deciding(found)))
        return ends

    def _walk_once(self, step: Step, reject_with: str, doubts_match: Literal[False]) -> Outcome:
        last = _NOTHING
        for base, packet in self._bases(step, reject_with):
            outcome = any_of(self._rules.outcomes(base, packet, doubts_match=doubts_match))
            if outcome is None:
                continue
            if outcome.verdict != "accept":
                return outcome
            last = outcome if outcome.rule else last
        return last

    def _walk(self, step: Step, reject_with: str = "") -> list[Outcome]:
        """Every way in which the packet may end; an accept stands for having passed everything."""
        ends: list[Outcome] = []
        stopped: Base | None = None
        for base, packet in self._bases(step, reject_with):
            if stopped and (stopped.hook, stopped.priority) != (base.hook, base.priority):
                return ends
            found = self._rules.outcomes(base, packet)
            ends += [one for one in found if one.verdict != "accept"]
            if not stopped and all(one.verdict != "accept" for one in found):
                stopped = base  # of equal priority, which comes first is not for certain: look at those too
        return ends if stopped else [*ends, _NOTHING]

    def _bases(self, step: Step, reject_with: str) -> Iterator[tuple[Base, Packet]]:
        for hook in _HOOKS:
            packet = self.packet(step, hook, reject_with)
            for base in self._rules.hooked(hook, self._family):
                if base.is_nat and (step != "request" or hook in ("prerouting", "input")):
                    continue  # a connection is translated once, by its first packet on its way out
                yield base, _before_conntrack(packet) if base.priority <= _CONNTRACK and hook == "output" else packet

    def packet(self, step: Step, hook: str, reject_with: str = "") -> Packet:
        there = step == "request"
        port, client = one(self._port), without(self._ephemeral, self._port)
        is_icmp = step == "refusal" and "reset" not in reject_with
        icmp = "icmp" if self._family == "ip" else "icmpv6"
        goes_out = hook in ("output", "postrouting", "egress")
        fields: dict[str, Value] = {
            "nfproto": one(2 if self._family == "ip" else 10),
            "l4proto": one(PROTOCOLS[icmp if is_icmp else self._protocol]),
            "daddr": self._to if there else self._from,
            "saddr": self._from if there else self._to,
            "dport": ABSENT if is_icmp else port if there else client,
            "sport": ABSENT if is_icmp else client if there else port,
            "iif": "" if goes_out else "lo",
            "oif": "lo" if goes_out else "",
            "direction": "original" if there else "reply",
        }
        if self._protocol == "tcp" and not is_icmp:
            fields["flags"] = one({"request": SYN, "answer": SYN | ACK, "refusal": RST | ACK}[step])
        if there and goes_out and self._uid is not None:
            fields["uid"] = one(self._uid)
        elif there and not goes_out:
            fields["uid"] = ABSENT  # what has arrived belongs to no socket yet
        if not is_icmp and not self._rules.skips_conntrack:
            fields["ct"] = {"request": "new", "answer": "established", "refusal": "related"}[step]
        return Packet(hook, self._family, fields)


_NOTHING = Outcome("accept", None, "nftables", "", "")


def addresses(host: str) -> tuple[Span, Span, Family]:
    """Where a connection goes, where it comes from, and the family. Everything in 127/8 is called from 127.0.0.1."""
    if host in ("", "0.0.0.0", "localhost") or host.endswith(".localhost"):
        host = "127.0.0.1"
    text = "::1" if host == "::" else host.partition("%")[0]
    family: Family = "ip6" if ":" in text else "ip"
    to = network(text, family)
    assert to
    client = network("127.0.0.1", "ip") if ipaddress.ip_address(text).is_loopback and family == "ip" else to
    assert client
    return to, client, family


def _before_conntrack(packet: Packet) -> Packet:
    return replace(packet, fields={name: value for name, value in packet.fields.items() if name != "ct"})


def _deciding(
    outcome: Outcome,
    verdict: Literal["drop", "reject"] | None = None,
    packet: Literal["request", "answer"] = "request",
    why: str = "",
) -> Deciding:
    decides = outcome is not _NOTHING
    return Deciding(
        verdict=verdict or outcome.verdict,
        rule=outcome.rule,
        tool=outcome.tool if decides else None,
        chain=outcome.chain,
        hook=outcome.hook,
        packet=packet,
        certain=outcome.verdict != "unknown",
        why=why,
    )


def _identity(deciding: Deciding | None) -> tuple[object, ...]:
    """Which rule accepts does not matter, as long as all ends are accepted."""
    if deciding is None or deciding.verdict == "accept":
        return ("accept",)
    return (deciding.verdict, deciding.rule, deciding.chain, deciding.packet)

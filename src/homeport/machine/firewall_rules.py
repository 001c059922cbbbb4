"""Chains of rules, whatever tool they are from, and what they may do to a packet. Pure.

A rule that may or may not match leads both ways, so the answer is a set of outcomes: with one member it is certain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

from homeport.machine.firewall_packet import Maybe, Packet, both
from homeport.model.firewall import Rule, Tool, Verdict

Condition = Callable[[Packet], Maybe]
Kind = Literal["accept", "drop", "reject", "jump", "goto", "return", "next", "unknown"]
_ENDS: dict[Kind, Verdict] = {"accept": "accept", "drop": "drop", "reject": "reject"}
_DEEPEST = 64  # the kernel allows 16 jumps within each other


@dataclass(frozen=True, slots=True)
class Action:
    kind: Kind
    target: str = ""

    @property
    def verdict(self) -> Verdict:
        """What a packet meets where this ends its way; "unknown" for what does not, or is not understood."""
        return _ENDS.get(self.kind, "unknown")


@dataclass(frozen=True, slots=True)
class Line:
    """One rule: when every condition holds, its action is taken."""

    rule: Rule
    conditions: tuple[Condition, ...]
    action: Action


@dataclass(frozen=True, slots=True)
class Base:
    """A chain that the kernel calls: `hook` and `priority` say when. `is_nat`: only for the first packet."""

    tool: Tool
    table: str
    chain: str
    hook: str
    priority: int
    policy: Verdict
    families: tuple[str, ...]
    is_nat: bool = False

    @property
    def place(self) -> str:
        """`inet filter input` of nftables; `filter INPUT` of iptables, whose tables are known by tool and name."""
        table = self.table if self.tool == "nftables" else self.table.split()[-1]
        return f"{table} {self.chain}"


@dataclass(frozen=True, slots=True)
class Outcome:
    verdict: Verdict
    rule: Rule | None
    tool: Tool
    chain: str
    hook: str


@dataclass(slots=True)
class Ruleset:
    """Chains by (table, name), the base chains in the order in which they were made, and what limits our knowledge."""

    chains: dict[tuple[str, str], list[Line]] = field(default_factory=dict)
    bases: list[Base] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    skips_conntrack: bool = False  # some rule says notrack, so no connection state is known

    def add(self, other: Ruleset) -> None:
        self.chains.update(other.chains)
        self.bases += other.bases
        self.doubts += other.doubts
        self.skips_conntrack |= other.skips_conntrack

    def hooked(self, hook: str, family: str) -> list[Base]:
        """Those of a hook as the kernel calls them: of equal priority the last one made first."""
        here = [base for base in reversed(self.bases) if base.hook == hook and family in base.families]
        return sorted(here, key=lambda base: base.priority)

    def outcomes(self, base: Base, packet: Packet, *, doubts_match: Maybe = None) -> set[Outcome]:
        """What a base chain may do. `doubts_match` False: as if whatever is in doubt did not match."""
        found = self._chain(base, base.chain, packet, doubts_match, 0)
        if None in found:
            found.discard(None)
            found.add(Outcome(base.policy, None, base.tool, base.place, base.hook))
        return {one for one in found if one}

    def _chain(self, base: Base, name: str, packet: Packet, doubts_match: Maybe, depth: int) -> set[Outcome | None]:
        """None among them: the packet may come out at the end of the chain."""
        found: set[Outcome | None] = set()
        if depth > _DEEPEST or (base.table, name) not in self.chains:
            return {Outcome("unknown", None, base.tool, base.place, base.hook)}
        for line in self.chains[(base.table, name)]:
            matches = both(condition(packet) for condition in line.conditions)
            matches = doubts_match if matches is None else matches
            if matches is False:
                continue
            action = line.action
            if action.kind in ("jump", "goto"):
                ends = self._chain(base, action.target, packet, doubts_match, depth + 1)
                comes_back = None in ends and action.kind == "jump"
                found |= ends - {None} if action.kind == "jump" else ends
            elif action.kind == "return":
                comes_back = False
                found.add(None)
            elif action.kind == "next":
                comes_back = True
            else:
                comes_back = False
                found.add(Outcome(action.verdict, line.rule, base.tool, base.place, base.hook))
            if matches and not comes_back:
                return found
        return found | {None}


def any_of(outcomes: Iterable[Outcome]) -> Outcome | None:
    """The one that is there, when there is one: which does not matter to its verdict."""
    return next(iter(outcomes), None)

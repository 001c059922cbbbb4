"""The rules of nftables, from `nft -j list ruleset`; the text of each rule from `nft -s -a list ruleset`. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from homeport.machine.firewall_nft_match import Sets, asked, comparison, match
from homeport.machine.firewall_packet import Maybe, Packet, opposite
from homeport.machine.firewall_rules import Action, Base, Condition, Kind, Line, Ruleset
from homeport.model.firewall import Rule, Verdict

_FAMILIES = {"ip": ("ip",), "ip6": ("ip6",), "inet": ("ip", "ip6"), "netdev": ("ip", "ip6")}
_VERDICTS: dict[str, Kind] = {
    "accept": "accept",
    "drop": "drop",
    "reject": "reject",
    "return": "return",
    "continue": "next",
    **dict.fromkeys(("queue", "dnat", "snat", "redirect", "masquerade", "tproxy", "fwd", "synproxy"), "unknown"),
}
_JUMPS: dict[str, Kind] = {"jump": "jump", "goto": "goto"}
_HARMLESS = {"counter", "log", "mangle", "set", "map", "dup", "last", "meter", "ct helper", "ct timeout", "secmark"}
Texts = Mapping[tuple[str, str, int], str]  # ("inet t", chain, handle) -> the rule as nft prints it


def parse(listing: str, texts: Texts | None = None, *, but: frozenset[str] = frozenset()) -> Ruleset:
    """`but`: tables ("ip filter") that are left out. What cannot be read is a doubt, never an exception."""
    rules = Ruleset()
    try:
        objects = msgspec.json.decode(listing or '{"nftables": []}')["nftables"]
        every = [(kind, detail) for entry in objects for kind, detail in entry.items() if isinstance(detail, dict)]
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
        rules.doubts.append("what nft printed could not be read")
        return rules
    mine = [(kind, detail) for kind, detail in every if kind != "table" and _table(detail) not in but]
    try:
        _Reading(rules, texts or {}, mine).read()
    except (KeyError, TypeError, AttributeError, ValueError):
        rules.doubts.append("a rule of nftables could not be read")
    return rules


def texts_of(listing: str) -> dict[tuple[str, str, int], str]:
    """The lines of `nft -s -a list ruleset` that end with a handle, and as 0 what a chain says about itself."""
    table = chain = ""
    found: dict[tuple[str, str, int], str] = {}
    for line in listing.splitlines():
        words = line.split()
        if line.startswith("table ") and len(words) > 2:
            table = f"{words[1]} {words[2]}"
        elif line.startswith("\tchain ") and len(words) > 1:
            chain = words[1]
        elif line.startswith("\t\ttype "):
            found[(table, chain, 0)] = line.strip()
        elif rule := re.fullmatch(r"\t\t(.+) # handle (\d+)", line):
            found[(table, chain, int(rule[2]))] = rule[1]
    return found


def count_rules(listing: str) -> int:
    """How many rules `nft -j list ruleset` printed; 0 where it cannot be read."""
    try:
        return sum("rule" in entry for entry in msgspec.json.decode(listing)["nftables"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return 0


def _table(detail: Mapping[str, Any]) -> str:
    return f"{detail.get('family', '')} {detail.get('table', '')}"


class _Reading:
    def __init__(self, rules: Ruleset, texts: Texts, objects: list[tuple[str, dict[str, Any]]]) -> None:
        self._rules, self._texts, self._objects = rules, texts, objects

    def read(self) -> None:
        sets = self._sets()
        for kind, detail in self._objects:
            if kind == "chain":
                self._rules.chains[(_table(detail), detail["name"])] = []
                if "hook" in detail:
                    self._add_base(detail)
        for kind, detail in self._objects:
            if kind == "rule" and detail.get("family") in _FAMILIES:
                lines = self._lines(detail, sets.get(_table(detail), {}))
                self._rules.chains[(_table(detail), detail["chain"])] += lines

    def _add_base(self, detail: dict[str, Any]) -> None:
        """A netdev chain counts where it is on lo; older versions say in their listing only on what it is."""
        devices = detail.get("dev", [])
        devices = [devices] if isinstance(devices, str) else devices
        said = self._texts.get((_table(detail), detail["name"], 0), "")
        if not devices and (listed := re.search(r" devices? (.+?) priority", said)):
            devices = re.findall(r"[^\s\",={}]+", listed[1])
        if detail["family"] == "netdev" and "lo" not in devices:
            if not devices:
                self._rules.doubts.append(f"{_table(detail)} {detail['name']} may be on lo or not")
            return
        self._rules.bases.append(_base(detail))

    def _sets(self) -> dict[str, dict[str, list[Any] | None]]:
        found: dict[str, dict[str, list[Any] | None]] = {}
        for kind, detail in self._objects:
            if kind in ("set", "map"):
                found.setdefault(_table(detail), {})[detail["name"]] = list(detail.get("elem", []))
        for kind, detail in self._objects:
            for statement in detail.get("expr", []) if kind == "rule" else []:
                change = statement.get("set") or statement.get("map") if isinstance(statement, dict) else None
                if isinstance(change, dict):  # packets add to it, so its elements are old news
                    name = change.get("set") or change.get("map") or ""
                    found.setdefault(_table(detail), {})[str(name).removeprefix("@")] = None
        return found

    def _lines(self, detail: dict[str, Any], sets: Sets) -> list[Line]:
        conditions: list[Condition] = []
        lines: list[Line] = []
        before: dict[str, Any] = {}
        for statement in detail.get("expr", []):
            kind, value = _only(statement)
            if kind == "match":
                merged = before if _is_merged(before, value) else None
                before = value
                if merged:
                    conditions[-1] = _either_or(conditions[-1], match(value, sets))
                else:
                    conditions.append(match(value, sets))
            elif kind == "vmap":
                lines += self._choices(detail, conditions, value, sets)
            elif kind in _JUMPS:
                lines.append(self._line(detail, conditions, Action(_JUMPS[kind], value["target"])))
            elif kind in _VERDICTS:
                lines.append(self._line(detail, conditions, Action(_VERDICTS[kind]), _reject_with(kind, value)))
            elif kind == "notrack":
                self._rules.skips_conntrack = True
            elif kind in ("limit", "quota", "ct count"):
                conditions.append(_perhaps)
            elif kind not in _HARMLESS:
                lines.append(self._line(detail, [*conditions, _perhaps], Action("unknown")))
        return lines

    def _line(self, detail: dict[str, Any], conditions: list[Condition], action: Action, reject_with: str = "") -> Line:
        table, chain, handle = _table(detail), str(detail["chain"]), int(detail.get("handle", 0))
        rule = Rule(
            tool="nftables",
            family=str(detail.get("family", "")),
            chain=f"{table} {chain}",
            text=self._texts.get((table, chain, handle), f"rule with handle {handle}"),
            verdict=action.verdict,
            handle=str(handle),
            reject_with=reject_with,
        )
        return Line(rule, tuple(conditions), action)

    def _choices(
        self, detail: dict[str, Any], conditions: list[Condition], value: dict[str, Any], sets: Sets
    ) -> list[Line]:
        """A verdict map: one line for each element, since at most one of them matches."""
        key, data = value["key"], value["data"]
        elements = sets.get(data[1:]) if isinstance(data, str) else data["set"]
        if elements is None:
            return [self._line(detail, [*conditions, _perhaps], Action("unknown"))]
        lines = []
        others = [pair[0] for pair in elements if _plain(pair[0]) != "*"]
        for element, verdict in elements:
            chosen = comparison(key, [element], sets)
            if _plain(element) == "*":
                chosen = _none_of(comparison(key, others, sets))
            kind, target = _only(verdict)
            name = target["target"] if isinstance(target, dict) and "target" in target else ""
            action = Action(_JUMPS.get(kind) or _VERDICTS.get(kind, "unknown"), name)
            lines.append(self._line(detail, [*conditions, asked(key), chosen], action))
        return lines


def _only(statement: Any) -> tuple[str, Any]:
    """The name of a statement and what it says."""
    (kind, value), *_ = statement.items() if isinstance(statement, dict) else [("", None)]
    return kind, value


def _base(detail: dict[str, Any]) -> Base:
    policy: Verdict = "drop" if detail.get("policy") == "drop" else "accept"
    return Base(
        tool="nftables",
        table=_table(detail),
        chain=detail["name"],
        hook=detail["hook"],
        priority=int(detail.get("prio", 0)),
        policy=policy,
        families=_FAMILIES.get(detail["family"], ()),
        is_nat=detail.get("type") == "nat",
    )


def _perhaps(packet: Packet) -> Maybe:
    return None


def _is_merged(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """nft makes `tcp sport != 1 tcp dport != 2` one comparison (seen in 1.0.6): then one difference is enough."""
    both_differ = before.get("op") == now.get("op") == "!="
    payloads = [one.get("left", {}).get("payload", {}).get("protocol") for one in (before, now) if both_differ]
    return len(payloads) == 2 and payloads[0] is not None and payloads[0] == payloads[1]


def _either_or(first: Condition, second: Condition) -> Condition:
    """True or False where it does not matter whether one difference is enough, else not known."""

    def answer(packet: Packet) -> Maybe:
        a, b = first(packet), second(packet)
        return a if a == b else None

    return answer


def _none_of(others: Condition) -> Condition:
    return lambda packet: opposite(others(packet))


def _plain(element: Any) -> Any:
    return element["elem"].get("val") if isinstance(element, dict) and "elem" in element else element


def _reject_with(kind: str, value: Any) -> str:
    if kind != "reject":
        return ""
    detail = value if isinstance(value, dict) else {}
    family = str(detail.get("type", "icmp"))
    code = detail.get("expr", "port-unreachable")
    if isinstance(code, int):
        code = _CODES.get(family, {}).get(code, str(code))
    return family if family == "tcp reset" else f"{family} {code}"


_CODES = {
    "icmp": {0: "net-unreachable", 1: "host-unreachable", 2: "prot-unreachable", 3: "port-unreachable"}
    | {9: "net-prohibited", 10: "host-prohibited", 13: "admin-prohibited"},
    "icmpx": {0: "no-route", 1: "port-unreachable", 2: "host-unreachable", 3: "admin-prohibited"},
    "icmpv6": {0: "no-route", 1: "admin-prohibited", 3: "addr-unreachable", 4: "port-unreachable"},
}

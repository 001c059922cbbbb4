"""The rules of iptables and ip6tables, from `iptables-save`, whichever variant printed them. Pure."""

from __future__ import annotations

import re
import shlex

from homeport.machine.firewall_iptables_match import conditions
from homeport.machine.firewall_packet import Family
from homeport.machine.firewall_rules import Action, Base, Kind, Line, Ruleset
from homeport.model.firewall import Rule, Tool, Verdict

# netfilter's priorities: linux/netfilter_ipv4.h
_PRIORITIES = {"raw": -300, "mangle": -150, "nat": -100, "filter": 0, "security": 50}
_SOURCE_NAT = 100
_HOOKS = {"INPUT", "OUTPUT", "PREROUTING", "POSTROUTING"}
_TARGETS: dict[str, Kind] = {"ACCEPT": "accept", "DROP": "drop", "REJECT": "reject", "RETURN": "return", "": "next"}
_HARMLESS = {
    *("LOG", "NFLOG", "ULOG", "TRACE", "MARK", "CONNMARK", "CLASSIFY", "TCPMSS", "SET", "DSCP", "TOS", "TTL", "HL"),
    *("CHECKSUM", "AUDIT", "CONNSECMARK", "SECMARK", "LED", "RATEEST", "TCPOPTSTRIP", "IDLETIMER"),
}


def parse(listing: str, tool: Tool, family: Family) -> Ruleset:
    """What cannot be read is a doubt, never an exception."""
    rules = Ruleset()
    table = ""
    numbers: dict[str, int] = {}
    for line in listing.splitlines():
        if line.startswith("*"):
            table, numbers = f"{tool} {line[1:].strip()}", {}
        elif chain := re.match(r":(\S+) (\S+)", line):
            rules.chains[(table, chain[1])] = []
            if chain[1] in _HOOKS:
                rules.bases.append(_base(tool, table, chain[1], chain[2], family))
        elif rule := re.match(r"(?:\[\d+:\d+\] )?(-A (\S+)(.*))", line):
            name = rule[2]
            numbers[name] = numbers.get(name, 0) + 1
            _add(rules, tool, table, family, name, numbers[name], rule[1])
    return rules


def tables_of(listing: str) -> list[str]:
    return re.findall(r"^\*(\S+)", listing, re.MULTILINE)


def counts(listing: str) -> dict[tuple[str, str, int], int]:
    """Packets by (table, chain, number of the rule; 0 is the policy), from `iptables-save -c`."""
    table = ""
    found: dict[tuple[str, str, int], int] = {}
    numbers: dict[str, int] = {}
    for line in listing.splitlines():
        if line.startswith("*"):
            table, numbers = line[1:].strip(), {}
        elif chain := re.match(r":(\S+) \S+ \[(\d+):", line):
            found[(table, chain[1], 0)] = int(chain[2])
        elif rule := re.match(r"\[(\d+):\d+\] -A (\S+)", line):
            numbers[rule[2]] = numbers.get(rule[2], 0) + 1
            found[(table, rule[2], numbers[rule[2]])] = int(rule[1])
    return found


def _base(tool: Tool, table: str, chain: str, policy: str, family: Family) -> Base:
    name = table.split()[-1]
    priority = _PRIORITIES.get(name, 0)
    if name == "nat" and chain in ("POSTROUTING", "INPUT"):
        priority = _SOURCE_NAT
    verdict: Verdict = "drop" if policy == "DROP" else "accept"
    return Base(tool, table, chain, chain.lower(), priority, verdict, (family,), is_nat=name == "nat")


def _add(rules: Ruleset, tool: Tool, table: str, family: Family, chain: str, number: int, text: str) -> None:
    try:
        words = shlex.split(text)[2:]
    except ValueError:
        rules.doubts.append(f"a rule of {tool} could not be read: {text}")
        return
    at = next((place for place, word in enumerate(words) if word in ("-j", "-g")), len(words))
    target = words[at + 1] if at + 1 < len(words) else ""
    options = words[at + 2 :]
    action = _action(rules, table, target, words[at] if at < len(words) else "", options)
    rule = Rule(
        tool=tool,
        family=family,
        chain=f"{table.split()[-1]} {chain}",
        text=text,
        verdict=action.verdict,
        handle=str(number),
        reject_with=_reject_with(options, family) if action.kind == "reject" else "",
    )
    rules.chains.setdefault((table, chain), []).append(Line(rule, conditions(words[:at], family), action))


def _action(rules: Ruleset, table: str, target: str, how: str, options: list[str]) -> Action:
    if target in _TARGETS:
        return Action(_TARGETS[target])
    if (table, target) in rules.chains:
        return Action("goto" if how == "-g" else "jump", target)
    if target == "NOTRACK" or (target == "CT" and "--notrack" in options):
        rules.skips_conntrack = True
        return Action("next")
    return Action("next" if target in _HARMLESS or target == "CT" else "unknown")


def _reject_with(options: list[str], family: Family) -> str:
    if "--reject-with" in options[:-1]:
        said = options[options.index("--reject-with") + 1]
        return "tcp reset" if said in ("tcp-reset", "tcp-rst") else re.sub(r"^(icmp6?)-", r"\1 ", said)
    return "icmp port-unreachable" if family == "ip" else "icmp6 port-unreachable"

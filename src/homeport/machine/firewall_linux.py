"""The firewalls of Linux: netfilter by nft, iptables and ip6tables (both variants), above them ufw and firewalld.

Reading needs root; without it everything is "unknown, because only root may read the rules". A doubt makes an answer
uncertain, never wrong.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field

from homeport.machine import firewall_firewalld, firewall_fix, firewall_iptables, firewall_nft, firewall_ufw
from homeport.machine.firewall import IP, is_root
from homeport.machine.firewall_exchange import decide
from homeport.machine.firewall_packet import Family
from homeport.machine.firewall_rules import Ruleset
from homeport.machine.firewall_run import Output, Run, find, run
from homeport.model.endpoint import Endpoint
from homeport.model.firewall import Deciding, FirewallState, Fix, Tool

ROOT_ONLY = "only root may read the rules"
_SAVES: list[tuple[Tool, Family, str]] = [
    ("iptables", "ip", "iptables"),
    ("ip6tables", "ip6", "ip6tables"),
    ("iptables-legacy", "ip", "iptables-legacy"),
    ("ip6tables-legacy", "ip6", "ip6tables-legacy"),
]


@dataclass(slots=True)
class Listings:
    """What each tool printed. A tool that is not installed is not in it."""

    nft: Output
    texts: str = ""
    saved: dict[Tool, Output] = field(default_factory=dict)

    @property
    def is_readable(self) -> bool:
        return not any(is_refused(one) for one in (self.nft, *self.saved.values()))

    def rules(self) -> Ruleset:
        """Everything that netfilter does, as far as it can be read."""
        rules, theirs = Ruleset(), set()
        for tool, family, _ in _SAVES:
            output = self.saved.get(tool)
            if output is None or output.code:
                continue  # a table that nft changed beyond iptables is read by nft below
            rules.add(firewall_iptables.parse(output.out, tool, family))
            if not tool.endswith("legacy"):
                theirs |= {f"{family} {table}" for table in firewall_iptables.tables_of(output.out)}
        if self.nft.code == 0:
            rules.add(firewall_nft.parse(self.nft.out, firewall_nft.texts_of(self.texts), but=frozenset(theirs)))
        else:
            rules.doubts.append(f"the rules of nftables cannot be seen: {self.nft.complaint}")
        return rules


class LinuxFirewall:
    """See Firewall."""

    def __init__(self, runs: Run = run, *, finds: Callable[[str], str | None] = find, uid: int | None = None) -> None:
        self._run, self._find = runs, finds
        self._uid = our_uid() if uid is None else uid

    def states(self) -> list[FirewallState]:
        listings = self._listings()
        found = [_nft_state(listings)]
        found += [_save_state(tool, listings.saved.get(tool)) for tool, _, _ in _SAVES]
        found += [firewall_ufw.state(self._run, _read), firewall_firewalld.state(self._run)]
        return found

    def deciding(self, endpoint: Endpoint, protocol: IP = "tcp", uid: int | None = None) -> Deciding | None:
        if endpoint.is_unix:
            return Deciding(verdict="accept")
        listings = self._listings()
        if not listings.is_readable:
            return None
        who = self._uid if uid is None else uid
        try:
            return decide(listings.rules(), endpoint.host, endpoint.port, protocol, who, ephemeral_range())
        except ValueError:
            return None  # a host name that is not an address: nothing to look up here

    def trace(self, endpoint: Endpoint, protocol: IP = "tcp", uid: int | None = None) -> Deciding | None:
        if not is_root() or endpoint.is_unix:
            return None
        from homeport.machine.firewall_trace import trace

        return trace(self._run, self._find, self._listings(), endpoint, protocol, self._uid if uid is None else uid)

    def fix(self, endpoint: Endpoint, deciding: Deciding, protocol: IP = "tcp") -> Fix | None:
        return firewall_fix.netfilter_fix(
            endpoint, deciding, protocol, ufw_runs=firewall_ufw.state(self._run, _read).state == "active"
        )

    def apply(self, fix: Fix) -> tuple[str, Fix]:
        return firewall_fix.apply(self._run, fix)

    def undo(self, fix: Fix) -> str:
        return firewall_fix.undo(self._run, fix)

    def _listings(self) -> Listings:
        nft = self._run(["nft", "-j", "list", "ruleset"])
        texts = self._run(["nft", "-s", "-a", "list", "ruleset"]).out if nft.code == 0 else ""
        listings = Listings(nft, texts)
        for tool, _, name in _SAVES:
            for program in self._programs(name):
                if self._find(program) is None:
                    continue
                output = self._run([program])
                if ("legacy" in tool) == _is_legacy(program, output.out):
                    listings.saved[tool] = output
                break
        return listings

    def _programs(self, name: str) -> list[str]:
        """Where both variants are installed each goes by its own name; where one is, the name may be the plain one."""
        plain = name.removesuffix("-legacy")
        variant = name if name.endswith("-legacy") else f"{plain}-nft"
        return [f"{variant}-save", f"{plain}-save"]


def our_uid() -> int | None:
    return os.geteuid() if hasattr(os, "geteuid") else None


def is_refused(output: Output) -> bool:
    return output.code not in (0, 127) and any(
        word in output.err.lower() for word in ("not permitted", "permission denied", "must be root", "need to be root")
    )


def ephemeral_range() -> tuple[int, int]:
    words = _read("/proc/sys/net/ipv4/ip_local_port_range").split()
    return (int(words[0]), int(words[1])) if len(words) == 2 else (32768, 60999)


def _is_legacy(program: str, listing: str) -> bool:
    """The comment on top names the variant, where there is one: without rules legacy prints nothing."""
    if "-legacy-" in program or "-nft-" in program:
        return "-legacy-" in program
    return "(nf_tables)" not in listing[:200]


def _nft_state(listings: Listings) -> FirewallState:
    output = listings.nft
    if output.code == 127:
        return FirewallState(tool="nftables", state="absent", why=output.err)
    if output.code:
        return FirewallState(
            tool="nftables", state="unknown", why=ROOT_ONLY if is_refused(output) else output.complaint
        )
    rules = firewall_nft.count_rules(output.out)
    drops = [base.place for base in firewall_nft.parse(output.out).bases if base.policy == "drop"]
    is_active = bool(rules or drops)
    return FirewallState(
        tool="nftables",
        state="active" if is_active else "inactive",
        rules=rules,
        policy=f"drop in {', '.join(drops)}" if drops else "accept",
    )


def _save_state(tool: Tool, output: Output | None) -> FirewallState:
    if output is None:
        return FirewallState(tool=tool, state="absent", why="not installed")
    if output.code:
        return FirewallState(tool=tool, state="unknown", why=ROOT_ONLY if is_refused(output) else output.complaint)
    rules = firewall_iptables.parse(output.out, tool, "ip")
    count = sum(len(lines) for lines in rules.chains.values())
    drops = [base.chain for base in rules.bases if base.policy == "drop"]
    return FirewallState(
        tool=tool,
        state="active" if count or drops else "inactive",
        rules=count,
        policy=f"DROP in {', '.join(drops)}" if drops else "ACCEPT",
    )


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(65536)
    except OSError:
        return ""

"""The firewalls of macOS: pf, and the application firewall, which never looks at loopback.

Reading pf needs root. Nothing is traced here: pf logs to an interface of its own, which would have to be made first.
"""

from __future__ import annotations

import os
import re

from homeport.machine import firewall_fix, firewall_pf
from homeport.machine.firewall import IP
from homeport.machine.firewall_exchange import Exchange
from homeport.machine.firewall_packet import Span
from homeport.machine.firewall_rules import Ruleset
from homeport.machine.firewall_run import Output, Run, run
from homeport.model.endpoint import Endpoint
from homeport.model.firewall import Deciding, FirewallState, Fix, Rule

_EPHEMERAL = Span(49152, 65535)
_ANCHOR = "com.apple/homeport"  # pf.conf of macOS asks every anchor below com.apple
_ROOT_ONLY = "only root may read the rules"


class MacFirewall:
    """See Firewall."""

    def __init__(self, runs: Run = run) -> None:
        self._run = runs

    def states(self) -> list[FirewallState]:
        listing = self._run(["pfctl", "-a", "*", "-sr"])
        info = self._run(["pfctl", "-s", "info"])
        return [_pf_state(info, listing), _application_state(self._run)]

    def deciding(self, endpoint: Endpoint, protocol: IP = "tcp", uid: int | None = None) -> Deciding | None:
        info, listing = self._run(["pfctl", "-s", "info"]), self._run(["pfctl", "-a", "*", "-sr"])
        if info.code or listing.code:
            return None
        is_off = firewall_pf.parse_state(info.out).state == "inactive"
        if is_off or firewall_pf.skips_loopback(self._run(["pfctl", "-v", "-s", "Interfaces"]).out):
            return Deciding(verdict="accept")
        who = uid if uid is not None else os.geteuid() if hasattr(os, "geteuid") else None
        lines = firewall_pf.parse(listing.out)
        try:
            exchange = Exchange(Ruleset(), endpoint.host, endpoint.port, protocol, who, _EPHEMERAL)
        except ValueError:
            return None
        for hook in ("output", "input"):  # a state made by the first packet lets its answer pass
            decided = _decided(firewall_pf.verdicts(lines, exchange.packet("request", hook)), hook)
            if decided.is_blocked or not decided.certain:
                return decided
        return Deciding(verdict="accept")

    def trace(self, endpoint: Endpoint, protocol: IP = "tcp", uid: int | None = None) -> Deciding | None:
        return None

    def fix(self, endpoint: Endpoint, deciding: Deciding, protocol: IP = "tcp") -> Fix | None:
        if deciding.tool != "pf" or not deciding.is_blocked:
            return None
        anchor = f"{_ANCHOR}.{endpoint.port}"
        return Fix(
            tool="pf",
            commands=(("pfctl", "-a", anchor, "-f", "-"),),
            undo=(("pfctl", "-a", anchor, "-F", "rules"),),
            stdin=f"pass quick on lo0 proto {protocol} from any to any port {endpoint.port}\n",
            why=f"lets {protocol} port {endpoint.port} through on lo0 until the rules are loaded again",
        )

    def apply(self, fix: Fix) -> tuple[str, Fix]:
        return firewall_fix.apply(self._run, fix)

    def undo(self, fix: Fix) -> str:
        return firewall_fix.undo(self._run, fix)


def parse_application(state: str, apps: str) -> FirewallState:
    """What `socketfilterfw --getglobalstate` and `--listapps` print."""
    found = re.search(r"State = (\d)", state)
    if found is None:
        return FirewallState(
            tool="macos-application-firewall", state="unknown", why="what socketfilterfw printed could not be read"
        )
    rules = len(re.findall(r"\((?:Allow|Block) incoming connections\)", re.sub(r"\(\s+|\s+\)", _close, apps)))
    return FirewallState(
        tool="macos-application-firewall",
        state="active" if found[1] != "0" else "inactive",
        rules=rules,
        policy="blocks every incoming connection" if found[1] == "2" else "",
        why="it does not look at loopback",
    )


def _close(found: re.Match[str]) -> str:
    return found[0].strip()


def _application_state(runs: Run) -> FirewallState:
    state = runs(["socketfilterfw", "--getglobalstate"])
    if state.code == 127:
        return FirewallState(tool="macos-application-firewall", state="absent", why=state.err)
    return parse_application(state.out, runs(["socketfilterfw", "--listapps"]).out)


def _pf_state(info: Output, listing: Output) -> FirewallState:
    if info.code == 127:
        return FirewallState(tool="pf", state="absent", why=info.err)
    if info.code or listing.code:
        is_refused = "ermission denied" in info.err + listing.err
        why = _ROOT_ONLY if is_refused else info.complaint or listing.complaint
        return FirewallState(tool="pf", state="unknown", why=why)
    return firewall_pf.parse_state(info.out, len(firewall_pf.parse(listing.out)))


def _decided(rules: set[Rule | None], hook: str) -> Deciding:
    blocking = next((rule for rule in rules if rule and rule.verdict != "accept"), None)
    if blocking is None:
        return Deciding(verdict="accept")
    is_certain = len(rules) == 1 and blocking.verdict != "unknown"
    return Deciding(
        verdict=blocking.verdict,
        rule=blocking,
        tool="pf",
        chain=blocking.chain,
        hook=hook,
        certain=is_certain,
        why="" if is_certain else "a condition in the rules depends on what is not known here",
    )

"""A firewall made of lists, for tests: verdicts are put in by hand, commands of a fix are written down."""

from __future__ import annotations

import msgspec

from homeport.machine.firewall import IP
from homeport.model.endpoint import Endpoint
from homeport.model.firewall import Deciding, FirewallState, Fix, Rule


class FakeFirewall:
    """See Firewall. Without `readable` its rules may be read by nobody; a fix that was carried out opens its port."""

    def __init__(self, *states: FirewallState, readable: bool = True) -> None:
        self.firewalls = list(states)
        self.readable = readable
        self.blocked: dict[tuple[int, int | None], Rule] = {}  # (port, uid or None for everybody) -> the rule
        self.ran: list[tuple[str, ...]] = []
        self.complaint = ""
        self._taken_away: dict[tuple[int, int | None], Rule] = {}

    def block(self, rule: Rule, port: int, uid: int | None = None) -> None:
        self.blocked[(port, uid)] = rule

    def states(self) -> list[FirewallState]:
        return list(self.firewalls)

    def deciding(self, endpoint: Endpoint, protocol: IP = "tcp", uid: int | None = None) -> Deciding | None:
        if not self.readable:
            return None
        rule = self.blocked.get((endpoint.port, None)) or self.blocked.get((endpoint.port, uid))
        if rule is None:
            return Deciding(verdict="accept")
        return Deciding(verdict=rule.verdict, rule=rule, tool=rule.tool, chain=rule.chain)

    def trace(self, endpoint: Endpoint, protocol: IP = "tcp", uid: int | None = None) -> Deciding | None:
        read = self.deciding(endpoint, protocol, uid)
        return read and msgspec.structs.replace(read, how="traced")

    def fix(self, endpoint: Endpoint, deciding: Deciding, protocol: IP = "tcp") -> Fix | None:
        if deciding.tool is None or not deciding.is_blocked:
            return None
        port = str(endpoint.port)
        return Fix(tool=deciding.tool, commands=(("allow", port),), undo=(("forbid", port),))

    def apply(self, fix: Fix) -> tuple[str, Fix]:
        self.ran += fix.commands
        if not self.complaint:
            port = int(fix.commands[0][1])
            self._taken_away = {key: rule for key, rule in self.blocked.items() if key[0] == port}
            self.blocked = {key: rule for key, rule in self.blocked.items() if key[0] != port}
        return self.complaint, fix

    def undo(self, fix: Fix) -> str:
        self.ran += fix.undo
        self.blocked |= self._taken_away
        return ""

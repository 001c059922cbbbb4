"""Where the doctor and the firewall meet: which endpoint is blocked, what a trace shows, opening it after a yes."""

from __future__ import annotations

import os
from typing import Literal

from homeport.app.firewall import Confirm as Confirm
from homeport.app.firewall import Fixed as Fixed
from homeport.app.firewall import fix, traced
from homeport.doctor.facts import Report
from homeport.doctor.gather_reach import reach
from homeport.machine.firewall import Firewall, this_firewall
from homeport.model.endpoint import Endpoint
from homeport.model.firewall import Deciding, FirewallState


class Traced:
    """A firewall that is asked by tracing a connection instead of reading its rules."""

    def __init__(self, firewall: Firewall) -> None:
        self._firewall = firewall

    def states(self) -> list[FirewallState]:
        return self._firewall.states()

    def deciding(
        self, endpoint: Endpoint, protocol: Literal["tcp", "udp"] = "tcp", uid: int | None = None
    ) -> Deciding | None:
        return traced(self._firewall, endpoint, is_root=is_root())


def is_root() -> bool:
    """Windows tells when it is tried."""
    return not hasattr(os, "geteuid") or os.geteuid() == 0


def blocked_endpoint(report: Report) -> Endpoint | None:
    """The first address that a firewall keeps from us, by what the walks found."""
    for walk in report.walks:
        if any(finding.code.startswith("firewall-") for finding in walk.findings):
            failed = [one.endpoint for one in walk.facts.reached if one.outcome != "connected"]
            return next((one for one in failed if walk.facts.listeners_at(one.host)), failed[0])
    return None


def fix_firewall(endpoint: Endpoint, confirm: Confirm) -> Fixed:
    """Let the port through on loopback, after a yes. Raises HomeportError("needs-root")."""
    return fix(this_firewall(), endpoint, confirm, lambda at: reach(at).outcome == "connected", is_root=is_root())

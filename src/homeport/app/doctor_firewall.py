"""Where the doctor and the firewall meet: which endpoint is blocked, what a trace shows, opening it after a yes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from homeport.app.firewall import Confirm as Confirm
from homeport.app.firewall import Fixed as Fixed
from homeport.app.firewall import fix, traced
from homeport.doctor.facts import Report
from homeport.doctor.gather_reach import reach
from homeport.machine.firewall import Firewall, is_root, this_firewall
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
        return traced(self._firewall, endpoint, is_root=is_root(), uid=uid)


def asking_user(environment: Mapping[str, str]) -> int | None:
    """Whose connections it is about: under sudo those of whoever called it. None: our own."""
    uid = environment.get("SUDO_UID", "")
    return int(uid) if uid.isascii() and uid.isdigit() and is_root() else None


def blocked_endpoint(report: Report) -> Endpoint | None:
    """The first address that a firewall keeps from us, by what the walks found."""
    for walk in report.walks:
        if any(finding.code.startswith("firewall-") for finding in walk.findings):
            failed = [one.endpoint for one in walk.facts.reached if one.outcome != "connected"]
            return next((one for one in failed if walk.facts.listeners_at(one.host)), failed[0])
    return None


def fix_firewall(endpoint: Endpoint, confirm: Confirm, environment: Mapping[str, str]) -> Fixed:
    """Let the port through on loopback, after a yes. Raises HomeportError("needs-root")."""
    uid = asking_user(environment)

    def reaches(at: Endpoint) -> bool:
        return reach(at, uid=uid).outcome == "connected"

    return fix(this_firewall(), endpoint, confirm, reaches, is_root=is_root(), uid=uid)

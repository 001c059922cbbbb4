"""The loopback interface itself: down, or without its addresses. Pure."""

from __future__ import annotations

from homeport.doctor.facts import MachineFacts, PathFacts
from homeport.model.finding import Finding


def explain_interface(facts: PathFacts) -> Finding | None:
    """Only where it is in the way of this path."""
    if facts.connected or facts.target.unix or not any(_is_local(one.endpoint.host) for one in facts.reached):
        return None
    return explain_loopback_interface(facts.machine)


def explain_loopback_interface(machine: MachineFacts) -> Finding | None:
    loopback = machine.loopback
    name = loopback.name or "the loopback interface"
    if loopback.is_up is False:
        return Finding(
            code="lo-down",
            what=f"{name} is down, so nothing on this computer can reach anything on 127.0.0.1 or [::1]",
            why="It is up on every computer unless somebody took it down; a fresh network namespace begins without it.",
            next=f"sudo ip link set {name} up",
        )
    if loopback.is_up and "127.0.0.1" not in loopback.addresses:
        has = ", ".join(loopback.addresses) or "no address"
        return Finding(
            code="lo-without-address",
            what=f"{name} has lost its address 127.0.0.1",
            why=f"It has {has}.",
            next=f"sudo ip addr add 127.0.0.1/8 dev {name}",
        )
    return None


def _is_local(host: str) -> bool:
    return host.startswith("127.") or host in ("::1", "0.0.0.0", "::")

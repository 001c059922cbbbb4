"""What the doctor says of routes beyond connecting: that their network was changed, and whether somebody receives the
datagrams of a UDP route. It sends nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from homeport.doctor.facts import MachineFacts, PathFacts, Phase, Target, Walk
from homeport.machine.receivers import receives_datagrams
from homeport.model.endpoint import parse_endpoint
from homeport.model.finding import Finding
from homeport.model.network import ConditionsState


def explain_networks(states: Iterable[ConditionsState], route: str = "") -> tuple[Finding, ...]:
    """A forgotten condition is the first thing to suspect. `route`: of this one alone."""
    return tuple(_changed(state) for state in states if route in ("", state.route) and (state.words or state.timeline))


def walk_datagrams(name: str, address: str, machine: MachineFacts) -> Walk:
    """`address`: what the route leads to, "udp:127.0.0.1:7777"."""
    endpoint = parse_endpoint(address.removeprefix("udp:"))
    target = Target(text=address, host=endpoint.host, port=endpoint.port)
    facts = PathFacts(target=target, machine=machine)
    if not sys.platform.startswith("linux") or not endpoint.is_loopback:
        phase = Phase(name="bound", text=f"who receives at {endpoint} cannot be seen from here", state="unknown")
        return Walk(title=f"{name}: {address}", phases=(phase,), facts=facts, was_tried=False)
    if receives_datagrams(endpoint):
        phase = Phase(name="bound", text=f"somebody receives datagrams at {endpoint}")
        return Walk(title=f"{name}: {address}", phases=(phase,), facts=facts, was_tried=False)
    phase = Phase(name="bound", text=f"nobody receives datagrams at {endpoint}", state="bad")
    finding = Finding(
        code="upstream-refused",
        what=f"nobody receives datagrams at {endpoint}",
        why="the server that this route leads to does not run, or uses another port",
        next="start it, or give the route another target",
    )
    return Walk(title=f"{name}: {address}", phases=(phase,), facts=facts, findings=(finding,), was_tried=False)


def _changed(state: ConditionsState) -> Finding:
    whose = f"the network of {state.route}" + (f" for {state.client}" if state.client else "")
    what = (state.timeline and f"plays {state.timeline}") or f"is set to {state.profile or state.text}"
    return Finding(
        code="network-conditioned",
        level="warning",
        what=f"{whose} {what}" + (f", until {state.ends}" if state.ends and not state.timeline else ""),
        why="; ".join(state.words),
        next=f"homeport net clear {state.route}" + (f" --client {state.client}" if state.client else ""),
    )

"""A firewall in between: each address of the path that failed is looked at, the first finding counts. Pure."""

from __future__ import annotations

from homeport.doctor.checks.firewall import explain_firewall
from homeport.doctor.facts import PathFacts
from homeport.model.finding import Finding


def explain_blocked(facts: PathFacts) -> Finding | None:
    if facts.connected or facts.target.unix:
        return None
    for reach in facts.reached:
        others = (one for one in facts.as_others if one.endpoint == reach.endpoint and one.outcome == "connected")
        works_as = next((other.user for other in others), "")
        has_listener = bool(facts.listeners_at(reach.endpoint.host))
        if finding := explain_firewall(reach, has_listener, facts.deciding, facts.firewalls, works_as):
            return finding
    return None

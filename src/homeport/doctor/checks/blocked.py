"""A firewall in between, told by behaviour: somebody listens right there, and yet it is refused or silent. Pure.

Rules that may be read name the culprit; without them it is the behaviour that decides (reject, drop, by user).
"""

from __future__ import annotations

from homeport.doctor.facts import PathFacts, Reach
from homeport.model.finding import Finding


def explain_blocked(facts: PathFacts) -> Finding | None:
    if facts.connected or facts.target.unix:
        return None
    for reach in facts.reached:
        has_listener = bool(facts.listeners_at(reach.endpoint.host))
        if finding := _explain(facts, reach, has_listener):
            return finding
    return None


def _explain(facts: PathFacts, reach: Reach, has_listener: bool) -> Finding | None:
    rule = f"The rule is {facts.deciding.rule}." if facts.deciding and facts.deciding.rule else ""
    if not reach.endpoint.is_loopback:
        return None
    works = [other.user for other in facts.as_others if other.outcome == "connected"]
    is_blocked = (has_listener and reach.outcome in ("refused", "timeout")) or reach.outcome in (
        "unreachable",
        "forbidden",
    )
    if is_blocked and works:
        return Finding(
            code="firewall-rejects-user",
            what=f"a firewall keeps this user from {reach.endpoint}; {works[0]} reaches it",
            why=rule or "Somebody listens there, and the same connection works as another user.",
            next="look for a rule with skuid or uid-owner: sudo nft list ruleset, sudo iptables-save",
        )
    if is_blocked and reach.outcome != "timeout":
        return Finding(
            code="firewall-rejects",
            what=f"a firewall rejects connections to {reach.endpoint}",
            why=rule or _why(reach),
            next="sudo homeport doctor names the rule",
        )
    if reach.outcome == "timeout":
        return Finding(
            code="firewall-drops",
            what=f"a firewall drops connections to {reach.endpoint}",
            why=rule or "Somebody listens there with an empty queue, and nothing comes back.",
            next="sudo homeport doctor names the rule",
        )
    return None


def _why(reach: Reach) -> str:
    if reach.outcome == "refused":
        return "Somebody listens there, and yet the connection is refused: on loopback only a firewall does that."
    return f"The answer was {reach.error}: on loopback only a firewall does that."

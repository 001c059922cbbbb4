"""A firewall in between: told by behaviour (somebody listens right there, and yet it is refused or silent), and by the
rule that decides, where rules may be read. Pure.

A rule alone is never reported: only a connection that failed is.
"""

from __future__ import annotations

from collections.abc import Iterable

from homeport.doctor.facts import Reach
from homeport.model.finding import Finding
from homeport.model.firewall import Deciding, FirewallState

_PER_USER = ("skuid", "skgid", "--uid-owner", "--gid-owner")
_READ_AS_ROOT = "sudo homeport doctor --trace"


def explain_firewall(
    reach: Reach,
    listener_exists: bool,
    deciding: Deciding | None,
    states: Iterable[FirewallState] = (),
    works_as: str = "",
) -> Finding | None:
    """`works_as`: another user whose connection was made at the same time."""
    if not reach.endpoint.is_loopback or reach.endpoint.is_unix:
        return None
    is_rejected = reach.outcome in ("unreachable", "forbidden") or (listener_exists and reach.outcome == "refused")
    if not is_rejected and reach.outcome != "timeout":
        return None
    why = " ".join(
        part for part in (_rule(deciding), _behaviour(reach, listener_exists), _known(deciding, states)) if part
    )
    following = _next(reach, deciding)
    if works_as or _is_per_user(deciding):
        works = f"; {works_as} reaches it" if works_as else ""
        return Finding(
            code="firewall-rejects-user",
            what=f"a firewall keeps {reach.user or 'this user'} from {reach.endpoint}{works}",
            why=why,
            next=following,
        )
    if is_rejected:
        return Finding(
            code="firewall-rejects",
            what=f"a firewall rejects connections to {reach.endpoint}",
            why=why,
            next=following,
        )
    return Finding(
        code="firewall-drops", what=f"a firewall drops connections to {reach.endpoint}", why=why, next=following
    )


def explain_docker_past_ufw(endpoint: str, states: Iterable[FirewallState], *, is_docker: bool) -> Finding | None:
    """`endpoint`: a published port that is open to other computers."""
    if not is_docker or not any(state.tool == "ufw" and state.state == "active" for state in states):
        return None
    port = endpoint.rpartition(":")[2]
    return Finding(
        code="docker-past-ufw",
        level="note",
        what=f"{endpoint} is published by Docker, which ufw does not hold back",
        why="Docker's own rules come before those of ufw, so other computers reach it whatever ufw denies.",
        next=f"publish it on loopback only: -p 127.0.0.1:{port}:{port}",
    )


def _rule(deciding: Deciding | None) -> str:
    if deciding is None or not deciding.is_blocked:
        return ""
    sure = "" if deciding.certain else "probably "
    does = "rejects" if deciding.verdict == "reject" else "drops"
    what = "the answer" if deciding.packet == "answer" else "it"
    if deciding.rule:
        known = "Tracing a connection showed that it is" if deciding.how == "traced" else "It is"
        said = f"{known} {sure}this rule of {deciding.rule.tool} in {deciding.rule.chain}: {deciding.rule.text}."
    else:
        said = f"{sure}no rule of {deciding.tool} allows it, and the policy of {deciding.chain} {does} {what}."
    if deciding.packet == "answer" and deciding.rule:
        said += " It stops the answer, not the request."
    return f"{said[0].upper()}{said[1:]}"


def _behaviour(reach: Reach, listener_exists: bool) -> str:
    if reach.outcome == "timeout":
        return "Somebody listens there, and nothing comes back." if listener_exists else "Nothing comes back."
    if reach.outcome == "refused":
        return "Somebody listens there, and yet the connection is refused: on loopback only a firewall does that."
    return f"The answer was {reach.error or 'that it is prohibited'}: on loopback only a firewall says that."


def _known(deciding: Deciding | None, states: Iterable[FirewallState]) -> str:
    """What else is known of firewalls, where no rule is named."""
    if deciding and deciding.is_blocked:
        return ""
    active = [state.tool for state in states if state.state == "active"]
    if deciding and deciding.certain:
        return "No rule that can be read does this: it may be a filter of a control group, or a security program."
    return f"Active here: {', '.join(active)}." if active else ""


def _next(reach: Reach, deciding: Deciding | None) -> str:
    if deciding and deciding.is_blocked and deciding.certain:
        return f"sudo homeport doctor --fix {reach.endpoint}"
    return f"{_READ_AS_ROOT} {reach.endpoint}"


def _is_per_user(deciding: Deciding | None) -> bool:
    rule = deciding.rule if deciding and deciding.is_blocked else None
    return rule is not None and any(word in rule.text for word in _PER_USER)

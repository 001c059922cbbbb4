"""The short texts beside the steps of a walk: a fact in, its state and a few words out. Pure."""

from __future__ import annotations

from homeport.doctor.facts import Answer, Reach, Resolved, State, Tls

_OUTCOMES = {
    "connected": "connected",
    "refused": "refused",
    "timeout": "no answer",
    "unreachable": "unreachable",
    "forbidden": "forbidden",
    "exhausted": "no own port left",
    "no-address": "no such address here",
    "failed": "failed",
}
_ENDS = {
    "closed": "closed without an answer",
    "timeout": "no answer in time",
    "reset": "reset without an answer",
    "unreachable": "not reachable any more",
}


def resolved_text(names: tuple[Resolved, ...]) -> tuple[State, str]:
    system = next((one for one in names if one.client == "getaddrinfo"), None)
    if system is None or not system.is_known:
        return "unknown", system.why if system else ""
    if not system.addresses:
        is_found = any(one.addresses for one in names)
        return ("ok" if is_found else "bad"), f"the system: {system.why}"
    return "ok", ", ".join(system.addresses)


def reach_text(reach: Reach) -> tuple[State, str]:
    error = f" ({reach.error})" if reach.error else ""
    return ("ok" if reach.outcome == "connected" else "bad"), f"{reach.endpoint} {_OUTCOMES[reach.outcome]}{error}"


def tls_text(tls: Tls) -> tuple[State, str]:
    if tls.trouble == "not-tls":
        return "bad", "what answers speaks no TLS"
    if tls.trouble:
        return "bad", tls.why or tls.trouble
    return "ok", f"{tls.version}, {tls.subject or ', '.join(tls.names[:2])}, issued by {tls.issuer}"


def answer_text(answer: Answer) -> tuple[State, str]:
    if answer.end:
        return "bad", _ENDS[answer.end]
    if not answer.is_http:
        return "bad", "answered with something that is no HTTP"
    server = f", {answer.server}" if answer.server else ""
    return "ok", f"{answer.status} {answer.reason}{server}".rstrip()

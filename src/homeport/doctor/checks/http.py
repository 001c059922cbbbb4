"""What comes back on a request, or does not: silence, a hang-up, another protocol. Pure."""

from __future__ import annotations

from homeport.doctor.checks.naming import holder, place, url
from homeport.doctor.facts import Answer, PathFacts
from homeport.model.finding import Finding

_TLS_ALERT = "\x15\x03"
_TLS_WANTED = ("HTTP request was sent to HTTPS", "HTTP request to an HTTPS server", "speaking plain HTTP to an SSL")


def explain_http(facts: PathFacts) -> Finding | None:
    answer = facts.answer
    if answer is None:
        return None
    where = place(facts)
    asked = bool(facts.target.scheme)  # an endpoint alone need not speak HTTP
    if facts.speaks_tls or answer.body.startswith(_TLS_ALERT) or any(words in answer.body for words in _TLS_WANTED):
        return Finding(
            code="http-on-tls-port",
            level="problem" if asked else "note",
            what=f"{where} speaks TLS, and plain http was asked for",
            why=_tls_told(answer),
            next=f"open {url(facts, facts.target.host).replace('http://', 'https://', 1)}",
        )
    if answer.end == "timeout":
        return Finding(
            code="no-answer",
            level="problem" if asked else "note",
            what=f"{_who(facts)} took the connection on {where}, but did not answer within {answer.ms / 1000:.0f} s",
            why="It is busy (a dev server compiles when first asked), waits for something itself, or speaks no HTTP.",
            next="ask once more, then look at its log and at what it waits for",
        )
    if answer.end in ("closed", "reset"):
        return Finding(
            code="upstream-closed",
            level="problem" if asked else "note",
            what=f"{_who(facts)} closed the connection on {where} before it answered",
            why="The server there may have crashed, or it speaks another protocol.",
            next="look at its log",
        )
    if not answer.is_http and asked:
        return Finding(
            code="not-http",
            what=f"{_who(facts)} answered on {where} with something that is no HTTP",
            why=f"It began with {answer.body[:40]!r}.",
            next="see what runs there: " + f"homeport who {facts.target.port}",
        )
    return _own_error(facts, answer) if answer.status >= 500 else None


def _own_error(facts: PathFacts, answer: Answer) -> Finding:
    """The way there is free: what fails is the server, or what it asks itself."""
    is_between = answer.status in (502, 504)
    return Finding(
        code="server-error",
        level="warning",
        what=f"{_who(facts)} answers on {place(facts)} with {answer.status} {answer.reason}".rstrip(),
        why="It stands before another server, which it does not reach, or which hung up."
        if is_between
        else "The connection is well; the server itself failed on this request.",
        next="look at the server behind it, and at its log" if is_between else "look at its log",
    )


def _tls_told(answer: Answer) -> str:
    if answer.status:
        return f"It answered {answer.status} and said so."
    return "It hung up, and took a TLS handshake." if answer.end else "It answered with a TLS alert."


def _who(facts: PathFacts) -> str:
    reached = facts.connected
    found = facts.listeners_at(reached.endpoint.host) if reached else []
    return holder(found[0]) if found else "the server"

"""Why an app does not answer: its facts in, one finding out. Pure; the same sentences stand on the 502 page, in
`homeport status` and under a failed start.

Every code here has its entry in docs/findings.md.
"""

from __future__ import annotations

import signal

import msgspec

from homeport.doctor.checks.last_words import last_words
from homeport.doctor.checks.port_taken import explain_taken
from homeport.model.app import AppFacts
from homeport.model.finding import Finding

HUNG_UP = "connection closed"  # AppFacts.error where the connection ended before an answer came
_REFUSED = "connection refused"
_NO_HTTP2 = "HTTP/2"  # stands in the errors of connections that were to speak it


def explain_app(facts: AppFacts) -> Finding:
    """What is the matter with an app that could not be started or dialled."""
    if facts.port_story:
        return _port_taken(facts.name, explain_taken(facts.port_story))
    if facts.state == "waiting":
        return _waiting(facts)
    if facts.state in ("failed", "backoff", "exited") and facts.exit_code is not None:
        return _ended(facts)
    if facts.state == "failed" and facts.error:
        return _not_startable(facts)
    if facts.waited_s is not None:
        return _not_ready(facts)
    if facts.state in ("idle", "stopped", "stopping", "exited"):
        return _not_running(facts)
    if facts.error:
        return _not_reachable(facts)
    return _not_ready(facts)


def _port_taken(name: str, taken: Finding) -> Finding:
    return msgspec.structs.replace(taken, what=f"{name} could not be started: {taken.what}.")


def _waiting(facts: AppFacts) -> Finding:
    states = {
        "": "has not been started",
        "exited": "ended",
        "failed": "failed",
        "stopped": "is stopped",
        "backoff": "ended and is about to be started again",
    }
    state = states.get(facts.needs_state, f"is {facts.needs_state}")
    is_over = facts.needs_state in ("", "exited", "failed", "stopped", "backoff")
    return Finding(
        code="app-waiting",
        what=f"{facts.name} waits for {facts.needs}, which {state}.",
        why="It starts as soon as that one is ready.",
        next=f"homeport logs {facts.needs}" if is_over and facts.needs_state else "homeport status",
    )


def _ended(facts: AppFacts) -> Finding:
    if facts.ran_s is None and facts.error:
        return _not_startable(facts)
    if facts.exit_code == 127 and facts.last_log and "not found" in facts.last_log[-1]:
        return Finding(
            code="command-not-found",
            what=f"{facts.name} could not be started: its shell did not find a command.",
            why=_quoted(facts),
            next=f"Install it, or correct the command: {facts.command}",
        )
    again = f"It is started again in {duration(facts.again_in_s)}." if facts.again_in_s is not None else ""
    return Finding(
        code="app-exited",
        what=f"{facts.name} {_end(facts.exit_code or 0)}{_after(facts.ran_s)}.",
        why=" ".join(part for part in (_quoted(facts), _guess(facts), again) if part),
        next=_logs(facts),
    )


def _not_startable(facts: AppFacts) -> Finding:
    code, advice = "app-not-startable", _logs(facts)
    if facts.exit_code == 127:
        code, advice = "command-not-found", f"Install it, or correct the command: {facts.command}"
    elif facts.exit_code == 126:
        code, advice = "command-not-executable", f"chmod +x it, or correct the command: {facts.command}"
    return Finding(code=code, what=f"{facts.name} could not be started: {facts.error.rstrip('.')}.", next=advice)


def _not_running(facts: AppFacts) -> Finding:
    if facts.state == "idle":
        return Finding(
            code="app-not-started",
            what=f"{facts.name} has not been started yet.",
            why="It starts with the first request.",
            next=f"homeport restart {facts.route}",
        )
    words = {"stopping": "is being stopped", "exited": "has ended"}
    return Finding(
        code="app-stopped",
        what=f"{facts.name} {words.get(facts.state, 'is stopped')}.",
        next=f"homeport restart {facts.route}",
    )


def _not_ready(facts: AppFacts) -> Finding:
    within = f" within {duration(facts.waited_s)}" if facts.waited_s is not None else " yet"
    ready = facts.ready
    if ready.log and not facts.ready_seen:
        seen = f"No line of its log matched {ready.log!r}."
    elif ready.command:
        seen = f"`{ready.command}` ended with: {facts.ready_seen or 'nothing yet'}."
    elif ready.path and facts.listens:
        seen = f"GET {ready.path} got: {facts.ready_seen or 'no answer yet'}."
    elif not facts.listens:
        return Finding(
            code="app-not-listening",
            what=f"{facts.name} runs, but has not listened on any port{within}.",
            why=" ".join(part for part in (_told(facts), _quoted(facts)) if part),
            next=_logs(facts),
        )
    else:
        seen = f"It listens on {_list(facts.listens)}."
    return Finding(
        code="app-not-ready",
        what=f"{facts.name} was not ready{within}."
        if facts.waited_s is not None
        else f"{facts.name} is not ready yet.",
        why=" ".join(part for part in (seen, _quoted(facts)) if part),
        next=_logs(facts),
    )


def _not_reachable(facts: AppFacts) -> Finding:
    if facts.error == HUNG_UP:
        return Finding(
            code="app-hung-up",
            what=f"{facts.name} closed the connection before it answered.",
            why=_quoted(facts),
            next=_logs(facts),
        )
    if _NO_HTTP2 in facts.error:
        return Finding(
            code="app-no-h2",
            what=f"{facts.name} does not speak HTTP/2.",
            why=f"Its settings say h2 = true, but {facts.error}.",
            next="leave h2 out of its settings",
        )
    if _REFUSED not in facts.error.lower():
        return Finding(
            code="app-not-answering",
            what=f"{facts.name} did not take the connection: {facts.error}.",
            why=f"It listens on {_list(facts.listens)}." if facts.listens else "It listens on no port now.",
            next=f"homeport doctor {facts.route}",
        )
    if facts.listens:
        return Finding(
            code="app-listens-elsewhere",
            what=f"{facts.name} refused the connection: it listens on {_list(facts.listens)}.",
            why=_told(facts),
            next=_logs(facts),
        )
    return Finding(
        code="app-refused",
        what=f"{facts.name} runs, but refused the connection.",
        why=" ".join(part for part in ("Nothing of it listens now.", _quoted(facts)) if part),
        next=_logs(facts),
    )


def duration(seconds: float) -> str:
    """`0.3 s`, `12 s`, `3 min 5 s`, `2 h 10 min`."""
    if seconds < 10:
        return f"{max(seconds, 0.1):.1f} s".replace(".0 s", " s")
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s".replace(" 0 s", "")
    return f"{whole // 3600} h {whole % 3600 // 60} min".replace(" 0 min", "")


def _end(exit_code: int) -> str:
    if exit_code == 0:
        return "has ended by itself with code 0"
    if exit_code <= 128:
        return f"exited with code {exit_code}"
    try:
        return f"was ended by {signal.Signals(exit_code - 128).name}"
    except ValueError:
        return f"exited with code {exit_code}"


def _guess(facts: AppFacts) -> str:
    return "Perhaps the system ran out of memory." if facts.exit_code == 137 else ""


def _after(ran_s: float | None) -> str:
    return f", {duration(ran_s)} after it was started" if ran_s is not None else ""


def _quoted(facts: AppFacts) -> str:
    line, is_last = last_words(facts.last_log)
    if not line:
        return "It wrote nothing to its log." if facts.exit_code else ""
    return f"Its last line was: {line}" if is_last else f"Its log says: {line}"


def _told(facts: AppFacts) -> str:
    return f"It was told to listen on {facts.given}." if facts.given else ""


def _list(addresses: list[str]) -> str:
    return " and ".join(addresses)


def _logs(facts: AppFacts) -> str:
    return f"homeport logs {facts.route}"

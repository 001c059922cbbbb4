"""Who is who in the doctor's sentences: processes, places, lists. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from homeport.doctor.facts import Listening, PathFacts
from homeport.model.ports_free import named


def holder(one: Listening) -> str:
    """`node (pid 12)`, `a process of ann`."""
    if one.process:
        return named(one.process)
    return f"a process of {one.socket.user}" if one.socket.user else "a process that may not be seen"


def place(facts: PathFacts) -> str:
    """Where the client wanted to go: an address where there is one, else the name."""
    target = facts.target
    if target.unix:
        return f"unix:{target.unix}"
    return f"[{target.host}]:{target.port}" if ":" in target.host else f"{target.host}:{target.port}"


def url(facts: PathFacts, host: str, port: int = 0) -> str:
    """The same URL at another host, as it is typed."""
    target = facts.target
    bracketed = f"[{host}]" if ":" in host else host
    return f"{target.scheme or 'http'}://{bracketed}:{port or target.port}{target.path}"


def listed(words: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`, each once."""
    every = list(dict.fromkeys(words))
    return " and ".join([", ".join(every[:-1]), every[-1]] if len(every) > 1 else every)


def are_one_app(first: Listening, second: Listening) -> bool:
    """Sockets of one process, of its workers, or of one job: then it is meant to be so."""
    if set(first.socket.pids) & set(second.socket.pids):
        return True
    one, other = first.process, second.process
    if one is None or other is None:
        return first.socket.user == second.socket.user  # not known; nobody is accused
    if one.app and one.app == other.app:
        return True
    is_copy = one.group == other.group and one.command == other.command  # a script may start many in one group
    return is_copy or one.pid == other.parent or other.pid == one.parent or (first.is_docker and second.is_docker)

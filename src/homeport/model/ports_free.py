"""What ends when a port is freed, decided before anything happens, and what came of it. Pure nouns."""

from __future__ import annotations

from typing import Literal

import msgspec

from homeport.model.ports import ProcessFact, ProcessStory


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that will end. `target` gets the signal: the listener, or the wrapper that leads its group."""

    how: Literal["app", "tool", "process", "group"]
    listener: ProcessFact
    target: ProcessFact
    pids: tuple[int, ...] = ()  # everybody who gets the signal at once
    workers: tuple[ProcessFact, ...] = ()  # below the listener; they get it once their parent has ended without them
    app: str = ""
    tool: tuple[str, ...] = ()  # the command that stops what keeps it running
    again: str = ""  # the timer that would start it again
    why: str = ""  # this way and no other


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who listens and is not ended by us."""

    what: str
    next: str = ""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """For one port. Without endings and refusals nobody listens. `holders` are all that listen when it is made."""

    port: int
    holders: tuple[ProcessFact, ...] = ()
    endings: tuple[Ending, ...] = ()
    refusals: tuple[Refusal, ...] = ()


class Freed(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. `again`: something started it again."""

    port: int
    is_free: bool
    ended: tuple[int, ...] = ()
    problem: str = ""
    warning: str = ""  # it is free, but not for long
    next: str = ""
    again: ProcessStory | None = None


def named(process: ProcessFact) -> str:
    return f"{process.name or 'a process'} (pid {process.pid})"


def sentence(ending: Ending) -> str:
    """What will happen: `stop node (pid 12) from /code/shop: SIGTERM to its group of 3 processes, …`."""
    place = f" from {ending.listener.folder}" if ending.listener.folder else ""
    if ending.how == "app":
        return f"stop the app {ending.app} through homeport: {named(ending.listener)}{place}"
    if ending.how == "tool":
        import shlex

        timer = f"; {ending.again} would start it again" if ending.again else ""
        whose = named(ending.listener) if ending.listener.pid else "a process that may not be seen"
        return f"run `{shlex.join(ending.tool)}` for {whose}{place}, {ending.why}{timer}"
    if ending.how == "group":
        count = len(ending.pids)
        whole = f"its process group ({count} process{'es' if count != 1 else ''})"
        return f"end {named(ending.listener)}{place}: SIGTERM to {whole}, {ending.why}"
    count = len(ending.workers)
    whose = "a worker of it gets" if count == 1 else f"{count} workers of it get"
    workers = f"; {whose} it too if still there then" if count else ""
    return f"end {named(ending.listener)}{place}: SIGTERM to it alone, {ending.why}{workers}"

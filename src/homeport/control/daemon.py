"""The engine as a process: its one lock, its loop, its signals, and its first word to whoever started it.

What the engine consists of is in homeport.build; this file would run any other coroutine as well.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from homeport.control.inherited import OF_CHILDREN
from homeport.machine.home import Home
from homeport.model.errors import HomeportError

LOCK_TRIES, LOCK_AGAIN_S = 5, 0.02  # a command that looks whether the lock is free holds it for a moment

T = TypeVar("T")
L = TypeVar("L")


class Word:
    """The first word: once, to the launcher through the pipe that it left us, or to whoever reads stderr."""

    def __init__(self, ready_fd: int | None) -> None:
        self._ready_fd = ready_fd
        if ready_fd is not None:
            os.set_inheritable(ready_fd, False)  # children would keep the launcher waiting

    def ready(self, sentences: list[str]) -> None:
        if self._ready_fd is None:
            sys.stderr.write("".join(f"homeport: {sentence}\n" for sentence in sentences))
        self._say(b"ready")

    def failed(self, error: HomeportError) -> None:
        message = " ".join(error.message.split())
        self._say(f"{error.code}\n{message}\n{error.hint}".encode())

    def _say(self, word: bytes) -> None:
        if self._ready_fd is None:
            return
        try:
            os.write(self._ready_fd, word)
        except BrokenPipeError:
            pass  # whoever started us has gone; others will find us
        os.close(self._ready_fd)
        self._ready_fd = None


@dataclass(frozen=True, slots=True)
class Arguments:
    """`home` "": the one of the environment. `ready_fd`: the launcher's end of a pipe."""

    home: str = ""
    ready_fd: int | None = None
    foreground: bool = False


def arguments(words: list[str]) -> Arguments:
    """Only the launcher and `homeport engine` write them, so there is no help and no mercy."""
    rest = iter(words)
    found: dict[str, Any] = {}
    for word in rest:
        if word == "--foreground":
            found["foreground"] = True
        elif word == "--home":
            found["home"] = next(rest)
        elif word == "--ready-fd":
            found["ready_fd"] = int(next(rest))
        else:
            raise HomeportError("bad-usage", f"the engine takes no {word!r}", "homeport engine")
    return Arguments(**found)


def run(engine: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run to the end, on uvloop where there is one. Until `settle` all that is made stays: nothing is to collect."""
    gc.disable()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(engine())


def settle() -> None:
    """What was imported and built stays until the end: the collector need not walk through it again and again."""
    gc.freeze()
    gc.enable()


async def begin(coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """A task that has already taken its first steps, so that what it starts elsewhere runs while we do other things."""
    task = asyncio.create_task(coroutine)
    for _ in range(8):
        await asyncio.sleep(0)
    return task


def say(error: HomeportError) -> None:
    """To the terminal of `homeport engine`, or to the engine's log."""
    hint = f"\nhint: {error.hint}" if error.hint else ""
    sys.stderr.write(f"homeport: {error.message}{hint}\n")


def leave_parents() -> None:
    """An engine that was started by an app of another engine is nobody's app, and neither is what it starts.

    Apps are told from the engine's own children by the environment, which is only believed when it looks whole.
    """
    for name in OF_CHILDREN:
        os.environ.pop(name, None)
    os.environ.setdefault("PATH", os.defpath)


def name_process(name: str) -> None:
    """What ps and ss call us instead of "python3", where that is free of charge (Linux)."""
    try:
        with open("/proc/self/comm", "w") as file:
            file.write(name)
    except OSError:
        pass


def allow_many_connections() -> None:
    """A thousand idle connections need as many descriptors, twice; the soft limit of a shell is 1024."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (ValueError, OSError):
            pass  # fewer connections, then


def on_signals(stop: Callable[[], None], *, foreground: bool) -> None:
    """SIGTERM and SIGINT stop the engine; a terminal that closes stops only the one that runs in it."""
    loop = asyncio.get_running_loop()
    if sys.platform == "win32":
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGBREAK):
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))
        return
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    # Not SIG_IGN: children would inherit that, a handler they do not.
    loop.add_signal_handler(signal.SIGHUP, stop if foreground else _pass)


def own(home: Home, lock_file: Callable[[str], L | None]) -> L:
    """The lock of this home, held until the process ends. Raises HomeportError("engine-running")."""
    for _ in range(LOCK_TRIES):
        if (lock := lock_file(home.lock)) is not None:
            return lock
        time.sleep(LOCK_AGAIN_S)
    raise HomeportError("engine-running", f"another engine already owns {home.root}", "homeport status")


def _pass() -> None:
    pass


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None  # Windows, and wherever no wheel fits
    return uvloop.new_event_loop

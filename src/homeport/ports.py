"""Ports for programs: `from homeport import ports`. Who has one, free one, lease one; docs/python.md tells it in full.

`who` and `free` need no engine; `lease` starts one where none runs. Failures are `HomeportError`. Importing this file
loads nothing else: each function brings what it needs.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Generic, TypeVar, overload

from homeport.model.errors import HomeportError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from homeport.control.client import Client
    from homeport.model.lease import LeaseSpec, LeaseState
    from homeport.model.ports import PortStory
    from homeport.model.ports_free import Freed

__all__ = ["HomeportError", "Lease", "free", "lease", "who"]

Value = TypeVar("Value")
Answer = TypeVar("Answer")


def who(place: int | str) -> PortStory:
    """The story of a port: `3000`, or of an address, "127.0.0.1:3000", "[::1]:3000".

    Without anybody there `story.listening` is empty. Raises HomeportError("bad-usage").
    """
    from homeport.app.ports import parse_place
    from homeport.app.ports import who as story_of
    from homeport.machine.ports import this_computer

    host, port = parse_place(str(place))
    return story_of(this_computer(), port, host)


def free(port: int, *, force: bool = False) -> Freed:
    """End what listens on a port, as `homeport free PORT --yes` does: apps through the engine, the rest with SIGTERM.

    `force` ends what ignores that, and services and containers' processes. Look at `is_free` and `problem`.
    """
    from homeport.app.free import Freeing
    from homeport.app.free_plan import plan
    from homeport.machine.ports import this_computer

    ports = this_computer()
    client = _running()
    states = client.apps.list() if client else []
    apps = {address: state.route for state in states if state.pid for address in state.listens}
    me = ports.process(os.getpid())
    planned = plan(ports, port, apps, user=me.user if me else "", force=force)

    def stop(route: str) -> None:
        if client:
            client.apps.stop(route)

    return Freeing(ports).free(planned, stop, force=force)


class Lease(Generic[Value]):
    """What `lease` gives: `value` is a port, or several, until `release`, the end of `with` or of this process."""

    def __init__(self, states: list[LeaseState], value: Value) -> None:
        self.value = value
        self._ours = [state.port for state in states if not state.again]
        self._pid = os.getpid()

    def release(self) -> None:
        """Give back what this lease took: not what the process had by that name before. Twice is once."""
        if self._pid != os.getpid():
            return  # a fork's copy: the lease is its parent's
        while self._ours:
            _give_back(self._ours.pop(), self._pid)

    def __enter__(self) -> Value:
        return self.value

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def __repr__(self) -> str:
        return f"Lease({self.value})"


@overload
def lease(name: str = "", *, folder: str | os.PathLike[str] | None = None) -> Lease[int]: ...
@overload
def lease(name: str = "", *, count: int, folder: str | os.PathLike[str] | None = None) -> Lease[tuple[int, ...]]: ...
def lease(
    name: str = "", *, count: int | None = None, folder: str | os.PathLike[str] | None = None
) -> Lease[int] | Lease[tuple[int, ...]]:
    """A port that nobody else is given, to be bound by this process or one that it starts.

    With a name it is the same one each time in `folder` (the current one). With `count` it is a tuple of ports. Raises
    HomeportError("name-taken") while another process has the name.
    """
    from homeport.app.place import place
    from homeport.model.lease import LeaseSpec

    where = place(os.fspath(folder) if folder is not None else os.getcwd())
    spec = LeaseSpec(folder=where, name=name, count=1 if count is None else count, pid=os.getpid(), alone=True)
    states = _take(spec)
    if count is None:
        return Lease(states, states[0].port)
    return Lease(states, tuple(state.port for state in states))


def _take(spec: LeaseSpec) -> list[LeaseState]:
    """From the engine that runs, else from a new one. Who asks often asks one question each time."""
    from homeport.control.launch import ensure_engine
    from homeport.machine.home import Home

    home = Home.find()
    states = _ask(lambda client: client.leases.take(spec))
    if states is None:
        with _starting:
            states = ensure_engine(home).leases.take(spec)
    return states


_starting = threading.Lock()  # threads of one process wait for one engine instead of racing to start it


def _give_back(port: int, pid: int) -> None:
    try:
        _ask(lambda client: client.leases.release(port=port, pid=pid))
    except HomeportError as error:
        if error.code != "not-found":  # released by hand
            raise


def _ask(question: Callable[[Client], Answer]) -> Answer | None:
    """None where no engine answers."""
    from homeport.control.launch import known_engine
    from homeport.machine.home import Home

    client = known_engine(Home.find())
    if client is None:
        return None
    try:
        return question(client)
    except HomeportError as error:
        if error.code in ("engine-unreachable", "unauthorised"):  # it ended, or a new one has a new token
            return None
        raise


def _running() -> Client | None:
    from homeport.control.launch import running_engine
    from homeport.machine.home import Home

    try:
        return running_engine(Home.find())
    except HomeportError:
        return None  # it hangs: a port is freed without it

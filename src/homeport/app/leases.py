"""The use cases on leases: take ports, list them, give them back, and the way in for portpicker.

They know which lease is meant, never how a port is chosen or watched.
"""

from __future__ import annotations

import builtins

from homeport.app.seams import LeaseBook
from homeport.model.errors import HomeportError
from homeport.model.lease import MOST_AT_ONCE, LeaseSpec, LeaseState


class LeasesUseCases:
    """`portserver`: where the portserver's socket is, "" where there is none."""

    def __init__(self, book: LeaseBook, portserver: str = "") -> None:
        self._book, self._address = book, portserver

    async def take(self, spec: LeaseSpec) -> builtins.list[LeaseState]:
        """The ports, in order. One that is leased by this name in this folder already is answered `again`."""
        check(spec)
        return self._book.take(spec)

    async def list(self) -> builtins.list[LeaseState]:
        return self._book.states()

    async def release(
        self, *, port: int = 0, name: str = "", folder: str = "", every: bool = False, pid: int | None = None
    ) -> builtins.list[LeaseState]:
        """What was given back: a port, a name in a folder, or every lease that is no app's.

        With `pid` only this process' share: a port that others asked for too stays theirs.
        """
        states = self._book.states()
        if every:
            found = [state for state in states if state.kind != "app"]
        elif port:
            found = [state for state in states if state.port == port]
        else:
            found = [s for s in states if name and (s.name, s.folder) == (name, folder) and s.kind != "app"]
        if not found and not every:
            raise _unknown(port, name, folder, states)
        for state in found:
            if state.kind == "app":
                raise HomeportError(
                    "bad-usage", f"port {port} belongs to the app {state.name}", f"homeport stop {state.name}"
                )
        for state in found:
            self._book.release(state.port, pid)
        return found

    async def portserver(self, pid: int) -> str:
        """The address for PORTSERVER_ADDRESS. The engine stays at least until this process ends."""
        if not self._address:
            raise HomeportError("unsupported", "portpicker's protocol needs Unix sockets", "homeport lease")
        self._book.welcome(pid)
        return self._address


def check(spec: LeaseSpec) -> None:
    if not 1 <= spec.count <= MOST_AT_ONCE:
        raise HomeportError("bad-usage", f"from 1 to {MOST_AT_ONCE} ports can be leased at once, not {spec.count}")
    if spec.pid < 0:
        raise HomeportError("bad-usage", f"{spec.pid} is not the pid of a process")
    if len(spec.name) > 100 or not spec.name.isprintable():
        raise HomeportError("bad-usage", f"{spec.name[:40]!r} cannot be a lease's name: up to 100 printable characters")
    if spec.name.isdigit():
        raise HomeportError(
            "bad-usage", f"a lease's name is not a number, which {spec.name} is", f"homeport lease port-{spec.name}"
        )


def _unknown(port: int, name: str, folder: str, states: builtins.list[LeaseState]) -> HomeportError:
    if port:
        return HomeportError("not-found", f"port {port} is not leased", "homeport leases")
    elsewhere = [state for state in states if state.name == name and state.kind == "lease"]
    if elsewhere:
        what = f"no lease is called {name!r} in {folder}, but there is one in {elsewhere[0].folder}"
        return HomeportError("not-found", what, f"homeport release {elsewhere[0].port}")
    return HomeportError("not-found", f"no lease is called {name!r} in {folder}", "homeport leases")

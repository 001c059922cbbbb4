"""What is leased to whom: the engine's table of leases, its one owner. A lease ends with the last of its owners.

Ports are chosen and kept apart by machine.leases, shared with the apps; who may ask is for others to say. It binds
nothing for longer than a look.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from homeport.app.engine_journal import EngineJournal
from homeport.app.owners import Owners
from homeport.machine.interface import Machine
from homeport.machine.leases import Lease, Leases
from homeport.model.app import AppState
from homeport.model.errors import HomeportError
from homeport.model.lease import LeaseOwner, LeaseSpec, LeaseState

UNTIL_RELEASED = 0  # in the place of a pid


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One lease in the journal. `owners`: pid -> start time; 0 stands for nobody, see LeaseSpec."""

    port: int
    folder: str
    name: str
    number: int
    since: str
    is_portservers: bool = False
    owners: dict[int, float] = {}
    binder: int | None = None


@dataclass(slots=True)
class Entry:
    lease: Lease
    name: str
    number: int
    is_portservers: bool
    since: str
    owners: list[int] = field(default_factory=list)
    binder: int | None = None  # the owner that is about to bind it, or has


class LeaseTable:
    """See app.seams.LeaseBook. `changed` is called when the engine may be needed by one less."""

    def __init__(
        self,
        leases: Leases,
        machine: Machine,
        journal: EngineJournal[Kept],
        apps: Callable[[], list[AppState]],
        changed: Callable[[], None],
    ) -> None:
        self._leases, self._machine, self._journal, self._apps = leases, machine, journal, apps
        self._tell = changed
        self._entries: dict[int, Entry] = {}
        self._guests: set[int] = set()  # processes that may ask for ports later: portpicker's
        self._owners = Owners(machine, self._ended)

    @property
    def is_needed(self) -> bool:
        return bool(self._entries or self._guests)

    def restore(self) -> None:
        """The leases of an engine that was killed, where an owner still lives."""
        for kept in self._journal.read():
            living = [pid for pid, started in kept.owners.items() if self._is_still(pid, started)]
            lease = self._leases.restore(kept.folder, kept.name, kept.number, kept.port) if living else None
            if lease:
                entry = Entry(lease, kept.name, kept.number, kept.is_portservers, kept.since, living, kept.binder)
                self._entries[kept.port] = entry

    def take(self, spec: LeaseSpec, *, by_portserver: bool = False) -> list[LeaseState]:
        """All the ports of the spec, or an error and none."""
        self._see_owner(spec.pid)
        entries: list[Entry] = []
        known: list[Entry] = []
        try:
            for number in range(1, spec.count + 1):
                entry = self._held(spec, number)
                if entry is None:
                    entry = self._enter(spec, number, by_portserver)
                    entries.append(entry)
                else:
                    self._may_share(entry, spec)
                    known.append(entry)
        except HomeportError:
            for entry in entries:
                self._drop(entry)
            self._unwatch(spec.pid)
            raise
        for entry in (*entries, *known):
            entry.owners += [] if spec.pid in entry.owners else [spec.pid]
            entry.binder = spec.pid if spec.alone else entry.binder
        self._journal.write_soon(self._kept)
        both = sorted((*entries, *known), key=lambda entry: entry.number)
        return [self._state(entry, again=entry in known) for entry in both]

    def states(self) -> list[LeaseState]:
        """Those of apps as well."""
        for pid in {pid for entry in self._entries.values() for pid in entry.owners if pid}:
            self._owners.lives(pid)
        theirs = [self._of_app(lease) for lease in self._leases.all() if lease.port not in self._entries]
        return sorted([*map(self._state, self._entries.values()), *theirs], key=lambda state: state.port)

    def release(self, port: int, pid: int | None) -> None:
        """For all its owners, or for one of them."""
        entry = self._entries.get(port)
        if entry is None:
            return
        gone = list(entry.owners) if pid is None else [pid]
        entry.owners = [one for one in entry.owners if one not in gone]
        if not entry.owners:
            self._drop(entry)
        for one in gone:
            self._unwatch(one)
        self._changed()

    def welcome(self, pid: int) -> None:
        """Be there until this process ends, for it and those whom it starts."""
        self._see_owner(pid)
        self._guests.add(pid)

    def close(self) -> None:
        self._owners.close()
        for entry in list(self._entries.values()):
            self._drop(entry)
        self._journal.remove()

    def _is_still(self, pid: int, started: float) -> bool:
        return pid == UNTIL_RELEASED or (self._machine.start_time(pid) == started and self._owners.watch(pid))

    def _kept(self) -> list[Kept]:
        return [
            Kept(
                port=entry.lease.port,
                folder=entry.lease.folder,
                name=entry.name,
                number=entry.number,
                since=entry.since,
                is_portservers=entry.is_portservers,
                owners={pid: self._machine.start_time(pid) or 0.0 for pid in entry.owners},
                binder=entry.binder,
            )
            for entry in self._entries.values()
        ]

    def _changed(self) -> None:
        self._journal.write_soon(self._kept)
        self._tell()

    def _see_owner(self, pid: int) -> None:
        if pid != UNTIL_RELEASED and not self._owners.watch(pid):
            raise HomeportError("not-found", f"no process has the pid {pid}", "homeport lease --keep")

    def _held(self, spec: LeaseSpec, number: int) -> Entry | None:
        for entry in self._entries.values():
            if spec.name and (entry.name, entry.number, entry.lease.folder) == (spec.name, number, spec.folder):
                lives = [pid for pid in list(entry.owners) if pid == UNTIL_RELEASED or self._owners.lives(pid)]
                return entry if lives else None
        return None

    def _may_share(self, entry: Entry, spec: LeaseSpec) -> None:
        if spec.alone and entry.binder in entry.owners and entry.binder != spec.pid:
            binder = self._owner(entry.binder)
            raise HomeportError(
                "name-taken",
                f"the lease {spec.name} in {spec.folder}, port {entry.lease.port}, is used by {binder}",
                f"homeport who {entry.lease.port}",
            )

    def _enter(self, spec: LeaseSpec, number: int, is_portservers: bool) -> Entry:
        lease = self._leases.reserve(spec.folder, spec.name, number)
        since = datetime.now(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
        entry = Entry(lease, spec.name, number, is_portservers, since)
        self._entries[lease.port] = entry
        return entry

    def _drop(self, entry: Entry) -> None:
        entry.lease.release()
        self._entries.pop(entry.lease.port, None)

    def _ended(self, pid: int) -> None:
        self._guests.discard(pid)
        for entry in list(self._entries.values()):
            if entry.owners == [pid]:
                self._drop(entry)
            elif pid in entry.owners:
                entry.owners.remove(pid)
        self._changed()

    def _unwatch(self, pid: int) -> None:
        if pid not in self._guests and not any(pid in entry.owners for entry in self._entries.values()):
            self._owners.forget(pid)

    def _of_app(self, lease: Lease) -> LeaseState:
        app = next((app for app in self._apps() if lease.port == app.port), None)
        owners = (self._owner(app.pid),) if app and app.pid else ()
        return LeaseState(
            port=lease.port, name=app.route if app else lease.name, folder=lease.folder, kind="app", owners=owners
        )

    def _owner(self, pid: int) -> LeaseOwner:
        """By the name that it has now: a lease may be older than the command that it was taken for (exec)."""
        return LeaseOwner(pid=pid, process=self._machine.command(pid))

    def _state(self, entry: Entry, *, again: bool = False) -> LeaseState:
        return LeaseState(
            port=entry.lease.port,
            name=entry.name,
            number=entry.number,
            folder=entry.lease.folder,
            kind="portserver" if entry.is_portservers else "lease",
            owners=tuple(self._owner(pid) for pid in entry.owners if pid != UNTIL_RELEASED),
            since=entry.since,
            again=again,
        )

"""The journal of running children: a file that outlives the engine, so that the next one can end what was left over.

It is rewritten, all at once, whenever a tree of processes changes. An entry names every process with its start time,
since a pid alone may mean another process tomorrow; nothing is signalled that does not match both.
"""

from __future__ import annotations

import asyncio
import os

import msgspec

from homeport.machine.home import private_file
from homeport.machine.interface import Machine


class Entry(msgspec.Struct, kw_only=True):
    """The processes of one app: pid -> start time. Empty: it was about to be started."""

    route: str
    command: str
    folder: str = ""
    processes: dict[int, float] = {}


class Content(msgspec.Struct, kw_only=True):
    boot: str
    entries: list[Entry] = []


class Leftover(msgspec.Struct, frozen=True, kw_only=True):
    """An app of an engine that was killed, and those of its processes that still run."""

    route: str
    command: str
    processes: dict[int, float]

    def __str__(self) -> str:
        pids = ", ".join(str(pid) for pid in sorted(self.processes))
        return f"{self.route} ({self.command or 'unknown command'}, pid {pids}) was left over from an engine that died"


class Journal:
    """The engine's side: who runs now. Failing to write is not worth stopping an app for."""

    def __init__(self, path: str, machine: Machine) -> None:
        self._path = path
        self._boot = machine.boot_id()
        self._entries: dict[str, Entry] = {}

    def put(self, entry: Entry) -> None:
        if self._entries.get(entry.route) != entry:
            self._entries[entry.route] = entry
            self._write()

    def remove(self, route: str) -> None:
        if self._entries.pop(route, None):
            self._write()

    def _write(self) -> None:
        content = Content(boot=self._boot, entries=list(self._entries.values()))
        try:
            private_file(self._path, msgspec.json.encode(content))
        except OSError:
            pass  # a full disk; on Linux the processes are still found by their environment


def leftovers(path: str, machine: Machine, marker_key: str) -> list[Leftover]:
    """What an engine of this home left running: by its journal, by descent, and by HOMEPORT_APP in the environment.

    Only for an engine that has just taken the lock of its home: then nobody else owns these processes.
    """
    content = _read(path)
    same_boot = content.boot == machine.boot_id()
    found = {entry.route: _living(machine, entry) for entry in content.entries if same_boot}
    for pid, marker in machine.marked(f"{marker_key}/").items():
        started = machine.start_time(pid)
        if started is not None:
            found.setdefault(marker.partition("/")[2], {})[pid] = started
    commands = {entry.route: entry.command for entry in content.entries}
    return [
        Leftover(route=route, command=commands.get(route, ""), processes=processes)
        for route, processes in found.items()
        if processes
    ]


async def clean_up(found: list[Leftover], machine: Machine, *, grace_s: float = 5.0, look_s: float = 0.05) -> None:
    """Ask them to end, and end by force what still runs after the grace time. Returns when nothing is left."""
    loop = asyncio.get_running_loop()
    for force, limit_s in ((False, grace_s), (True, 2.0)):
        remaining = _remaining(found, machine)
        machine.signal_processes(remaining, force=force)
        deadline_s = loop.time() + limit_s
        while (remaining := _remaining(found, machine)) and loop.time() < deadline_s:  # noqa: ASYNC110 - foreign processes
            await asyncio.sleep(look_s)
        if not remaining:
            return


def _remaining(found: list[Leftover], machine: Machine) -> dict[int, float]:
    known = {pid: started for leftover in found for pid, started in leftover.processes.items()}
    roots = {pid for pid, started in known.items() if machine.start_time(pid) == started}
    times = {pid: machine.start_time(pid) for pid in machine.tree(roots, "")}
    return {pid: started for pid, started in times.items() if started is not None and pid != os.getpid()}


def _living(machine: Machine, entry: Entry) -> dict[int, float]:
    roots = [pid for pid, started in entry.processes.items() if machine.start_time(pid) == started]
    times = {pid: machine.start_time(pid) for pid in machine.tree(roots, "")}
    return {pid: started for pid, started in times.items() if started is not None}


def _read(path: str) -> Content:
    try:
        with open(path, "rb") as file:
            return msgspec.json.decode(file.read(), type=Content)
    except (OSError, msgspec.DecodeError):
        return Content(boot="")

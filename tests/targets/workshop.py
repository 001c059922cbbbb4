"""A supervisor on this computer with everything plugged in, in a hurry, and a look at what it left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import textwrap
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from homeport.app.ports import who
from homeport.doctor.checks.app import explain_app
from homeport.machine import this_machine
from homeport.machine.home import Home
from homeport.machine.interface import Machine
from homeport.machine.leases import Leases
from homeport.machine.ports import this_computer
from homeport.model.app import AppSpec, AppState, Serve
from homeport.model.endpoint import Endpoint
from homeport.model.errors import HomeportError
from homeport.targets.journal import Journal
from homeport.targets.seams import Pace, Surroundings
from homeport.targets.supervisor import Supervisor

HURRY = Pace(
    look_starting_s=0.01,
    look_steady_s=0.03,
    check_s=0.03,
    check_limit_s=2.0,
    worker_after_s=0.1,
    leftover_grace_s=0.2,
    backoff_first_s=0.02,
    backoff_longest_s=0.1,
)


@dataclass
class Log:
    lines: list[tuple[str, str, str, bool]] = field(default_factory=list)

    def line(self, app: str, stream: str, text: str, continues: bool) -> None:
        self.lines.append((app, stream, text, continues))

    def of(self, app: str, stream: str = "out") -> list[str]:
        return [text for name, source, text, _ in self.lines if (name, source) == (app, stream)]


class FakeUrls:
    def of(self, route: str) -> str:
        return f"http://127.0.0.1:1/@{route}"

    def all(self, route: str, default: bool, https: str) -> list[str]:
        return ["http://127.0.0.1:1"] * default + [f"http://{route}.localhost:1", self.of(route)]


@dataclass
class FakeActivity:
    active: int = 0
    idle_s: float = 0.0

    def of(self, route: str) -> tuple[int, float]:
        return self.active, self.idle_s


@dataclass
class FakeDirectories:
    opened: list[str] = field(default_factory=list)
    refuses: str = ""

    async def open(self, name: str, serve: Serve) -> Endpoint:
        if self.refuses:
            raise HomeportError("bad-usage", self.refuses, "homeport serve DIR")
        self.opened.append(name)
        return Endpoint(path=f"/run/{name}.sock")

    async def close(self, name: str) -> None:
        self.opened.remove(name)


@dataclass
class Workshop:
    folder: Path
    home: Home
    machine: Machine
    leases: Leases
    log: Log
    activity: FakeActivity
    directories: FakeDirectories
    states: list[AppState]
    supervisor: Supervisor

    def spec(self, command: str | list[str] = "", name: str = "web", **fields: Any) -> AppSpec:
        env = {"PATH": os.environ["PATH"], **fields.pop("env", {})}
        fields = {"ready_timeout_s": 20.0, "stop_timeout_s": 10.0, "folder": str(self.folder), **fields}
        return AppSpec(name=name, project="shop", command=command, env=env, **fields)

    def python(self, source: str, name: str = "web", **fields: Any) -> AppSpec:
        """An app from a Python source, which finds `PORT` as a number and `serve(host, port)` in its scope."""
        path = self.folder / f"{name}.py"
        path.write_text(PRELUDE + textwrap.dedent(source))
        return self.spec([sys.executable, str(path)], name, **fields)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for something that announces itself nowhere; the test's own time limit ends it otherwise."""
        while not condition():
            await asyncio.sleep(0.01)

    def said(self, route: str = "web") -> str:
        return "\n".join(self.log.of(route, "homeport"))


PRELUDE = """\
import os, signal, socket, subprocess, sys, threading, time
PORT = int(os.environ.get("PORT", "0"))

def listener(host, port, reuse=True):
    family = socket.AF_UNIX if port is None else socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family)
    if reuse and family != socket.AF_UNIX:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(host if port is None else (host, port))
    made.listen()
    return made

def serve(host, port, status="200 OK", **options):
    with listener(host, port, **options) as server:
        while True:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(f"HTTP/1.1 {status}\\r\\nContent-Length: 2\\r\\n\\r\\nhi".encode())

"""


@contextlib.asynccontextmanager
async def opened(tmp_path: Path, pace: Pace = HURRY) -> AsyncIterator[Workshop]:
    home = Home(str(tmp_path / "home"))
    home.prepare()
    folder = tmp_path / "shop"
    folder.mkdir()
    machine = this_machine()
    leases = Leases(machine.ephemeral_range())
    log, activity, directories = Log(), FakeActivity(), FakeDirectories()
    states: list[AppState] = []
    around = Surroundings(
        machine=machine,
        leases=leases,
        journal=Journal(home.children, machine),
        log=log,
        explain=explain_app,
        story_of=partial(who, this_computer()),
        changed=states.append,
        urls=FakeUrls(),
        marker_key=home.key,
        socket_for=home.socket_for,
        activity=activity,
        directories=directories,
        pace=pace,
    )
    supervisor = Supervisor(around)
    made = Workshop(folder, home, machine, leases, log, activity, directories, states, supervisor)
    before = asyncio.all_tasks()
    try:
        yield made
    finally:
        await supervisor.close()
        leases.close()
    assert machine.marked(f"{home.key}/") == {}, "processes were left behind"
    left = [task.get_name() for task in asyncio.all_tasks() - before if task is not asyncio.current_task()]
    assert left == [], "tasks were left behind"
    assert directories.opened == []

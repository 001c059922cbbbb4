"""A stage for real servers: the real command line in a home of its own, curl and Chromium in the audience.

Nothing here is faked. A performance is one command in the foreground of a terminal of its own; it ends with Ctrl-C, and
then nothing of its apps may be left. The engine ends with the test, and then nothing at all may be left.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil

LIMIT_S = 30.0
TERMINATED = 128 + signal.SIGTERM  # the exit status of an app that leaves SIGTERM to the system


@dataclass
class Answer:
    status: int
    type: str
    text: str


@dataclass
class Performance:
    """A command in the foreground. Its terminal is a session of its own, so that Ctrl-C reaches what it would reach."""

    process: subprocess.Popen[bytes]
    text: str = ""

    def says(self, wanted: str, times: int = 1) -> str:
        """The line that has it, which was said already or will be; with `times` the second or third of them."""
        deadline_s = time.monotonic() + LIMIT_S
        while True:
            whole = self.text[: self.text.rfind("\n") + 1].splitlines()
            found = [line for line in whole if wanted in line]
            if len(found) >= times:
                return found[times - 1]
            if not self._listen(deadline_s):
                raise AssertionError(f"{wanted!r} was never said, but:\n{self.text}")

    def ctrl_c(self) -> int:
        """What a terminal does: SIGINT to the whole foreground group. The exit status of the command."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.ends()

    def ends(self) -> int:
        deadline_s = time.monotonic() + LIMIT_S
        while self._listen(deadline_s):
            pass
        return self.process.wait(LIMIT_S)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(LIMIT_S)
        assert self.process.stdout
        self.process.stdout.close()

    def _listen(self, deadline_s: float) -> bool:
        out = self.process.stdout
        assert out
        ready, _, _ = select.select([out], [], [], max(0.0, deadline_s - time.monotonic()))
        chunk = os.read(out.fileno(), 65536) if ready else b""
        self.text += chunk.decode()
        return bool(chunk)


@dataclass
class Cast:
    """Processes, and the addresses on which they listen."""

    processes: list[psutil.Process]
    addresses: list[tuple[str, int] | str]

    @classmethod
    def of(cls, processes: Iterable[psutil.Process]) -> Cast:
        whole = list(processes)
        return cls(whole, [address for process in whole for address in _listens(process)])

    def left(self) -> list[str]:
        return [*map(_line, filter(_runs, self.processes)), *map(str, filter(_is_open, self.addresses))]


class Stage:
    """`folder` is the project, called harbour, which every user may enter: as root, Apache serves as another one."""

    def __init__(self, home: Path, folder: Path) -> None:
        self.home, self.folder = home, folder

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"))
        return path

    def homeport(self, *words: str, status: int = 0, folder: Path | None = None) -> str:
        """A command that answers; what it says on stdout."""
        result = subprocess.run(_command(words), cwd=folder or self.folder, capture_output=True, text=True, timeout=60)
        assert result.returncode == status, f"{result.returncode}: {result.stdout}{result.stderr}"
        return result.stdout

    def fails(self, *words: str, status: int = 1) -> str:
        """A command that ends by itself and badly; everything it says."""
        result = subprocess.run(_command(words), cwd=self.folder, capture_output=True, text=True, timeout=60)
        assert result.returncode == status, f"{result.returncode}: {result.stdout}{result.stderr}"
        return result.stdout + result.stderr

    def json(self, *words: str) -> Any:
        return json.loads(self.homeport(*words, "--json"))

    @contextmanager
    def perform(self, *words: str, status: int = TERMINATED, folder: Path | None = None) -> Iterator[Performance]:
        """A command in the foreground, Ctrl-C at the end, and a look at what it left."""
        before = set(self._on_stage())
        process = subprocess.Popen(
            _command(words),
            cwd=folder or self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            start_new_session=True,
        )
        performance = Performance(process)
        try:
            yield performance
            cast = Cast.of(process for process in self._on_stage() if process not in before and not _is_engine(process))
            assert performance.ctrl_c() == status, performance.text
            assert cast.left() == []
        finally:
            performance.close()

    @property
    def status(self) -> Any:
        return self.json("status")

    def app(self, route: str) -> Any:
        return next(app for app in self.status["apps"] if app["route"] == route)

    @cached_property
    def port(self) -> int:
        """Of the door."""
        return int(self.status["engine"]["doors"][0].rpartition(":")[2])

    def curl(self, *words: str) -> Answer:
        """curl, with the door's port for each {port} in its words."""
        port = str(self.port)
        command = ["curl", "-sS", "--noproxy", "*", "--max-time", "20", "-w", "\n%{http_code} %{content_type}"]
        words = tuple(word.replace("{port}", port) for word in words)
        said = subprocess.run([*command, *words], capture_output=True, text=True, timeout=LIMIT_S)
        assert said.returncode == 0, said.stderr
        text, _, last = said.stdout.rpartition("\n")
        status, _, kind = last.partition(" ")
        return Answer(int(status), kind, text)

    def requests(self, *filter_words: str) -> list[Any]:
        """As recorded, the oldest first."""
        found = self.json("requests", *filter_words)
        assert isinstance(found, list)
        return sorted(found, key=lambda one: int(one["id"]))

    def close(self) -> None:
        """The end of the engine, after which nothing with this home may run."""
        cast = Cast.of(self._on_stage())
        said = subprocess.run(_command(["down"]), capture_output=True, text=True, timeout=60)
        assert said.returncode == 0, said.stderr
        psutil.wait_procs(cast.processes, timeout=LIMIT_S)  # the engine, whose last breath comes after its last word
        assert [*cast.left(), *map(_line, self._on_stage())] == []
        log = self.home / "engine.log"
        assert not log.exists() or log.read_text() == ""

    def _on_stage(self) -> list[psutil.Process]:
        """Every process with this home in its environment, and every descendant (nginx writes over its environment)."""
        found: dict[int, psutil.Process] = {}
        for process in psutil.process_iter():
            try:
                if process.pid != os.getpid() and process.environ().get("HOMEPORT_HOME") == str(self.home):
                    found.update({one.pid: one for one in (process, *process.children(recursive=True))})
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return list(filter(_runs, found.values()))


def _command(words: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "homeport", *words]


def _is_engine(process: psutil.Process) -> bool:
    """It, or its recorder: they stay when a foreground command ends."""
    return any(word in ("homeport.build", "homeport.recorder") for word in process.cmdline())


def _runs(process: psutil.Process) -> bool:
    """A zombie does not; where process 1 does not wait for orphans, one stays behind."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _line(process: psutil.Process) -> str:
    with process.oneshot():
        return f"{process.pid} {' '.join(process.cmdline()) or process.name()}"


def _listens(process: psutil.Process) -> Iterator[tuple[str, int] | str]:
    try:
        for connection in process.net_connections("all"):
            if connection.status == psutil.CONN_LISTEN:
                yield connection.laddr.ip, connection.laddr.port
            elif connection.family == socket.AF_UNIX and connection.laddr and connection.type == socket.SOCK_STREAM:
                yield str(connection.laddr)
    except psutil.NoSuchProcess:
        return


def _is_open(address: tuple[str, int] | str) -> bool:
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as client:
        return client.connect_ex(address) == 0

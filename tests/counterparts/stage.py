"""A stage for real servers: the real command line in a home of its own, curl and Chromium in the audience.

Nothing here is faked. A performance is one command in the foreground of a terminal of its own; it ends with Ctrl-C, and
then nothing of its apps may be left. The engine ends with the test, and then nothing at all may be left.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil

from tests.counterparts.cast import Cast, is_engine, line, runs
from tests.counterparts.performance import LIMIT_S, Performance

TERMINATED = 128 + signal.SIGTERM  # the exit status of an app that leaves SIGTERM to the system


@dataclass
class Answer:
    status: int
    type: str
    text: str


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
            cast = Cast.of(process for process in self._on_stage() if process not in before and not is_engine(process))
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
        # The last breath of the engine comes after its last word.
        left = [*cast.left(LIMIT_S), *map(line, self._on_stage())]
        for process in filter(runs, [*cast.processes, *self._on_stage()]):
            process.kill()  # so that the next test has the stage for itself
        assert left == []
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
        return list(filter(runs, found.values()))


def _command(words: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "homeport", *words]

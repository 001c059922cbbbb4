"""homeport itself as a peer: the real engine, started the way users do, in a home and on a door of its own."""

from __future__ import annotations

import compileall
import functools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from bench.machine import family
from bench.peers import Peer, Stage
from bench.process import DidNotStartError, free_port

COMMAND = str(Path(sys.executable).with_name("homeport"))


def compile_sources() -> None:
    """As pip does when it installs: an engine that compiles itself starts in twice the time."""
    package = find_spec("homeport")
    assert package is not None
    for folder in package.submodule_search_locations or ():
        compileall.compile_dir(folder, quiet=1)


@contextmanager
def engine(stage: Stage, name: str, **settings: str) -> Iterator[dict[str, str]]:
    """The environment in which commands talk to an engine of this home; the engine ends with it."""
    home = stage.folder / name.replace(" ", "-")
    environment = {**os.environ, "HOMEPORT_HOME": str(home), "HOMEPORT_DOOR": "127.0.0.1:0", **settings}
    try:
        yield environment
    finally:
        pid = _engine_pid(environment)
        say(environment, "down")
        _await_end(pid)


def say(environment: dict[str, str], *words: str) -> str:
    done = subprocess.run([COMMAND, *words], env=environment, capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise DidNotStartError(f"homeport {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def engine_pids(environment: dict[str, str]) -> list[int]:
    """The engine and its recorder."""
    pid = _engine_pid(environment)
    if pid is None:
        raise DidNotStartError("no engine runs")
    return family(pid)


@contextmanager
def http(stage: Stage, *, recording: bool) -> Iterator[Peer]:
    name = "homeport recording" if recording else "homeport"
    with engine(stage, name, HOMEPORT_RECORDING="on" if recording else "off") as environment:
        say(environment, "route", "bench", f"http://127.0.0.1:{stage.backend_port}", "--default")
        door = json.loads(say(environment, "status", "--json"))["engine"]["doors"][0]
        yield Peer(name, int(door.rpartition(":")[2]), engine_pids(environment))


@contextmanager
def tcp(stage: Stage, *, recording: bool) -> Iterator[Peer]:
    name = "homeport tcp recording" if recording else "homeport tcp"
    with engine(stage, name, HOMEPORT_RECORDING="on" if recording else "off") as environment:
        port = free_port()
        say(environment, "route", "bench", f"tcp:127.0.0.1:{stage.backend_port}", "--listen", str(port))
        yield Peer(name, port, engine_pids(environment))


unrecorded = functools.partial(http, recording=False)
recorded = functools.partial(http, recording=True)
tcp_unrecorded = functools.partial(tcp, recording=False)
tcp_recorded = functools.partial(tcp, recording=True)


def _engine_pid(environment: dict[str, str]) -> int | None:
    state = json.loads(say(environment, "status", "--json"))["engine"]
    return None if state is None else int(state["pid"])


def _await_end(pid: int | None) -> None:
    deadline = time.monotonic() + 15
    while pid is not None and Path(f"/proc/{pid}").exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"the engine {pid} did not end")
        time.sleep(0.05)

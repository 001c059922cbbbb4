"""The stage of every failure: a home of its own, real engines, real apps, real commands, and what they cost.

The end of each test asserts that no process of that home is left. Nothing here waits longer than LIMIT_S.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

from homeport.control import launch
from homeport.control.client import Client
from homeport.control.launch import ensure_engine
from homeport.machine import this_machine
from homeport.machine.home import Home
from homeport.model.app import AppSpec, AppState

LIMIT_S = 40.0  # for anything that happens by itself; machines are noisy
MIB = 1 << 20
ORIGIN = [sys.executable, "-u", str(Path(__file__).with_name("origin.py"))]
PROBE = Path(__file__).with_name("probe.py")


def until(condition: Callable[[], Any], what: str = "") -> Any:
    """Wait for something that announces itself nowhere; what it was in the end."""
    ends_s = time.monotonic() + LIMIT_S
    while not (found := condition()):
        assert time.monotonic() < ends_s, what or "it never happened"
        time.sleep(0.02)
    return found


def runs(pid: int | None) -> bool:
    """A zombie does not run; where process 1 does not wait for orphans, one stays behind."""
    try:
        return pid is not None and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class Engine:
    """One engine that runs, from outside."""

    def __init__(self, home: Home, client: Client) -> None:
        state = client.engine.status().engine
        assert state is not None
        self.home, self.client, self.pid = home, client, state.pid
        self.warnings = state.warnings  # what was to be told once is among them
        self.host, self.port = "127.0.0.1", int(state.doors[0].rpartition(":")[2])
        self.process = psutil.Process(self.pid)

    # what it costs

    def rss(self) -> int:
        return int(self.process.memory_info().rss)

    def forget_peak(self) -> None:
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def peak(self) -> int:
        """The largest resident size since `forget_peak`."""
        [line] = [line for line in Path(f"/proc/{self.pid}/status").read_text().splitlines() if "VmHWM" in line]
        return int(line.split()[1]) * 1024

    def descriptors(self) -> int:
        return self.process.num_fds()

    def inside(self) -> dict[str, int]:
        """Tasks, visits and connections: only of an engine that was started with `probed`."""
        path = Path(self.home.root, "probe.json")
        path.unlink(missing_ok=True)
        os.kill(self.pid, signal.SIGUSR1)
        found: dict[str, int] = json.loads(until(lambda: path.read_text() if path.exists() else "", "no probe"))
        return found

    @property
    def recorder(self) -> int:
        def found() -> int:
            for child in self.process.children():
                with contextlib.suppress(psutil.Error):  # the last one, which has just ended
                    if "homeport.recorder" in child.cmdline():
                        return child.pid
            return 0

        return int(until(found, "no recorder"))

    # the door

    def connect(self) -> socket.socket:
        connection = socket.create_connection((self.host, self.port), timeout=LIMIT_S)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def get(self, path: str = "/hello", host: str = "web.localhost") -> tuple[int, bytes]:
        with contextlib.closing(http.client.HTTPConnection(self.host, self.port, timeout=LIMIT_S)) as door:
            door.request("GET", path, headers={"Host": host})
            answer = door.getresponse()
            return answer.status, answer.read()

    def seen(self) -> dict[str, int]:
        """What the origin has seen, asked past the door."""
        [app] = [app for app in self.client.apps.list() if app.name == "web"]
        host, _, port = app.address.rpartition(":")
        with contextlib.closing(http.client.HTTPConnection(host, int(port), timeout=LIMIT_S)) as origin:
            origin.request("GET", "/seen")
            found: dict[str, int] = json.loads(origin.getresponse().read())
        found["connections"] -= 1
        found["under way"] -= 1
        return found

    def endings(self, filter_: str) -> list[str]:
        return [exchange.ending for exchange in self.client.traffic.list(filter_, limit=1000)]


def request(path: str, method: str = "GET", fields: str = "") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: web.localhost\r\n{fields}\r\n".encode()


def read_answer(connection: socket.socket) -> tuple[int, bytes]:
    """One answer on a connection that stays open."""
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    return answer.status, answer.read()


def reset(connection: socket.socket) -> None:
    """Close with RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


class Stage:
    """One home; everything that runs in it ends with the test."""

    def __init__(self, home: Path, folder: Path) -> None:
        self.home, self.folder = Home(str(home)), folder
        self._engines: list[int] = []
        self._started: list[subprocess.Popen[Any]] = []

    def engine(self) -> Engine:
        """The engine of this home, started where none runs. It is a child of ours."""
        engine = Engine(self.home, ensure_engine(self.home))
        if engine.pid not in self._engines:
            self._engines.append(engine.pid)
        return engine

    @contextlib.contextmanager
    def probed(self) -> Iterator[Engine]:
        original = launch.command

        def command(home: Home, ready_fd: int) -> list[str]:
            # -P hides this folder and the repository from what the engine imports, as with the real one.
            return [sys.executable, "-P", str(PROBE), *original(home, ready_fd)[4:]]

        launch.command = command
        try:
            yield self.engine()
        finally:
            launch.command = original

    def spec(self, command: str | list[str], name: str = "web", **more: Any) -> AppSpec:
        env = {**os.environ, **more.pop("env", {})}
        fields = {"project": "shop", "folder": str(self.folder), "stop_timeout_s": 5.0, "default": True, **more}
        return AppSpec(name=name, command=command, env=env, **fields)

    def python(self, source: str, name: str = "web", **more: Any) -> AppSpec:
        path = self.folder / f"{name}.py"
        path.write_text(source)
        return self.spec([sys.executable, "-u", str(path)], name, **more)

    def start(self, engine: Engine, spec: AppSpec) -> AppState:
        engine.client.apps.start([spec])
        state = engine.client.apps.wait(spec.name)
        assert state.state == "ready", state
        return state

    def origin(self, engine: Engine, **more: Any) -> AppState:
        return self.start(engine, self.spec(ORIGIN, **more))

    def kill(self, engine: Engine) -> None:
        """kill -9, and waited for."""
        os.kill(engine.pid, signal.SIGKILL)
        self.wait_for(engine)

    def wait_for(self, engine: Engine) -> int:
        self._engines.remove(engine.pid)
        return os.waitstatus_to_exitcode(os.waitpid(engine.pid, 0)[1])

    def homeport(self, *words: str, status: int | None = 0) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "homeport", *words]
        result = subprocess.run(
            command, capture_output=True, text=True, timeout=LIMIT_S, cwd=self.folder, stdin=subprocess.DEVNULL
        )
        assert status is None or result.returncode == status, result.stderr
        return result

    def popen(self, *words: str, **options: Any) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "homeport", *words], text=True, cwd=self.folder, stdin=subprocess.DEVNULL, **options
        )
        self._started.append(process)
        return process

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.homeport("status", "--json").stdout)
        return found

    def processes(self) -> dict[int, str]:
        """Whatever of this home runs, by its environment: engines, recorders, apps, commands."""
        found = {}
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                environ = process.environ()
                marker = environ.get("HOMEPORT_APP", "")
                is_ours = environ.get("HOMEPORT_HOME") == self.home.root or marker.startswith(f"{self.home.key}/")
                if is_ours and process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                    found[process.pid] = " ".join(process.cmdline())
        return found

    def down(self, engine: Engine) -> None:
        engine.client.engine.stop()
        assert self.wait_for(engine) == 0

    def close(self) -> None:
        """End what the test left on purpose, then see that it is all."""
        if os.path.isdir(self.home.root):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.homeport("down", status=None)
        for process in self._started:
            if process.poll() is None:
                process.kill()
                process.wait()
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
        ends_s = time.monotonic() + LIMIT_S
        while (left := self.processes()) and time.monotonic() < ends_s:
            time.sleep(0.02)
        for pid in left:  # they fail the test, and shall not outlive it
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in self._engines:
            os.waitpid(pid, 0)
        assert left == {}, f"left running: {left}"
        if os.path.isdir(self.home.root):
            lock = this_machine().lock_file(self.home.lock)
            assert lock is not None, "the lock of the home is still held"
            lock.release()

"""kill -9 of the engine and of its recorder while requests are under way: nothing goes on unnoticed, nothing recorded
is lost."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sqlite3
import threading
from pathlib import Path

import psutil
import pytest

from homeport.model.access import Access
from homeport.model.exchange import COMPLETE, ENGINE_GONE
from homeport.model.route import RouteSpec
from tests.failures.stage import ORIGIN, Engine, Stage, read_answer, request, runs, until

IN_FLIGHT = 300
BEFORE = 200


def integrity(stage: Stage) -> str:
    with contextlib.closing(sqlite3.connect(stage.home.store)) as store:
        return str(store.execute("PRAGMA integrity_check").fetchone()[0])


class Hammer:
    """Keep-alive clients that ask and ask; `answered` counts, `broken` says how each ended."""

    def __init__(self, engine: Engine, clients: int, path: str = "/hello") -> None:
        self.answered = 0
        self.broken: list[str] = []
        self.stop = threading.Event()
        self._engine, self._path, self._lock = engine, path, threading.Lock()
        self._threads = [threading.Thread(target=self._client) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def _client(self) -> None:
        with self._engine.connect() as connection:
            try:
                while not self.stop.is_set():
                    connection.sendall(request(self._path))
                    status, _ = read_answer(connection)
                    with self._lock:
                        self.answered += status == 200
            except (OSError, ValueError) as error:
                self.broken.append(str(error))
            except Exception as error:
                self.broken.append(repr(error))

    def join(self) -> None:
        for thread in self._threads:
            thread.join()


@pytest.mark.parametrize("with_recorder", [False, True], ids=["engine", "engine and recorder"])
def test_engine_killed_under_load(stage: Stage, with_recorder: bool) -> None:
    engine = stage.engine()
    app = stage.origin(engine, env={"CHILDREN": "3"})
    assert app.pid is not None
    root = psutil.Process(app.pid)
    until(lambda: len(root.children()) == 3)
    tree = [root.pid, *(child.pid for child in root.children())]
    for number in range(BEFORE):
        assert engine.get(f"/hello?before={number}")[0] == 200
    hanging = [engine.connect() for _ in range(IN_FLIGHT)]
    for connection in hanging:
        connection.sendall(request("/hang"))
    until(lambda: engine.seen()["under way"] == IN_FLIGHT)
    until(lambda: len(engine.endings("path:/hang")) == IN_FLIGHT, "what hangs is not announced")
    hammer = Hammer(engine, 8)
    until(lambda: hammer.answered > 200)
    recorder = engine.recorder
    if with_recorder:
        os.kill(recorder, signal.SIGKILL)
    stage.kill(engine)
    hammer.join()
    assert len(hammer.broken) == 8
    for connection in hanging:  # nobody is left waiting for an answer that will never come
        with connection, contextlib.suppress(ConnectionResetError):
            assert connection.recv(1) == b""
    assert all(runs(pid) for pid in tree), "who cleaned up before anybody could have noticed?"
    until(lambda: not runs(recorder), "the recorder outlives its engine")

    # A command that starts no engine reports, and cleans up.
    told = stage.homeport("status")
    assert told.stdout == "nothing runs\n"
    assert "web (" in told.stderr
    assert "was left over from an engine that died; it was stopped" in told.stderr
    assert [pid for pid in tree if runs(pid)] == []
    assert integrity(stage) == "ok"
    assert os.path.exists(stage.home.socket), "the stale socket is what the next engine meets"

    engine = stage.engine()
    before = [exchange.path for exchange in engine.client.traffic.list("path:/hello?before*", limit=1000)]
    assert before == [f"/hello?before={number}" for number in reversed(range(BEFORE))]
    assert engine.endings("path:/hang") == [ENGINE_GONE] * IN_FLIGHT
    stage.origin(engine)
    assert engine.get("/hello?after")[0] == 200
    assert engine.endings("path:/hello?after") == [COMPLETE]
    assert stage.homeport("status").stderr == ""


def test_the_next_engine_reports_too(stage: Stage) -> None:
    engine = stage.engine()
    pid = stage.origin(engine, env={"CHILDREN": "1"}).pid
    stage.kill(engine)
    assert runs(pid)
    told = stage.homeport("run", "-d", "--name", "other", "--", *ORIGIN)
    assert "warning: web (" in told.stderr
    assert f"pid {pid}" in told.stderr
    assert not runs(pid)
    assert [app["route"] for app in stage.status()["apps"]] == ["other"]


def test_extra_routes_come_back_and_down_forgets_them(stage: Stage) -> None:
    engine = stage.engine()
    stage.origin(engine)
    [app] = engine.client.apps.list()
    for name in ("one", "gone"):
        engine.client.routes.add(RouteSpec(name=name, target=f"http://{app.address}", access=Access(same_user=True)))
    engine.client.routes.remove("gone")
    until(lambda: os.path.exists(stage.home.routes))
    until(lambda: [spec["name"] for spec in json.loads(Path(stage.home.routes).read_text())["kept"]] == ["one"])
    stage.kill(engine)

    engine = stage.engine()
    assert "the route 'one' of an engine that died is open again" in engine.warnings
    [state] = [state for state in engine.client.routes.list() if state.name == "one"]
    assert (state.target, state.access) == (f"http://{app.address}", "same-user")
    assert os.stat(stage.home.routes).st_mode & 0o077 == 0
    stage.kill(engine)
    assert "nothing runs" in stage.homeport("down").stderr
    assert not os.path.exists(stage.home.routes)

    engine = stage.engine()
    assert [state.name for state in engine.client.routes.list() if state.kind != "control"] == []
    stage.down(engine)
    assert not os.path.exists(stage.home.routes)


def test_a_dead_engine_without_its_journal(stage: Stage) -> None:
    """What an engine forgot to write down is found by its environment, by the next engine."""
    engine = stage.engine()
    pid = stage.origin(engine).pid
    stage.kill(engine)
    os.unlink(stage.home.children)
    [told] = stage.engine().warnings
    assert told.startswith("web (")
    assert not runs(pid)


def test_half_written_files_are_no_hindrance(stage: Stage) -> None:
    engine = stage.engine()
    pid = stage.origin(engine).pid
    stage.kill(engine)
    for path in (stage.home.children, stage.home.token_file):
        with open(path, "r+b") as file:
            file.truncate(os.path.getsize(path) // 2)
    with socket.socket(socket.AF_UNIX) as nobody:  # a socket that nobody listens on
        os.unlink(stage.home.socket)
        nobody.bind(stage.home.socket)
    stage.origin(stage.engine())
    assert not runs(pid)


def test_recorder_killed_under_load(stage: Stage) -> None:
    engine = stage.engine()
    stage.origin(engine)
    hammer = Hammer(engine, 6)
    for _ in range(3):
        recorder, reached = engine.recorder, hammer.answered + 300
        os.kill(recorder, signal.SIGKILL)
        until(lambda reached=reached: hammer.answered >= reached, "traffic stopped")  # type: ignore[misc]
        until(lambda recorder=recorder: engine.recorder != recorder)  # type: ignore[misc]
    hammer.stop.set()
    hammer.join()
    assert hammer.broken == []
    assert engine.get("/hello?last")[0] == 200
    assert engine.endings("path:/hello?last") == [COMPLETE]  # and with it everything that passed before
    recording = stage.status()["engine"]["recording"]
    assert recording["problem"] == ""
    assert recording["exchanges"] + recording["lost"] == hammer.answered + 1
    assert recording["lost"] == 0, "what a dead recorder had not confirmed is sent again"
    stage.down(engine)
    assert integrity(stage) == "ok"


def test_what_a_dead_recorder_could_not_take_is_said(stage: Stage) -> None:
    engine = stage.engine()
    stage.origin(engine)
    recorder = engine.recorder
    os.kill(recorder, signal.SIGSTOP)
    for _ in range(600):  # 38 MB of recorded bodies, twice what is kept for a recorder that does not answer
        assert engine.get("/make?n=65536")[0] == 200
    os.kill(recorder, signal.SIGKILL)
    until(lambda: engine.recorder != recorder)
    kept = len(engine.endings("path:/make*"))
    lost = stage.status()["engine"]["recording"]["lost"]
    assert 0 < lost < 600
    assert kept + lost == 600
    told = stage.homeport("status").stdout
    assert f"{lost} lost" in told
    assert "passed faster than they could be written" in told

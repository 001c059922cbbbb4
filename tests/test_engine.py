"""The engine as a process of its own: one per home, found, killed, cleaned up after, and gone when nothing needs it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from homeport.control.client import Client
from homeport.control.launch import ensure_engine, leftovers, running_engine
from homeport.machine import this_machine
from homeport.machine.home import Home
from homeport.model.app import AppSpec, AppState, Ready
from homeport.model.errors import HomeportError
from homeport.model.exchange import ExchangeSummary

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends signals")

SERVER = [sys.executable, "-u", "-m", "http.server", "--bind", "127.0.0.1", "{port}"]


class Nest:
    """A home in which engines may be started; the end sees to it that none is left."""

    def __init__(self, root: Path) -> None:
        self.home = Home(str(root))
        self.pids: set[int] = set()

    def ensure(self) -> Client:
        client = ensure_engine(self.home)
        self.pids.add(pid_of(client))
        return client

    def foreground(self, **environ: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "homeport.build", "--foreground", "--home", self.home.root],
            env={**os.environ, **environ},
            stderr=subprocess.PIPE,
            text=True,
        )
        while running_engine(self.home) is None and process.poll() is None:
            pass
        return process

    def wait_for_end(self, pid: int) -> int:
        """Its exit status; the engine is our child, as it is the child of the command that started it."""
        self.pids.discard(pid)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        assert self.wait_for_end(pid) == -signal.SIGKILL


@pytest.fixture
def nest(home: Path) -> Iterator[Nest]:
    nest = Nest(home)
    yield nest
    for pid in nest.pids:
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(pid, signal.SIGTERM)
            os.waitpid(pid, 0)
    machine = this_machine()
    assert machine.marked(f"{nest.home.key}/") == {}
    lock = machine.lock_file(nest.home.lock) if home.exists() else None
    if lock:
        lock.release()


def pid_of(client: Client) -> int:
    engine = client.engine.status().engine
    assert engine is not None
    return engine.pid


def app(name: str = "web", command: str | list[str] = SERVER, **more: object) -> AppSpec:
    spec = {"project": "shop", "folder": os.getcwd(), "env": dict(os.environ), "stop_timeout_s": 5.0, **more}
    return AppSpec(name=name, command=command, **spec)  # type: ignore[arg-type]


def start(client: Client, spec: AppSpec) -> AppState:
    client.apps.start([spec])
    state = client.apps.wait(spec.name)
    assert state.state == "ready", state
    return state


def get(client: Client, path: str = "/", host: str = "") -> tuple[int, bytes]:
    """Through the door."""
    engine = client.engine.status().engine
    assert engine is not None
    door = http.client.HTTPConnection(engine.url.removeprefix("http://"), timeout=10)
    door.request("GET", path, headers={"Host": host} if host else {})
    answer = door.getresponse()
    body = answer.read()
    door.close()
    return answer.status, body


def is_alive(pid: int) -> bool:
    return this_machine().start_time(pid) is not None


def test_one_command_starts_it_and_the_next_finds_it(nest: Nest) -> None:
    assert running_engine(nest.home) is None
    first, second = nest.ensure(), nest.ensure()
    assert pid_of(first) == pid_of(second)
    found = running_engine(nest.home)
    assert found is not None
    for path in (nest.home.socket, nest.home.token_file, nest.home.engine_log, nest.home.lock):
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600, path
    assert stat.S_IMODE(os.stat(nest.home.root).st_mode) == 0o700
    assert os.getsid(pid_of(first)) == pid_of(first)
    found.engine.stop()
    assert nest.wait_for_end(pid_of_stopped(nest)) == 0
    assert running_engine(nest.home) is None
    assert not os.path.exists(nest.home.socket)
    assert Path(nest.home.engine_log).read_text() == ""


def pid_of_stopped(nest: Nest) -> int:
    [pid] = nest.pids
    return pid


def test_two_commands_at_once_get_the_same_engine(nest: Nest) -> None:
    found: list[int] = []
    both = threading.Barrier(4)

    def command() -> None:
        both.wait()
        found.append(pid_of(ensure_engine(nest.home)))

    threads = [threading.Thread(target=command) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    nest.pids.update(found)
    assert len(found) == 4
    assert len(set(found)) == 1


def test_a_new_one_waits_for_the_old_one_to_end(nest: Nest) -> None:
    client = nest.ensure()
    pid = pid_of(client)
    start(client, app())
    client.engine.stop()
    assert pid_of(nest.ensure()) != pid
    assert nest.wait_for_end(pid) == 0


def test_in_the_foreground_it_says_where_it_is_and_stays(nest: Nest) -> None:
    engine = nest.foreground(HOMEPORT_IDLE_EXIT_S="0")
    assert engine.stderr is not None
    line = engine.stderr.readline()
    client = running_engine(nest.home)
    assert client is not None
    state = client.engine.status().engine
    assert state is not None
    assert line == f"homeport: the door is {state.url}, the dashboard {state.dashboard}\n"
    assert state.pid == engine.pid
    engine.send_signal(signal.SIGHUP)  # the terminal was closed
    assert engine.communicate()[1] == ""
    assert engine.returncode == 0


def test_a_second_engine_in_the_foreground_is_refused(nest: Nest) -> None:
    first = nest.foreground()
    second = nest.foreground()
    assert second.communicate()[1] == f"homeport: another engine already owns {nest.home.root}\nhint: homeport status\n"
    assert second.returncode == 1
    first.send_signal(signal.SIGINT)
    first.communicate()
    assert first.returncode == 0


def test_after_a_kill_the_next_command_cleans_up_and_says_so_once(nest: Nest) -> None:
    client = nest.ensure()
    pid, child = pid_of(client), start(client, app()).pid
    assert child is not None
    nest.kill(pid)
    assert is_alive(child)
    assert os.path.exists(nest.home.socket)
    client = nest.ensure()
    assert pid_of(client) != pid
    assert not is_alive(child)
    client = running_engine(nest.home) or client
    assert client.apps.list() == []
    assert start(client, app()).state == "ready"
    client.apps.stop("web")


def test_what_was_left_over_is_told_to_one_client(nest: Nest) -> None:
    client = nest.ensure()
    start(client, app())
    nest.kill(pid_of(client))
    client = ensure_engine(nest.home)
    status = client.engine.status()
    assert status.engine is not None
    nest.pids.add(status.engine.pid)
    assert len(status.engine.warnings) == 1
    assert status.engine.warnings[0].startswith("web (")
    assert status.engine.warnings[0].endswith("was left over from an engine that died; it was stopped")
    again = running_engine(nest.home)
    assert again is not None
    assert again.engine.status().engine.warnings == []  # type: ignore[union-attr]


def test_a_command_that_starts_no_engine_cleans_up_too(nest: Nest) -> None:
    client = nest.ensure()
    child = start(client, app()).pid
    assert child is not None
    assert leftovers(nest.home) == []
    assert is_alive(child)
    nest.kill(pid_of(client))
    [sentence] = leftovers(nest.home)
    assert f"pid {child}" in sentence
    assert not is_alive(child)
    assert leftovers(nest.home) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_stop_apps_in_order_and_leave_nothing(nest: Nest, tmp_path: Path, number: int) -> None:
    client = nest.ensure()
    pid = pid_of(client)
    order = tmp_path / "order"
    command = f"trap 'echo NAME >> {order}; exit 0' TERM; echo armed; while :; do sleep 0.01; done"
    quiet = {"listens": "no", "ready": Ready(log="armed")}
    db = app("db", command.replace("NAME", "db"), **quiet)
    client.apps.start([db, app("api", command.replace("NAME", "api"), needs=["db"], **quiet)])
    states = [client.apps.wait(name) for name in ("db", "api")]
    assert [state.state for state in states] == ["ready", "ready"]
    os.kill(pid, number)
    assert nest.wait_for_end(pid) == 0
    assert order.read_text().split() == ["api", "db"]
    assert not any(is_alive(state.pid or 0) for state in states)
    assert not os.path.exists(nest.home.socket)
    with pytest.raises(HomeportError) as caught:
        client.engine.status()
    assert caught.value.code == "engine-unreachable"


def test_it_ends_when_nothing_needs_it(nest: Nest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOMEPORT_IDLE_EXIT_S", "0.2")
    client = nest.ensure()
    [pid] = nest.pids
    events = client.events()
    next(events)
    events.close()
    assert nest.wait_for_end(pid) == 0


def test_an_app_keeps_it_until_it_is_stopped(nest: Nest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOMEPORT_IDLE_EXIT_S", "0.2")
    client = nest.ensure()
    [pid] = nest.pids
    # It is ready after three times as long as the engine stays for nothing.
    start(client, app(command="sleep 0.6; echo here; sleep 60", ready=Ready(log="here"), listens="no"))
    client.apps.stop("web")
    assert nest.wait_for_end(pid) == 0


def test_streams_end_with_the_engine_after_the_last_states(nest: Nest) -> None:
    client = nest.ensure()
    [pid] = nest.pids
    start(client, app())
    events = client.events(kinds=["app"])
    assert next(events).state == "ready"  # type: ignore[union-attr]
    client.engine.stop()
    assert [event.state for event in events][-1] == "stopped"  # type: ignore[union-attr]
    assert nest.wait_for_end(pid) == 0


def test_children_get_nothing_that_opens_the_engine(nest: Nest, tmp_path: Path) -> None:
    client = nest.ensure()
    found = tmp_path / "found.json"
    code = (
        "import json, os, sys; fds = {fd: os.readlink(f'/proc/self/fd/{fd}') for fd in os.listdir('/proc/self/fd')"
        " if os.path.exists(f'/proc/self/fd/{fd}')}; json.dump([fds, dict(os.environ)], open(sys.argv[1], 'w'))"
    )
    client.apps.start([app("look", [sys.executable, "-c", code, str(found)])])
    assert client.apps.wait("look").exit_code == 0
    descriptors, environ = json.loads(found.read_text())
    token = Path(nest.home.token_file).read_text()
    assert token not in found.read_text()
    assert environ["HOMEPORT_URL"].startswith("http://127.0.0.1:")
    own = {descriptors["0"], descriptors["1"], descriptors["2"]}  # uvloop leaves second copies of these three open
    assert [what for what in descriptors.values() if what not in own and "/proc/" not in what] == []


def test_the_door_leads_to_the_app_and_the_dashboard_to_its_host_alone(nest: Nest) -> None:
    client = nest.ensure()
    start(client, app())
    assert get(client)[0] == 200
    assert get(client, "/@web/")[0] == 200
    assert get(client, host="web.localhost")[0] == 200
    status, page = get(client, host="homeport.localhost")
    assert (status, b"<html" in page) == (200, True)
    assert get(client, "/api/status", host="homeport.localhost")[0] == 401
    for path, host in (("/@homeport/api/status", ""), ("/api/status", "web.localhost"), ("/", "evil.test")):
        assert get(client, path, host)[0] in (404, 421)


def test_what_passes_is_recorded_and_outlives_a_kill(nest: Nest) -> None:
    client = nest.ensure()
    start(client, app())
    events = client.events("path:/seen*", kinds=["exchange"])
    for path in ("/other", "/seen?a=1"):
        assert get(client, path)[0] == 404
    seen = next(events)
    assert isinstance(seen, ExchangeSummary)
    assert (seen.path, seen.route, seen.status) == ("/seen?a=1", "web", 404)
    events.close()
    assert [one.path for one in client.traffic.list()] == ["/seen?a=1", "/other"]
    detail = client.traffic.show(seen.id)
    assert detail.request.line == "GET /seen?a=1 HTTP/1.1"
    body, media_type = client.traffic.body(seen.id, "response")
    assert b"404" in body
    assert media_type.startswith("text/html")
    assert any('"GET /seen?a=1 HTTP/1.1" 404' in line.text for line in client.logs.list("web"))
    with pytest.raises(HomeportError) as caught:
        client.traffic.list("methud:GET")
    assert caught.value.code == "bad-usage"
    nest.kill(pid_of(client))
    client = nest.ensure()
    assert [one.path for one in client.traffic.list()] == ["/seen?a=1", "/other"]
    assert get(client, "/later")[0] == 404  # nothing runs
    assert client.traffic.list(limit=1)[0].id > seen.id
    client.traffic.clear()
    assert client.traffic.list() == []


def test_a_kill_under_load_loses_nothing_that_was_seen(nest: Nest) -> None:
    client = nest.ensure()
    engine = client.engine.status().engine
    child = start(client, app()).pid
    assert engine is not None
    assert child is not None
    door = engine.url.removeprefix("http://")
    answered = [0] * 8
    enough = threading.Event()

    def visitor(number: int) -> None:
        connection = http.client.HTTPConnection(door, timeout=30)
        try:
            while True:
                connection.request("GET", f"/{number}")
                connection.getresponse().read()
                answered[number] += 1
                if sum(answered) > 200:
                    enough.set()
        except (OSError, http.client.HTTPException):
            connection.close()

    visitors = [threading.Thread(target=visitor, args=(number,)) for number in range(len(answered))]
    for thread in visitors:
        thread.start()
    enough.wait(30)
    seen = {one.id for one in client.traffic.list(limit=1000)}
    assert len(seen) >= 200
    nest.kill(engine.pid)
    for thread in visitors:  # none of them hangs
        thread.join(30)
        assert not thread.is_alive()
    client = nest.ensure()
    assert not is_alive(child)
    kept = client.traffic.list(limit=1000)
    assert seen <= {one.id for one in kept}
    assert len({one.id for one in kept}) == len(kept)
    recording = client.engine.status().engine.recording  # type: ignore[union-attr]
    assert (recording.problem, recording.lost) == ("", 0)


def test_a_client_is_known_by_its_process(nest: Nest) -> None:
    client = nest.ensure()
    engine = client.engine.status().engine
    assert engine is not None
    events = client.events(kinds=["exchange"])
    door = http.client.HTTPConnection(engine.url.removeprefix("http://"), timeout=10)
    door.request("GET", "/")  # nothing runs, which is an answer as well
    door.getresponse().read()
    exchange = next(events)
    door.close()
    events.close()
    assert isinstance(exchange, ExchangeSummary)
    assert exchange.process.endswith(f" ({os.getpid()})")


def test_the_dashboards_own_port_wants_the_token(nest: Nest) -> None:
    client = nest.ensure()
    address, _, key = client.engine.dashboard_port().removeprefix("http://").partition("/#enter=")
    assert client.engine.dashboard_port().startswith(f"http://{address}/")
    page = http.client.HTTPConnection(address, timeout=10)
    page.request("POST", "/api/enter", json.dumps({"key": key}), {"Content-Type": "application/json"})
    token = json.loads(page.getresponse().read())["token"]
    for headers, status in (({}, 401), ({"Authorization": f"Bearer {token}"}, 200)):
        page.request("GET", "/api/status", headers=headers)
        answer = page.getresponse()
        answer.read()
        assert answer.status == status
    page.close()


def test_the_door_moves_when_its_port_is_taken_and_says_who_has_it(nest: Nest, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        monkeypatch.setenv("HOMEPORT_DOOR", f"127.0.0.1:{port}")
        engine = nest.ensure().engine.status().engine
        assert engine is not None
        assert f"127.0.0.1:{port}" not in engine.doors
        assert f"127.0.0.1:{port} is taken by" in engine.warnings[0]
        assert f"(pid {os.getpid()})" in engine.warnings[0]
        assert engine.doors[0] in engine.warnings[0]


def test_mistakes_in_the_settings_reach_the_command(nest: Nest) -> None:
    nest.home.prepare()
    Path(nest.home.settings_file).write_text("dor = 1\n")
    with pytest.raises(HomeportError) as caught:
        ensure_engine(nest.home)
    assert (caught.value.code, caught.value.hint) == ("bad-config", "did you mean door?")
    assert caught.value.message.startswith(f"{nest.home.settings_file}, line 1")


def test_an_engine_that_dies_at_once_shows_the_end_of_its_log(nest: Nest, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import sys; sys.stderr.write('it broke\\nhere\\n'); sys.exit(3)"
    monkeypatch.setattr("homeport.control.launch.command", lambda home, fd: [sys.executable, "-c", code])
    with pytest.raises(HomeportError) as caught:
        ensure_engine(nest.home)
    assert caught.value.code == "engine-failed"
    assert caught.value.message.endswith("it broke\nhere")


def test_an_engine_that_never_answers_is_given_up(nest: Nest, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import time; time.sleep(600)"
    monkeypatch.setattr("homeport.control.launch.command", lambda home, fd: [sys.executable, "-c", code])
    with pytest.raises(HomeportError, match="in time") as caught:
        ensure_engine(nest.home, limit_s=0.3)
    assert caught.value.code == "engine-failed"


def test_an_engine_that_hangs_is_unreachable(nest: Nest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("homeport.control.client.Engine.hello.__defaults__", (0.3,))
    nest.ensure()
    [pid] = nest.pids
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(HomeportError) as caught:
            running_engine(nest.home)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert caught.value.code == "engine-unreachable"


@pytest.mark.parametrize("call", [ensure_engine, running_engine])
def test_a_home_that_others_may_enter_is_refused(nest: Nest, call: Callable[[Home], object]) -> None:
    os.mkdir(nest.home.root, 0o700)
    os.chmod(nest.home.root, 0o755)
    with pytest.raises(HomeportError) as caught:
        call(nest.home)
    assert caught.value.code == "unsafe-home"

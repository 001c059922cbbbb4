"""`homeport free` against real processes of our own: who ends, who survives, and what it asks."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.cli.fake_engine import FakeEngine, app, invoke
from tests.cli.test_who import server

if sys.platform != "linux":
    pytest.skip("ends real processes, found as on Linux", allow_module_level=True)

STUBBORN = """
import signal, socket, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
s = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print(s.getsockname()[1], flush=True)
signal.pause()
"""
# Starts a server again whenever it ends, until its standard input is closed.
KEEPER = """
import subprocess, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), stop.append(1), child[0].kill()), daemon=True).start()
stop, child, port = [], [], "0"
while not stop:
    child[:] = [subprocess.Popen([sys.executable, "-c", SERVER, port], stdout=subprocess.PIPE, text=True)]
    port = child[0].stdout.readline().strip() or port
    print(port, flush=True)
    child[0].wait()
"""
SERVER = """
import signal, socket, sys
s = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print(s.getsockname()[1], flush=True)
signal.pause()
"""


@contextmanager
def running(*words: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A child in a session of its own, and the port that it names."""
    child = subprocess.Popen(
        list(words), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert child.stdout
    try:
        yield child, int(child.stdout.readline())
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.communicate()


def test_a_listener_ends_and_its_client_lives() -> None:
    with running(sys.executable, "-c", SERVER, "0") as (child, port):
        with socket.create_connection(("127.0.0.1", port)):
            outcome = invoke(["free", str(port), "--yes"])
        assert child.wait() == -signal.SIGTERM
    assert outcome.status == 0
    assert f"port {port}: end python" in outcome.err
    assert "SIGTERM to its process group (1 process), which it leads" in outcome.err
    assert outcome.err.endswith(f"port {port} is free\n")


def test_the_shell_that_was_started_for_it_ends_too() -> None:
    with running("sh", "-c", f"{sys.executable} -c '{SERVER}' 0; exit 3") as (child, port):
        assert invoke(["free", str(port), "--yes"]).status == 0
        assert child.wait() == -signal.SIGTERM, "the group had it, so the rest of the line was not run"


def test_without_a_terminal_it_needs_a_yes() -> None:
    with server() as (_, port):
        outcome = invoke(["free", str(port)])
        assert outcome.status == 2
        assert f"hint: homeport free {port} --yes" in outcome.err
        assert invoke(["free", str(port), "--dry-run"]).status == 0
        plans = json.loads(invoke(["free", str(port), "--dry-run", "--json"]).out)
        assert invoke(["who", str(port)]).status == 0, "it lives"
    # Our own group; where the tests run in the background, whoever led it may be gone.
    reasons = ("since its process group is ours", "since the leader of its process group is gone or not its parent")
    assert plans[0]["endings"][0]["why"] in reasons


@pytest.mark.parametrize(("typed", "status"), [(b"n\n", 1), (b"y\n", 0)])
def test_on_a_terminal_it_asks(typed: bytes, status: int) -> None:
    ours, theirs = pty.openpty()
    with running(sys.executable, "-c", SERVER, "0") as (child, port), open(ours, "r+b", 0) as screen:
        words = [sys.executable, "-m", "homeport", "free", str(port)]
        asking = subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        shown = b""
        while b"end this? [y/N]" not in shown:
            shown += screen.read(4096)
        assert str(child.pid).encode() in shown
        screen.write(typed)
        assert asking.wait() == status
        assert (child.poll() is None) == bool(status)


def test_what_ignores_sigterm_ends_by_force_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("homeport.app.free.GRACE_S", 0.2)
    with running(sys.executable, "-c", STUBBORN, "0") as (child, port):
        outcome = invoke(["free", str(port), "--yes"])
        assert outcome.status == 1
        assert f"hint: homeport free {port} --force" in outcome.err
        assert child.poll() is None
        assert invoke(["free", str(port), "--yes", "--force"]).status == 0
        assert child.wait() == -signal.SIGKILL


def test_who_starts_it_again_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("homeport.app.free.RESTART_S", 20.0)
    code = f"SERVER = {SERVER!r}\n{KEEPER}"
    with running(sys.executable, "-c", code) as (child, port):
        outcome = invoke(["free", str(port), "--yes"])
    assert outcome.status == 1
    assert re.search(rf"error: port {port} is not free: python\S* \(pid \d+\) listens there now: ", outcome.err)
    assert f"(pid {child.pid})" in outcome.err


def test_we_do_not_end_ourselves() -> None:
    with socket.create_server(("127.0.0.1", 0)) as ours:
        port = ours.getsockname()[1]
        outcome = invoke(["free", str(port), "--yes", "--force"])
    assert outcome.status == 1
    assert f"(pid {os.getpid()}) is homeport itself or one of its ancestors" in outcome.err


def test_siblings_on_one_port_all_end() -> None:
    sharing = SERVER.replace(
        'create_server(("127.0.0.1", int(sys.argv[1])))',
        'create_server(("127.0.0.1", int(sys.argv[1])), reuse_port=True)',
    )
    with (
        running(sys.executable, "-c", sharing, "0") as (first, port),
        running(sys.executable, "-c", sharing, str(port)) as (second, _),
    ):
        assert invoke(["free", str(port), "--yes"]).status == 0
        assert first.wait() == second.wait() == -signal.SIGTERM


def test_an_app_of_the_engine_is_stopped_by_it() -> None:
    with server() as (pid, port):
        engine = FakeEngine(app("web", pid=pid, listens=[f"127.0.0.1:{port}"]))
        outcome = invoke(["free", str(port), "--dry-run"], engine)
    assert f"port {port}: stop the app web through homeport" in outcome.err


def test_nobody_listens() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        outcome = invoke(["free", str(port)])
    assert (outcome.status, outcome.err) == (0, f"port {port}: nobody listens\nport {port} is free already\n")


def test_not_a_port() -> None:
    assert invoke("free 0").status == invoke("free web").status == invoke("free").status == 2

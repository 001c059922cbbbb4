"""`homeport free` and the many who may stand on one port: clients, both families, other users, and those above us."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from tests.cli.fake_engine import Outcome, invoke
from tests.cli.test_free import SERVER, running

if sys.platform != "linux":
    pytest.skip("ends real processes, found as on Linux", allow_module_level=True)

CLIENT = """
import socket, sys
near = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
print(near.getsockname()[1], flush=True)
try: near.recv(1)
except ConnectionResetError: pass  # it waited in the backlog
print("closed", flush=True)
sys.stdin.read()
"""
ON_BOTH = """
import signal, socket
s = socket.create_server(("127.0.0.1", 0))
t = socket.create_server(("::1", s.getsockname()[1]), family=socket.AF_INET6)
print(s.getsockname()[1], flush=True)
signal.pause()
"""
ON_SIX = SERVER.replace('create_server(("127.0.0.1"', 'create_server(("::1"').replace(
    "])))", "])), family=socket.AF_INET6)"
)
# The listener is ours to hold, and the one who types the command is our child.
PARENT = """
import socket, subprocess, sys
s = socket.create_server(("127.0.0.1", 0))
port = str(s.getsockname()[1])
words = [sys.executable, "-m", "homeport", "free", port, "--yes", "--force"]
done = subprocess.run(words, capture_output=True, text=True)
print(port, flush=True)
print(done.returncode, done.stderr.replace("\\n", " "), flush=True)
"""
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user, which only root can")


def freed(port: int, *options: str) -> Outcome:
    return invoke(["free", str(port), "--yes", *options])


def test_a_client_of_the_port_lives_on() -> None:
    with (
        running(sys.executable, "-c", SERVER, "0") as (server, port),
        running(sys.executable, "-c", CLIENT, str(port)) as (client, _),
    ):
        assert freed(port, "--force").status == 0
        assert server.wait() == -signal.SIGTERM
        assert client.stdout
        assert client.stdout.readline() == "closed\n", "it only saw its connection end"
        assert client.poll() is None


def test_one_process_on_both_families() -> None:
    with running(sys.executable, "-c", ON_BOTH) as (server, port):
        outcome = freed(port)
        assert server.wait() == -signal.SIGTERM
    assert outcome.status == 0
    assert outcome.err.count("SIGTERM") == 1


def test_two_processes_each_on_a_family() -> None:
    with (
        running(sys.executable, "-c", SERVER, "0") as (four, port),
        running(sys.executable, "-c", ON_SIX, str(port)) as (six, _),
    ):
        outcome = freed(port)
        assert four.wait() == six.wait() == -signal.SIGTERM
    assert outcome.status == 0
    assert f"(pid {four.pid})" in outcome.err
    assert f"(pid {six.pid})" in outcome.err


def test_those_above_us_are_left_alone() -> None:
    with running(sys.executable, "-c", PARENT) as (parent, _):
        assert parent.stdout
        told = parent.stdout.readline()
        assert parent.wait() == 0
    assert told.startswith("1 ")
    assert f"(pid {parent.pid}) is homeport itself or one of its ancestors" in told


@as_root
def test_root_frees_the_port_of_another_user() -> None:
    # The interpreter that everybody may run: a virtual environment is often in a private folder.
    words = ["setpriv", "--reuid", "65534", "--clear-groups", os.path.realpath(sys.executable), "-I", "-c", SERVER, "0"]
    with running(*words) as (server, port):
        outcome = freed(port)
        assert server.wait() == -signal.SIGTERM
    assert outcome.status == 0


@as_root
def test_another_user_does_not_free_the_port_of_root() -> None:
    with running(sys.executable, "-c", SERVER, "0") as (server, port):
        invoke(["free", str(port), "--dry-run"])  # so that everything is imported: nobody may not read the files
        outcome = as_nobody(["free", str(port), "--yes", "--force"])
        assert server.poll() is None
    assert outcome.status == 1
    held = f"127.0.0.1:{port} is held by a process of root that may not be seen"
    assert f"port {port}: left alone: {held}\n" in outcome.err
    assert outcome.err.endswith(f"error: port {port} is not free: {held}\nhint: sudo homeport free {port}\n")


@as_root
def test_a_process_that_is_seen_and_not_ours_is_named() -> None:
    """Who may look at every process and signal none, as with CAP_SYS_PTRACE alone: nobody in the place of the user."""
    from homeport.app.free_plan import plan
    from homeport.machine.ports import this_computer

    with running(sys.executable, "-c", SERVER, "0") as (server, port):
        (refusal,) = plan(this_computer(), port, {}, user="nobody").refusals
        assert refusal.what.endswith(f"(pid {server.pid}) belongs to root")
        assert refusal.next == "sudo homeport free"


def as_nobody(words: list[str]) -> Outcome:
    """What the command says to a user without rights, in a process that gave its own up."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        outcome = invoke(words)
        os.write(writing, f"{outcome.status}\n{outcome.err}".encode())
        os._exit(0)
    os.close(writing)
    with open(reading, encoding="utf-8") as told:
        status, _, err = told.read().partition("\n")
    os.waitpid(child, 0)
    return Outcome(int(status or -1), "", err)

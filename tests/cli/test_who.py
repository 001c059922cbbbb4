"""`homeport who` against real sockets and processes of our own, and its sentences against made-up ones."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from homeport.cli.port_view import story_lines
from homeport.cli.terminal import Paint
from homeport.model.endpoint import Endpoint
from homeport.model.ports import PortStory, SocketFact
from tests.cli.fake_engine import Outcome, invoke

linux = pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")

SERVER = """
import os, socket, sys
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", 0)); s.listen()
for _ in range(int(sys.argv[1])):
    if os.fork() == 0: break
os.write(1, b"%d\\n" % s.getsockname()[1])
sys.stdin.read()
"""


@contextmanager
def server(*, workers: int = 0, cwd: Path | None = None, **environment: str) -> Iterator[tuple[int, int]]:
    """A process (and workers that share its socket): its pid and port."""
    child = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(workers)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env={**os.environ, **environment},
    )
    assert child.stdout
    try:
        ports = {int(child.stdout.readline()) for _ in range(workers + 1)}
        yield child.pid, ports.pop()
    finally:
        child.communicate()


def told(port: int | str) -> dict[str, object]:
    outcome = invoke(["who", str(port), "--json"])
    answer: dict[str, object] = json.loads(outcome.out)
    return answer


@linux
def test_the_story_of_a_listener(surroundings: Path) -> None:
    (surroundings / ".git").mkdir()
    (surroundings / ".git" / "HEAD").write_text("ref: refs/heads/new-till\n")
    with server(cwd=surroundings) as (pid, port):
        outcome = invoke(["who", str(port)])
    assert outcome.status == 0
    assert f"listens on port {port}\n" in outcome.out
    assert f"  127.0.0.1:{port}\n" in outcome.out
    assert f"(pid {pid}) of " in outcome.out
    assert f"  folder   {surroundings} (git branch new-till)\n" in outcome.out
    assert re.search(r"  since    \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(\d+ s ago\)", outcome.out)
    assert f"(pid {os.getpid()})" in outcome.out, "we are why it runs"
    assert "bind: 127.0.0.1 taken, ::1 free, 0.0.0.0 taken, :: free" in outcome.out
    assert f"next: homeport free {port}\n" in outcome.out


@linux
def test_workers_that_share_a_socket_are_all_holders() -> None:
    with server(workers=2) as (pid, port):
        story = told(port)
    holders: list[dict[str, dict[str, object]]] = story["holders"]  # type: ignore[assignment]
    assert holders[0]["process"]["pid"] == pid, "the parent comes first"
    assert len(holders) == 3
    assert {holder["process"]["parent"] for holder in holders[1:]} == {pid}


@linux
def test_families_and_siblings_are_told_apart() -> None:
    with socket.socket() as first, socket.socket() as sibling, socket.socket(socket.AF_INET6) as six:
        for one in (first, sibling):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        first.bind(("127.0.0.1", 0))
        port = first.getsockname()[1]
        sibling.bind(("127.0.0.1", port))
        six.bind(("::", port))
        for one in (first, sibling, six):
            one.listen()
        story, outcome = told(port), invoke(["who", f"[::1]:{port}"])
        assert [entry["endpoint"]["host"] for entry in story["listening"]] == [  # type: ignore[attr-defined]
            "127.0.0.1",
            "127.0.0.1",
            "::",
        ]
        assert f"[::]:{port}  IPv6 only  reachable from other computers" in outcome.out
        assert outcome.status == 0
        six.close()
        elsewhere = invoke(["who", f"[::1]:{port}"])
    assert elsewhere.status == 2
    assert f"nobody listens on [::1]:{port}; port {port} is used on another address" in elsewhere.out


@linux
def test_an_outgoing_connection_and_time_wait_are_in_the_way() -> None:
    with socket.create_server(("127.0.0.1", 0)) as far, socket.create_connection(far.getsockname()) as near:
        accepted, _ = far.accept()
        port = near.getsockname()[1]
        busy = invoke(["who", str(port)])
        near.close()
        assert accepted.recv(1) == b""
        accepted.close()
    assert busy.status == 2
    assert f"also: a connection from 127.0.0.1:{port} to 127.0.0.1:" in busy.out
    assert f"(pid {os.getpid()})" in busy.out
    assert "bind: 127.0.0.1 taken" in busy.out
    waiting = invoke(["who", str(port)])
    assert re.search(r"\d+ closed connections? in TIME_WAIT, about [3-6]\d s left", waiting.out)


@linux
def test_an_app_of_homeport_is_stopped_by_homeport() -> None:
    with server(HOMEPORT_APP="4f2a/web") as (_, port):
        outcome = invoke(["who", str(port)])
    assert "  why      homeport runs it as web\n" in outcome.out
    assert "next: homeport stop web\n" in outcome.out


def test_a_hidden_process_has_a_user_still() -> None:
    listener = SocketFact(endpoint=Endpoint("127.0.0.1", 5432), user="postgres")
    story = PortStory(port=5432, kind="registered", listening=(listener,), next="sudo homeport who 5432")
    lines = story_lines(story, Paint(False), 0)
    assert lines[0] == "a process of postgres that may not be seen listens on port 5432"
    assert "  127.0.0.1:5432  a process of postgres; root would see which" in lines


@pytest.mark.parametrize("place", ["x", "0", "70000", "::1:80", "example.org:80", "unix:/run/a", ""])
def test_not_a_place(place: str) -> None:
    outcome: Outcome = invoke(["who", place])
    assert outcome.status == 4
    assert outcome.err.startswith("error: ")


@linux
def test_the_quick_way_does_without_click_and_says_the_same() -> None:
    code = (
        "import sys; sys.argv[1:] = ['who', sys.argv[1]]; from homeport.cli import main\ntry: main()\nfinally: "
        "print(sorted({'click', 'rich', 'asyncio', 'dataclasses', 'psutil', 'subprocess'} & set(sys.modules)))"
    )
    with server() as (_, port):
        quick = subprocess.run([sys.executable, "-c", code, str(port)], capture_output=True, text=True)
        long_way = invoke(["who", str(port)])
    assert quick.returncode == 0
    assert quick.stdout.splitlines()[-1] == "[]"
    assert quick.stdout.splitlines()[0] == long_way.out.splitlines()[0]

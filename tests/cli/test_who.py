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
from homeport.model.fact import replace
from homeport.model.ports import PortStory, ProcessFact, ProcessStory, SocketFact
from homeport.model.ports_next import next_step
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


def test_root_reads_where_to_look_and_not_to_become_root() -> None:
    hidden = SocketFact(endpoint=Endpoint("0.0.0.0", 2024), user="root")
    known = PortStory(port=2024, kind="registered", listening=(hidden,), sees_all=True)
    text = "\n".join(story_lines(replace(known, next=next_step(known)), Paint(False), 0.0))
    assert "0.0.0.0:2024  a process of root outside of this container, or the kernel" in text
    assert "next: look outside of this container" in text
    assert "sudo" not in text


def test_siblings_and_workers_are_told_in_a_line() -> None:
    sockets = tuple(SocketFact(endpoint=Endpoint("127.0.0.1", 3000), pids=(pid,)) for pid in (7, 8, 9))
    story = PortStory(
        port=3000,
        kind="registered",
        listening=sockets,
        holders=(
            ProcessStory(process=ProcessFact(pid=7, name="nginx", user="root", parent=1)),
            ProcessStory(process=ProcessFact(pid=8, name="nginx", user="www", parent=7)),
            ProcessStory(process=ProcessFact(pid=9, name="nginx", user="www", parent=8)),
        ),
    )
    lines = story_lines(story, Paint(False), 0.0)
    assert "  127.0.0.1:3000  3 sockets, SO_REUSEPORT" in lines
    assert "  workers  pid 8, 9 of www" in lines
    assert sum("(pid" in line for line in lines) == 1


@linux
def test_an_address_beside_the_listener_is_told_as_free() -> None:
    with server() as (_, port):
        outcome = invoke(["who", f"[::1]:{port}"])
    assert outcome.status == 2
    assert f"next: a client gets there by 127.0.0.1:{port}; to bind, nothing is in the way\n" in outcome.out


@linux
def test_udp_is_told_although_nobody_listens() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        outcome = invoke(["who", str(port)])
    assert outcome.status == 2
    assert re.search(rf"also: UDP on 127.0.0.1:{port} is received by \S+ \(pid {os.getpid()}\)", outcome.out)


@linux
@pytest.mark.parametrize("is_reusing", [False, True])
def test_time_wait_is_in_the_way_as_it_really_is(is_reusing: bool) -> None:
    """What Linux asks of both sockets: see model/ports_next.py."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(is_reusing))
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            listener.accept()[0].close()
            assert client.recv(1) == b""
    outcome = invoke(["who", str(port)])
    told = "only of servers that do not set" if is_reusing else "even of servers that set"
    assert f"in the way {told} SO_REUSEADDR" in outcome.out
    assert f"bind: 127.0.0.1 {'free' if is_reusing else 'taken'}" in outcome.out


@pytest.mark.parametrize("text", ["abc", "70000", "0", "", "23001/tcp", "1 2"])
def test_what_is_no_port_is_answered_with_an_example(text: str) -> None:
    outcome = invoke(["who", text or " "])
    assert outcome.status == 4
    assert "is not a port from 1 to 65535" in outcome.err
    assert "hint: homeport who 3000" in outcome.err

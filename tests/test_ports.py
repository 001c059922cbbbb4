"""`from homeport import ports` and the pytest fixtures, against real engines and sockets."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from homeport import ports
from homeport.control.launch import running_engine
from homeport.machine.home import Home
from tests.engine_home import ended_with

OTHER = """
import sys
from homeport import ports
try:
    lease = ports.lease(sys.argv[1])
    print(lease.value, flush=True)
except ports.HomeportError as error:
    print(error.code, error.message, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def engine(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.chdir(tmp_path)
    with ended_with(home) as found:
        yield found


def other(name: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", OTHER, name], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def leased(home: Home) -> set[int]:
    client = running_engine(home)
    assert client
    return {state.port for state in client.leases.list()}


def test_importing_it_loads_nothing_heavy() -> None:
    heavy = "{'msgspec', 'asyncio', 'socket', 'click', 'rich', 'homeport.control', 'homeport.app', 'subprocess'}"
    for module in ("homeport.ports", "homeport.pytest_plugin"):
        code = f"import pytest, sys; old = set(sys.modules); import {module}; print((set(sys.modules) - old) & {heavy})"
        assert subprocess.check_output([sys.executable, "-c", code], text=True) == "set()\n"


def test_a_lease_ends_with_its_block(engine: Home) -> None:
    with ports.lease() as port, ports.lease(count=3) as three:
        assert leased(engine) == {port, *three}
        with socket.socket() as plain:
            plain.bind(("", port))
    assert leased(engine) == set()


def test_a_name_is_the_same_port_and_a_nested_block_does_not_end_the_outer(engine: Home) -> None:
    with ports.lease("web") as outer:
        with ports.lease("web") as inner:
            assert inner == outer
        assert leased(engine) == {outer}
    with ports.lease("web") as again:
        assert again == outer
    with ports.lease() as unnamed, ports.lease() as another:
        assert len({unnamed, another, outer}) == 3


def test_another_process_is_refused_the_name_here_and_has_it_elsewhere(engine: Home, tmp_path: Path) -> None:
    elsewhere = tmp_path / "worktree"
    elsewhere.mkdir()
    (elsewhere / ".git").write_text("gitdir: /x")
    with ports.lease("web") as port:
        with other("web", tmp_path) as refused:
            words = said(refused)
        assert words.startswith("name-taken the lease web")
        assert f"(pid {os.getpid()})" in words
        with other("web", elsewhere) as process:
            assert said(process) not in ("", str(port))


def test_a_process_that_is_killed_gives_its_name_free(engine: Home, tmp_path: Path) -> None:
    with other("web", tmp_path) as process:
        port = int(said(process))
        assert leased(engine) == {port}
        process.kill()
        process.wait()
        with ports.lease("web") as ours:  # asked right away: nobody waits for the news of an end
            assert ours == port


def test_a_fork_does_not_give_back_what_is_its_parents(engine: Home) -> None:
    with ports.lease() as port:
        lease = ports.lease()
        code = f"import os\n{FORKED}"
        assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "1"
        assert {port, lease.value} <= leased(engine)
        lease.release()
        lease.release()
        assert leased(engine) == {port}


FORKED = """
from homeport import ports
from homeport.control.launch import running_engine
from homeport.machine.home import Home
lease = ports.lease()
if os.fork() == 0:
    lease.release()
    os._exit(0)
os.wait()
print(sum(os.getpid() in [owner.pid for owner in one.owners] for one in running_engine(Home.find()).leases.list()))
"""


def test_an_engine_that_was_stopped_under_a_lease_is_no_trouble(engine: Home) -> None:
    """Giving back fails silently where nobody holds it any more, and the next lease starts a new engine."""
    with ports.lease("web") as port:
        client = running_engine(engine)
        assert client
        client.engine.stop()
    with ports.lease("web") as again:
        assert again == port


def test_a_lease_outlives_an_engine_that_was_killed(engine: Home) -> None:
    with ports.lease("web") as port, socket.create_server(("127.0.0.1", port)):
        client = running_engine(engine)
        state = client.engine.status().engine if client else None
        assert state
        while not os.path.exists(engine.leases):
            pass
        os.kill(state.pid, signal.SIGKILL)
        os.waitpid(state.pid, 0)
        with ports.lease() as another:
            assert leased(engine) == {port, another}
    assert leased(engine) == set()


def test_the_free_port_fixture(engine: Home, request: pytest.FixtureRequest) -> None:
    port = request.getfixturevalue("free_port")
    three = request.getfixturevalue("free_ports")(3)
    assert {port, *three} == leased(engine)


def test_freeing_what_nobody_has_is_free(engine: Home) -> None:
    with ports.lease() as port:
        assert ports.free(port).is_free


def test_a_place_that_is_none_is_bad_usage() -> None:
    with pytest.raises(ports.HomeportError) as caught:
        ports.who("nonsense:x")
    assert caught.value.code == "bad-usage"

"""`homeport who` beside a real tmux, a cron and containers that are real as far as the kernel can tell."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.test_free_tools import SERVER, running, tool, tools
from tests.cli.fake_engine import invoke

if sys.platform != "linux":
    pytest.skip("asks Linux", allow_module_level=True)

__all__ = ["tools"]

LIMIT_S = 30.0
PARENT = "import subprocess, sys; subprocess.run([sys.executable, *sys.argv[1:]])"
# Writes its port into the file that TOLD names, and ends when that file is gone.
TELLING = """
import os, select, socket
s = socket.create_server(("127.0.0.1", 0))
told = os.environ["TOLD"]
def stay():
    with open(told + ".part", "w") as file: file.write(str(s.getsockname()[1]))
    os.rename(told + ".part", told)
    while os.path.exists(told): select.select([], [], [], 0.05)
"""
DAEMON = """
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
stay()
"""


def number_in(path: Path) -> int:
    ends_s = time.monotonic() + LIMIT_S
    while not path.exists():
        assert time.monotonic() < ends_s
        os.sched_yield()
    return int(path.read_text())


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[list[str]]:
    """A tmux server of our own; the words that speak to it."""
    words = ["tmux", "-S", str(tmp_path / "tmux.sock"), "-f", "/dev/null"]
    yield words
    subprocess.run([*words, "kill-server"], capture_output=True)


def in_tmux(tmux: list[str], session: str, folder: Path, source: str) -> str:
    """What `who` says about a server that a new session of this tmux runs."""
    told, program = folder / "told", folder / "server.py"
    program.write_text(TELLING + source)
    command = f"TOLD={told} {sys.executable} {program}; cat"
    subprocess.run([*tmux, "new-session", "-d", "-s", session, command], check=True)
    outcome = invoke(["who", str(number_in(told))])
    told.unlink()
    return outcome.out


@pytest.mark.counterpart("tmux")
def test_the_session_of_tmux_is_named(tmux: list[str], tmp_path: Path) -> None:
    assert "in the tmux session shop (pid " in in_tmux(tmux, "shop", tmp_path, "stay()")


@pytest.mark.counterpart("tmux")
def test_a_daemon_that_left_tmux_is_still_told_to_come_from_there(tmux: list[str], tmp_path: Path) -> None:
    assert "left behind by a shell in the tmux session till" in in_tmux(tmux, "till", tmp_path, DAEMON)


def test_what_cron_started(tools: Path) -> None:
    cron = tools / "cron"
    cron.symlink_to(sys.executable)
    with running(str(cron), "-c", PARENT, "-c", SERVER) as (pid, port):
        outcome = invoke(["who", str(port)])
    assert f"started by cron (pid {pid})" in outcome.out


def test_docker_proxy_is_told_as_the_container(tools: Path) -> None:
    proxy = tools / "docker-proxy"
    proxy.symlink_to(sys.executable)
    tool(tools, "docker", "[ $1 = ps ] && printf '3f2a00000000\\tweb-1\\n'")
    with running(str(proxy), "-c", SERVER, "-host-port", "8080") as (_, port):
        outcome = invoke(["who", str(port)])
    assert "  why      for the container web-1, which publishes this port (Docker)\n" in outcome.out
    assert outcome.out.endswith("next: docker stop web-1\n")


def test_a_docker_that_hangs_keeps_no_answer_back(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("homeport.machine.ports_tools.ASK_LIMIT_S", 0.1)
    proxy = tools / "docker-proxy"
    proxy.symlink_to(sys.executable)
    for name in ("docker", "podman"):
        tool(tools, name, "exec tail -f /dev/null")
    with running(str(proxy), "-c", SERVER, "-host-port", "8080") as (_, port):
        outcome = invoke(["who", str(port)])
    assert "for a container that publishes this port (Docker)" in outcome.out

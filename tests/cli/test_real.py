"""The command line against a real engine with real apps: a developer's first ten minutes, and how they end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.error import HTTPError
from urllib.request import urlopen

import psutil
import pytest

from homeport.machine import this_machine
from homeport.machine.home import Home

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and shell lines of POSIX")

SERVER = """
import http.server, os, signal, sys
def stop(*_):
    print("bye", flush=True)
    sys.exit(5)
signal.signal(signal.SIGTERM, stop)
address = ("127.0.0.1", int(os.environ["PORT"]))
server = http.server.ThreadingHTTPServer(address, http.server.SimpleHTTPRequestHandler)
print("listening", flush=True)
server.serve_forever()
"""
LIMIT_S = 30.0


def homeport(*words: str, status: int | None = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "homeport", *words]
    result = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)
    assert status is None or result.returncode == status, result.stderr
    return result


@contextmanager
def in_foreground(*words: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "homeport", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def line_with(stream: IO[str] | None, text: str) -> str:
    assert stream is not None
    for line in stream:
        if text in line:
            return line
    raise AssertionError(f"{text!r} was never said")


def door() -> str:
    url: str = json.loads(homeport("status", "--json").stdout)["engine"]["url"]
    return url


def is_running(pid: int) -> bool:
    """A zombie does not run; where process 1 does not wait for orphans, one stays behind."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture(autouse=True)
def engine(surroundings: Path) -> Iterator[None]:
    (surroundings / "server.py").write_text(SERVER)
    (surroundings / "page.txt").write_text("a page\n")
    yield
    homeport("down")


def test_exit_status_and_output_of_a_command() -> None:
    result = homeport("run", "--", "sh", "-c", "echo hi; echo there >&2; exit 3", status=3)
    assert sorted(result.stdout.splitlines()) == ["hi", "there"]
    assert "exited with code 3" in result.stderr
    again = homeport("run", "--", "sh", "-c", "echo again", status=0)
    assert again.stdout == "again\n"


def test_a_command_that_does_not_exist() -> None:
    result = homeport("run", "--", "no-such-command-here", status=127)
    assert "no-such-command-here is not installed" in result.stderr
    assert "hint: " in result.stderr


def test_foreground_until_interrupt() -> None:
    with in_foreground("run", "--name", "web", "--requests", "--", sys.executable, "server.py") as process:
        ready = line_with(process.stderr, "web is ready")
        assert door() in ready
        with urlopen(f"{door()}/page.txt", timeout=LIMIT_S) as answer:
            assert answer.read() == b"a page\n"
        line_with(process.stdout, "/page.txt")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 5, "the exit status is the app's"
    assert "bye" in out
    assert "stopping web" in err


def test_background_and_what_was_recorded() -> None:
    started = homeport("run", "-d", "--name", "web", "--", sys.executable, "server.py")
    assert started.stdout.startswith("web  http://127.0.0.1:")
    with urlopen(f"{door()}/page.txt?x=1", timeout=LIMIT_S) as answer:
        assert answer.status == 200
    listed = json.loads(homeport("requests", "--json", "path:/page.txt").stdout)
    assert [(one["method"], one["status"], one["route"]) for one in listed] == [("GET", 200, "web")]
    number = str(listed[0]["id"])
    assert homeport("show", number, "--body", "response").stdout == "a page\n"
    assert "GET /page.txt?x=1 HTTP/1.1" in homeport("show", number).stdout
    assert "listening" in homeport("logs", "web").stdout
    homeport("restart", "web")
    assert homeport("stop").stderr == "stopped web\n"
    assert homeport("stop").stderr == "nothing to stop\n"


def test_a_second_terminal_follows_and_leaves_it_running() -> None:
    homeport("run", "-d", "--name", "web", "--", sys.executable, "server.py")
    with in_foreground("run", "--name", "web", "--", sys.executable, "server.py") as process:
        line_with(process.stderr, "web ran already")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=LIMIT_S)
    assert json.loads(homeport("status", "--json").stdout)["apps"][0]["state"] == "ready"


def test_project_of_three_with_an_end_of_one(surroundings: Path) -> None:
    python = sys.executable
    (surroundings / "Procfile").write_text(
        f"web: {python} server.py\napi: {python} server.py\njob: echo working; exit 4\n"
    )
    with in_foreground() as process:
        assert "Procfile" in line_with(process.stderr, "shop:")
        waited_for = ["job │ working", "listening", "listening"]  # whichever comes first
        while waited_for:
            line = line_with(process.stdout, "")
            if text := next((text for text in waited_for if text in line), ""):
                waited_for.remove(text)
        line_with(process.stderr, "job exited with code 4")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=LIMIT_S)
    assert process.returncode == 4, "the first that failed decides"


def test_what_befell_a_request_befalls_it_again() -> None:
    homeport("serve", "-d", "--name", "files", ".")
    homeport(
        "net", "set", "files", "http-error=503", "http-share=50%", "up.latency=5ms", "up.jitter=5ms", "--seed", "2"
    )
    for _ in range(6):
        try:
            urlopen(f"{door()}/page.txt", timeout=LIMIT_S).close()
        except HTTPError as error:
            error.close()
    felt = json.loads(homeport("requests", "--json", "conditions:http-error").stdout)
    assert {one["status"] for one in felt} == {200, 503}
    for one in felt:
        told = json.loads(homeport("net", "replay", str(one["id"]), "--json").stdout)
        assert told["same"], told
        assert told["compared"]
        again = json.loads(homeport("show", str(told["now"]), "--json").stdout)["summary"]
        assert (again["status"], again["path"]) == (one["status"], "/page.txt")


def test_directory() -> None:
    homeport("serve", "-d", "--name", "files", ".")
    with urlopen(f"{door()}/page.txt", timeout=LIMIT_S) as answer:
        assert answer.read() == b"a page\n"


def test_down_returns_when_the_home_is_at_rest(home: Path) -> None:
    homeport("serve", "-d", ".")
    homeport("down")
    lock = this_machine().lock_file(Home.find().lock)
    assert lock, "an engine still owns the home"
    lock.release()


def test_killed_engine_leaves_nothing_unnoticed() -> None:
    homeport("run", "-d", "--name", "web", "--", sys.executable, "server.py")
    status = json.loads(homeport("status", "--json").stdout)
    os.kill(status["engine"]["pid"], signal.SIGKILL)
    told = homeport("status")
    assert "web" in told.stderr
    assert "was left over" in told.stderr
    assert told.stdout == "nothing runs\n"
    assert not is_running(status["apps"][0]["pid"])


def test_engine_in_the_foreground() -> None:
    with in_foreground("engine") as process:
        while json.loads(homeport("status", "--json").stdout)["engine"] is None:
            assert process.poll() is None
        assert json.loads(homeport("status", "--json").stdout)["engine"]["pid"] == process.pid
        assert "another engine already owns" in homeport("engine", status=1).stderr
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT_S) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="finds the holder as on Linux")
def test_the_port_of_an_app_is_freed_through_the_engine() -> None:
    homeport("run", "-d", "--name", "web", "--", sys.executable, "server.py")
    state = json.loads(homeport("status", "--json").stdout)["apps"][0]
    port = state["listens"][0].rpartition(":")[2]
    assert "next: homeport stop web" in homeport("who", port).stdout
    assert "stop the app web through homeport" in homeport("free", port, "--yes").stderr
    assert json.loads(homeport("status", "--json").stdout)["apps"][0]["state"] == "stopped"
    homeport("who", port, status=2)

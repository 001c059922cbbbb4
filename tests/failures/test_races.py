"""Two at once, and homes and ports that are not as they should be."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.failures.stage import LIMIT_S, ORIGIN, Stage, until


def test_four_engines_race_for_one_home(stage: Stage) -> None:
    words = [sys.executable, "-m", "homeport.build", "--foreground", "--home", stage.home.root]
    racers = [subprocess.Popen(words, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    until(lambda: sum(racer.poll() is not None for racer in racers) == 3, "more than one engine lives")
    [winner] = [racer for racer in racers if racer.poll() is None]
    for racer in racers:
        if racer is not winner:
            assert racer.returncode == 1
            assert "another engine already owns" in racer.communicate()[1]
    engine = until(lambda: os.path.exists(stage.home.socket) and stage.status()["engine"])
    assert engine["pid"] == winner.pid
    stage.homeport("down")
    assert winner.wait(LIMIT_S) == 0
    winner.communicate()


def test_eight_commands_start_at_the_same_moment(stage: Stage) -> None:
    def run(number: int) -> tuple[str, str]:
        result = stage.homeport("run", "-d", "--name", f"app{number}", "--", *ORIGIN)
        return result.stdout, result.stderr

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(run, range(8)))
    assert [err for _, err in results if "Traceback" in err or "error" in err] == []
    status = stage.status()
    assert sorted(app["route"] for app in status["apps"]) == [f"app{number}" for number in range(8)]
    assert {app["state"] for app in status["apps"]} == {"ready"}
    assert len({app["port"] for app in status["apps"]}) == 8
    engines = [line for line in stage.processes().values() if "homeport.build" in line]
    assert len(engines) == 1


def test_the_same_command_twice_at_the_same_moment(stage: Stage) -> None:
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: stage.homeport("run", "-d", "--name", "web", "--", *ORIGIN), range(2)))
    assert both[0].stdout == both[1].stdout
    assert len(stage.status()["apps"]) == 1
    assert len([line for line in stage.processes().values() if "origin.py" in line]) == 1


def test_down_while_another_command_starts(stage: Stage) -> None:
    """Either comes first; never half of each."""
    for _ in range(3):
        stage.homeport("run", "-d", "--name", "web", "--", *ORIGIN)
        down = stage.popen("down", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        run = stage.popen("run", "-d", "--name", "web", "--", *ORIGIN, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for process in (down, run):
            _, err = process.communicate(timeout=LIMIT_S)
            assert "Traceback" not in err
            assert "made a mistake" not in err, err
        status = stage.status()
        running = [app for app in status["apps"] if app["state"] == "ready"]
        assert bool(running) == any("origin.py" in line for line in stage.processes().values())


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701])
def test_a_home_that_others_may_enter(stage: Stage, mode: int) -> None:
    os.mkdir(stage.home.root)
    os.chmod(stage.home.root, mode)
    try:
        for words in (("status",), ("run", "-d", "--", "sleep", "60"), ("logs",), ("engine",)):
            told = stage.homeport(*words, status=1)
            assert f"is open to other users (mode {mode:04o})" in told.stderr
            assert f"hint: chmod 700 {stage.home.root}" in told.stderr
        assert os.listdir(stage.home.root) == []
    finally:
        os.chmod(stage.home.root, 0o700)
    assert stage.homeport("status").stdout == "nothing runs\n"


def test_a_home_that_is_no_folder(stage: Stage) -> None:
    with open(stage.home.root, "w") as file:
        file.write("not a folder")
    for words in (("status",), ("run", "-d", "--", "sleep", "60")):
        told = stage.homeport(*words, status=None)
        assert "Traceback" not in told.stderr
        if words[0] == "run":
            assert told.returncode == 1
            assert "is not a folder" in told.stderr
    os.unlink(stage.home.root)


def test_a_door_that_is_taken(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    holder = (
        "import socket, sys; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        port = int(other.stdout.readline())
        monkeypatch.setenv("HOMEPORT_DOOR", f"127.0.0.1:{port}")
        started = stage.homeport("run", "-d", "--name", "web", "--", *ORIGIN)
        found = re.search(
            rf"127\.0\.0\.1:{port} is taken by (.*); the door is (127\.0\.0\.1:\d+) instead", started.stderr
        )
        assert found, started.stderr
        assert f"(pid {other.pid})" in found[1]
        assert f"127.0.0.1:{port} is taken by" in stage.homeport("status").stdout
        engine = json.loads(stage.homeport("status", "--json").stdout)["engine"]
        assert engine["doors"][0] == found[2]
        assert port < int(found[2].rpartition(":")[2]) <= port + 100
        with socket.create_connection(("127.0.0.1", int(found[2].rpartition(":")[2]))) as client:
            client.sendall(b"GET /hello HTTP/1.1\r\nHost: web.localhost\r\n\r\n")
            assert client.recv(65536).endswith(b"hello")
        other.communicate("\n")

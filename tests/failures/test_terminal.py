"""The command in the foreground and the ways a terminal ends it: Ctrl-C, again, closed, killed, its reader gone."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from typing import Any

import pytest

from homeport.control.launch import running_engine
from tests.failures.stage import LIMIT_S, ORIGIN, Stage, runs, until

POLITE = """
import os, signal, sys, time
def bye(*_):
    print("bye", flush=True)
    sys.exit(7)
signal.signal(signal.SIGTERM, bye)
print("here", flush=True)
while True:
    time.sleep(600)
"""
DEAF = POLITE.replace("signal.SIGTERM, bye", "signal.SIGTERM, lambda *_: print('no', flush=True)")
CHATTY = POLITE.replace("time.sleep(600)", "time.sleep(0.01); print('chat', flush=True)")


class Terminal:
    """A real terminal with one command in its foreground."""

    def __init__(self, stage: Stage, *words: str) -> None:
        self.screen, theirs = pty.openpty()
        self.shown = ""

        def own() -> None:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            [sys.executable, "-m", "homeport", *words],
            cwd=stage.folder,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "NO_COLOR": "1"},
            start_new_session=True,
            preexec_fn=own,  # the kernel then sends it SIGINT for Ctrl-C, and SIGHUP when the screen is closed
        )
        os.close(theirs)

    def press(self, key: bytes) -> None:
        os.write(self.screen, key)

    def until(self, text: str, count: int = 1) -> None:
        ends_s = time.monotonic() + LIMIT_S
        while self.shown.count(text) < count:
            assert time.monotonic() < ends_s, self.shown
            if select.select([self.screen], [], [], 0.1)[0]:
                self._read()

    def end(self) -> int:
        ends_s = time.monotonic() + LIMIT_S
        while self.process.poll() is None:
            assert time.monotonic() < ends_s, self.shown
            if select.select([self.screen], [], [], 0.05)[0]:
                self._read()
        while select.select([self.screen], [], [], 0)[0] and self._read():
            pass
        return self.process.returncode

    def close(self) -> None:
        os.close(self.screen)
        self.screen = -1

    def _read(self) -> bytes:
        try:
            data = os.read(self.screen, 65536)
        except OSError:
            return b""  # the other side is closed
        self.shown += data.decode("utf-8", "replace")
        return data


@pytest.fixture
def terminal(stage: Stage) -> Iterator[Any]:
    opened: list[Terminal] = []

    def run(source: str, *words: str) -> Terminal:
        script = stage.folder / "app.py"
        script.write_text(source)
        words = words or ("run", "--name", "web", "--ready", "log:here", "--", sys.executable, str(script))
        opened.append(Terminal(stage, *words))
        return opened[-1]

    yield run
    for one in opened:
        one.process.kill()
        one.process.wait()
        if one.screen >= 0:
            one.close()
    stage.homeport("down")


def app_pid(stage: Stage) -> int:
    [app] = stage.status()["apps"]
    return int(app["pid"])


def test_ctrl_c_stops_the_app_and_shows_its_last_words(stage: Stage, terminal: Any) -> None:
    shell = terminal(POLITE)
    shell.until("web is ready")
    pid = app_pid(stage)
    shell.press(b"\x03")
    assert shell.end() == 7, "the exit status is the app's"
    assert "stopping web" in shell.shown
    assert "bye" in shell.shown
    assert not runs(pid)
    assert "Traceback" not in shell.shown


def test_a_second_ctrl_c_kills(stage: Stage, terminal: Any) -> None:
    shell = terminal(DEAF)
    shell.until("web is ready")
    pid = app_pid(stage)
    shell.press(b"\x03")
    shell.until("no\r\n")
    assert runs(pid)
    shell.press(b"\x03")
    assert shell.end() == 128 + signal.SIGKILL
    assert not runs(pid)
    engine = running_engine(stage.home)
    assert engine is not None
    said = [line.text for line in engine.logs.list("web") if line.stream == "homeport"]
    assert [text for text in said if "did not end within" in text] == [], "it was not killed, its time had run out"


def test_ctrl_c_while_the_engine_starts_leaves_no_app(
    stage: Stage, terminal: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOMEPORT_IDLE_EXIT_S", "1")
    shell = terminal(POLITE)
    until(lambda: os.path.exists(stage.home.lock))
    shell.press(b"\x03")
    assert shell.end() != 0
    assert "Traceback" not in shell.shown
    assert [app for app in stage.status()["apps"] if app["state"] == "ready"] == []


@pytest.mark.parametrize("how", ["closed", "killed"])
def test_a_terminal_that_goes_away_leaves_the_app_running(stage: Stage, terminal: Any, how: str) -> None:
    shell = terminal(CHATTY)
    shell.until("chat", 3)
    pid = app_pid(stage)
    if how == "closed":
        shell.close()
        assert shell.process.wait(LIMIT_S) == 129
    else:
        shell.process.kill()
        shell.process.wait()
    before = stage.homeport("logs", "web").stdout.count("chat")
    until(lambda: stage.homeport("logs", "web").stdout.count("chat") > before, "the app says nothing any more")
    assert app_pid(stage) == pid
    again = terminal("", "run", "--name", "web", "--ready", "log:here", "--", sys.executable,
                     str(stage.folder / "app.py"))  # fmt: skip
    again.until("ran already")
    again.press(b"\x03")
    again.end()
    assert runs(pid), "what another terminal started goes on"
    stage.homeport("stop", "web")
    assert not runs(pid)


def test_a_reader_that_has_seen_enough(stage: Stage) -> None:
    """`homeport run … | head -1`: nobody asked to stop the app, and nobody is left to wonder about it."""
    script = stage.folder / "app.py"
    script.write_text(CHATTY)
    reading, writing = os.pipe()
    command = ("run", "--name", "web", "--ready", "log:here", "--", sys.executable, str(script))
    process = stage.popen(*command, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert os.read(reading, 4)
    pid = app_pid(stage)
    os.close(reading)
    _, err = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 141
    assert "Traceback" not in err
    assert "Exception" not in err
    assert "web goes on in the background; homeport stop ends it" in err
    assert app_pid(stage) == pid
    stage.homeport("down")


@pytest.mark.parametrize("words", [("status",), ("requests",), ("logs",), ("--help",), ("status", "--json")])
def test_answers_into_a_closed_pipe(stage: Stage, words: tuple[str, ...]) -> None:
    stage.homeport("run", "-d", "--name", "web", "--", *ORIGIN)
    reading, writing = os.pipe()
    os.close(reading)
    process = stage.popen(*words, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    err = process.communicate(timeout=LIMIT_S)[1]
    assert err in ("", "no request was recorded yet\n")
    assert process.returncode in (0, 141) or words == ("--help",), "click has a status of its own for that"
    stage.homeport("down")


def test_the_engine_dies_under_a_foreground_command(stage: Stage, terminal: Any) -> None:
    shell = terminal(POLITE)
    shell.until("web is ready")
    status = stage.status()
    os.kill(status["engine"]["pid"], signal.SIGKILL)
    assert shell.end() == 1
    assert "the engine is gone" in shell.shown
    assert "homeport status" in shell.shown
    assert "web (" in stage.homeport("status").stderr
    assert not runs(status["apps"][0]["pid"])

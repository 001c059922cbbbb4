"""`homeport ports --watch`: changes between two looks, the picture on a screen, and a real one at real listeners."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import IO

import pytest

from homeport.app.ports import PortRow
from homeport.app.ports_watch import EVERY_S, SHOWN_S, Change, Picture, changes, watch
from homeport.cli.port_watch import frame, line
from homeport.cli.session import Session
from homeport.cli.terminal import Terminal
from tests.cli.fake_engine import FakeConnect, FakeScreen

LIMIT_S = 30.0


def row(port: int, pid: int = 9, **more: object) -> PortRow:
    values = {"protocol": "tcp", "address": "127.0.0.1", "kind": "registered", "process": "node", **more}
    return PortRow(port=port, pid=pid, pids=(pid,), processes=1, **values)  # type: ignore[arg-type]


def test_what_closed_comes_before_what_opened() -> None:
    told = changes([row(1), row(2)], [row(2), row(3)])
    assert [(one.change, one.row.port) for one in told] == [("closed", 1), ("opened", 3)]
    assert [one.change for one in changes([row(1)], [row(1, pid=10)])] == ["closed", "opened"], "another process"


def test_it_looks_once_a_second_and_says_nothing_twice() -> None:
    listings = iter([[row(1)], [row(1)], [row(1), row(2)]])
    paused: list[float] = []
    batches = list(islice(watch(lambda: next(listings), paused.append), 3))
    assert [[(one.change, one.row.port) for one in batch] for batch in batches] == [
        [("present", 1)],
        [],
        [("opened", 2)],
    ]
    assert paused == [EVERY_S, EVERY_S]


def test_changes_are_marked_for_a_moment() -> None:
    picture = Picture()

    def at(now_s: float, *batch: Change) -> list[tuple[int, str]]:
        return [(seen.row.port, seen.mark) for seen in picture.take(batch, now_s)]

    assert at(0, Change(change="present", row=row(2)), Change(change="present", row=row(1))) == [(1, ""), (2, "")]
    assert at(1, Change(change="closed", row=row(1)), Change(change="opened", row=row(3))) == [
        (1, "closed"),
        (2, ""),
        (3, "opened"),
    ]
    assert at(1 + SHOWN_S) == [(2, ""), (3, "")]


def test_a_frame_fits_the_screen() -> None:
    terminal = Terminal(FakeScreen(), FakeScreen())
    terminal.no_colour = True
    rows = Picture().take([Change(change="present", row=row(port)) for port in range(1, 31)], 0)
    lines = frame(rows, terminal, 10)
    assert len(lines) == 10
    assert lines[-2] == "… and 23 more; a FILTER shows fewer"
    assert lines[-1] == "30 sockets, Ctrl-C ends"
    assert frame([], terminal, 10) == ["0 sockets, Ctrl-C ends"]


def test_a_line_for_a_change() -> None:
    session = Session(FakeConnect(None), Terminal(FakeScreen(), FakeScreen()))
    session.terminal.no_colour = True
    change = Change(change="opened", row=row(3000, address="::1", user="ann", folder="/shop"))
    at = time.struct_time((2026, 11, 23, 14, 3, 21, 0, 327, 0))
    assert line(change, session, at) == "+ 14:03:21  tcp [::1]:3000  node (pid 9)  of ann  from /shop"


@contextmanager
def watching(*options: str, stdout: int = subprocess.PIPE) -> Iterator[subprocess.Popen[bytes]]:
    words = [sys.executable, "-m", "homeport", "ports", "--watch", str(os.getpid()), *options]
    child = subprocess.Popen(words, stdout=stdout, stderr=subprocess.PIPE, start_new_session=True)
    try:
        yield child
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=LIMIT_S)
        assert (child.returncode, said.strip()) == (130, b""), "Ctrl-C ends it without a word"
    finally:
        child.kill()
        child.communicate()


def read_until(stream: IO[bytes] | int, text: bytes) -> bytes:
    descriptor = stream if isinstance(stream, int) else stream.fileno()
    seen, ends_s = b"", time.monotonic() + LIMIT_S
    while text not in seen:
        assert time.monotonic() < ends_s, seen
        if select.select([descriptor], [], [], 0.1)[0]:
            seen += os.read(descriptor, 65536)
    return seen


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
def test_lines_for_whoever_reads_a_pipe() -> None:
    with socket.create_server(("127.0.0.1", 0)) as first, watching() as child:
        assert child.stdout
        assert b"  " in read_until(child.stdout, b":%d  " % first.getsockname()[1])[:2]
        second = socket.create_server(("::1", 0), family=socket.AF_INET6)
        place = b"tcp [::1]:%d  " % second.getsockname()[1]
        assert read_until(child.stdout, place).startswith(b"+ ")
        second.close()
        assert read_until(child.stdout, place).startswith(b"- ")


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
def test_objects_for_programs() -> None:
    with socket.create_server(("127.0.0.1", 0)) as first, watching("--json") as child:
        assert child.stdout
        told = json.loads(read_until(child.stdout, b"}}\n").splitlines()[0])
        assert (told["change"], told["row"]["port"]) == ("present", first.getsockname()[1])
        assert told["row"]["pids"] == [os.getpid()]


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
def test_a_screen_is_drawn_again_in_its_place() -> None:
    import pty

    ours, theirs = pty.openpty()
    with socket.create_server(("127.0.0.1", 0)), watching(stdout=theirs):
        read_until(ours, b"1 socket, Ctrl-C ends")
        with socket.create_server(("127.0.0.1", 0)) as second:
            again = read_until(ours, b"2 sockets, Ctrl-C ends")
            assert b"\x1b[3F" in again, "back over header, row and footer"
            assert b"+" in again
            assert str(second.getsockname()[1]).encode() in again
        read_until(ours, b"1 socket, Ctrl-C ends")
    os.close(ours)
    os.close(theirs)

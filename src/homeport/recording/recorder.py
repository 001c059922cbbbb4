"""The recorder process: reads batches from the engine, keeps them, answers questions, and forgets in its idle time.

One thread, one socket, one store; no event loop, so that it stays small. It ends when the engine's side of the socket
is closed, whatever became of the engine, and only after everything that had been sent is in the store.
"""

from __future__ import annotations

import os
import select
import signal
import socket
from pathlib import Path

import msgspec

from homeport.model.settings import Settings
from homeport.recording import channel
from homeport.recording.answers import Answers
from homeport.recording.clients import Clients, Who
from homeport.recording.keeper import Keeper

_READ_BYTES = 256 * 1024
_IDLE_S = 0.02  # of silence, before forgetting begins
_REST_S = 600.0  # the longest sleep: age is checked then


def main(fd: int, path: str, settings: Settings, who: Who | None = None) -> None:
    """The whole life of the process. `fd` is its end of the socket pair, `path` the store."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # the engine decides when it is over, by closing the socket
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    os.umask(0o077)
    if os.name == "posix":
        inherited, fd = fd, os.dup(fd)  # an engine with many connections hands down a number that select cannot take
        os.close(inherited)
    with socket.socket(fileno=fd) as sock:
        sock.setblocking(True)
        Recorder(sock, Path(path), settings, who).run()


class Recorder:
    """The loop. Owns everything that the process has."""

    def __init__(self, sock: socket.socket, path: Path, settings: Settings, who: Who | None) -> None:
        self._sock = sock
        self._keeper = Keeper(path, settings)
        self._answers = Answers(self._keeper)
        self._clients = Clients(who, int(settings.door.rpartition(":")[2] or 0))
        self._frames = channel.FrameReader()
        self._encoder = msgspec.msgpack.Encoder()
        self._reported: channel.Report | None = None

    def run(self) -> None:
        self._keeper.open()
        try:
            self._send(channel.HELLO, channel.Ready(*self._keeper.numbers()))
            while self._turn():
                pass
        except (BrokenPipeError, ConnectionResetError):
            pass  # the engine was killed while it was being answered
        self._keeper.close()

    def _turn(self) -> bool:
        """Read what has come, then do what is due; whether the engine is still there."""
        is_readable = bool(select.select([self._sock], [], [], self._patience_s())[0])
        if is_readable:
            data = self._sock.recv(_READ_BYTES)
            if not data:
                return False
            for kind, payload in self._frames.feed(data):
                self._hear(kind, payload)
        if self._keeper.commit_due_in_s == 0.0:
            self._keeper.commit()
        if self._answers.is_busy:
            self._answer(self._answers.step())
        elif not is_readable and self._keeper.commit_due_in_s is None:
            self._keeper.tidy()
        self._report()
        return True

    def _patience_s(self) -> float:
        """How long to wait for the engine before something else is due."""
        if self._answers.is_busy:
            return 0.0
        if (due_s := self._keeper.commit_due_in_s) is not None:
            return due_s
        idle_work_in_s = self._keeper.idle_work_in_s
        return _REST_S if idle_work_in_s is None else max(_IDLE_S, idle_work_in_s)

    def _hear(self, kind: int, payload: bytes) -> None:
        if kind == channel.BATCH:
            self._keep(msgspec.msgpack.decode(payload, type=channel.Batch))
        elif kind == channel.ASK:
            self._answer(self._answers.ask(msgspec.msgpack.decode(payload, type=channel.Ask)))
        elif kind == channel.WATCH:
            self._answers.watch(msgspec.msgpack.decode(payload, type=channel.Watch))
        elif kind == channel.NEWCOMER:
            self._clients.greet(msgspec.msgpack.decode(payload, type=channel.Newcomer))

    def _keep(self, batch: channel.Batch) -> None:
        if self._keeper.write(batch, self._clients.name_of):
            numbers = [exchange.id for exchange in batch.running]
            numbers += [exchange.id for exchange in batch.closed]
            for news in self._answers.news(numbers):
                self._send(channel.NEWS, news)

    def _answer(self, answer: channel.Answer | None) -> None:
        if answer is not None:
            self._send(channel.ANSWER, answer)

    def _report(self) -> None:
        """Say how things stand, where that has changed."""
        report = channel.Report(self._keeper.done, self._keeper.state())
        if report != self._reported:
            self._reported = report
            self._send(channel.STATE, report)

    def _send(self, kind: int, value: object) -> None:
        self._sock.sendall(channel.frame(kind, self._encoder.encode(value)))

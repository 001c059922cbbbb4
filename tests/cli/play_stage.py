"""`homeport echo` and `connect` as processes: with pipes, or in the foreground of a real terminal."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import pty
import select
import ssl
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LIMIT_S = 20.0
HOMEPORT = [sys.executable, "-m", "homeport"]


def connect(*words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """One conversation with pipes."""
    return subprocess.run([*HOMEPORT, "connect", *words], input=stdin, capture_output=True, timeout=LIMIT_S)


class EchoProcess:
    """`homeport echo --json` and what it told so far."""

    def __init__(self, *words: str) -> None:
        command = [*HOMEPORT, "echo", "--json", *words]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout
        self.listening = json.loads(self.process.stdout.readline())
        self.place: str = self.listening["endpoints"][0]
        self._out: list[str] = []
        # Read all the time: a full pipe would hold the server up.
        self._reading = threading.Thread(target=self._out.extend, args=(self.process.stdout,))
        self._reading.start()

    def stop(self) -> tuple[list[dict[str, Any]], str]:
        """Ctrl-C; the rest of the events, and what it said at the end."""
        assert self.process.stdout
        assert self.process.stderr
        if self.process.poll() is None:
            self.process.send_signal(2)
        self._reading.join(LIMIT_S)
        err = self.process.stderr.read()
        assert self.process.wait(LIMIT_S) == 0, err
        self.process.stdout.close()
        self.process.stderr.close()
        return [json.loads(line) for line in self._out], err


@contextmanager
def echo(*words: str) -> Iterator[EchoProcess]:
    started = EchoProcess(*words)
    try:
        yield started
    finally:
        if started.process.stdout and not started.process.stdout.closed:
            started.stop()


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextmanager
def serving(serve: Serve, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> Iterator[int]:
    """A server of the test's own in a thread with its own loop; yields its port."""
    loop = asyncio.new_event_loop()
    ready: list[int] = []
    started, ended = threading.Event(), asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
            writer.close()
            await writer.wait_closed()
        except OSError:
            pass
        finally:
            writer.transport.abort()

    async def run() -> None:
        server = await asyncio.start_server(answer, host, 0, ssl=tls)
        ready.append(server.sockets[0].getsockname()[1])
        started.set()
        await ended.wait()
        server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # transports close in the loop's next round

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    assert started.wait(LIMIT_S)
    try:
        yield ready[0]
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(LIMIT_S)
        loop.close()


class Screen:
    """`connect` in the foreground of a terminal of 80 columns. `shown` is what stands on it so far."""

    def __init__(self, *words: str) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.shown = ""

        def own() -> None:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            [*HOMEPORT, *words],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "NO_COLOR": "1", "TERM": "xterm"},
            start_new_session=True,
            preexec_fn=own,
        )
        os.close(theirs)

    def press(self, keys: bytes) -> None:
        os.write(self._ours, keys)

    def until(self, text: str) -> None:
        ends = time.monotonic() + LIMIT_S
        while text not in self.shown:
            assert time.monotonic() < ends, f"{text!r} was not shown:\n{self.shown}"
            if not self._read():
                assert text in self.shown, f"{text!r} was not shown:\n{self.shown}"

    def wait(self) -> int:
        while self._read():
            pass
        return self.process.wait(LIMIT_S)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(LIMIT_S)
        os.close(self._ours)

    def _read(self) -> bool:
        if not select.select([self._ours], [], [], 0.2)[0]:
            return self.process.poll() is None
        try:
            data = os.read(self._ours, 65536)
        except OSError:  # EIO: nobody holds the other end any more
            return False
        self.shown += data.decode("utf-8", "replace")
        return bool(data)


@contextmanager
def screen(*words: str) -> Iterator[Screen]:
    shown = Screen(*words)
    try:
        yield shown
    finally:
        shown.close()


def certificate(folder: Path, *names: str) -> Path:
    """A certificate that signs itself, with its key in the same file."""
    path = folder / "cert.pem"
    alt = ",".join(f"IP:{name}" if name[0].isdigit() else f"DNS:{name}" for name in names)
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    words += ["-subj", f"/CN={names[0]}", "-addext", f"subjectAltName={alt}", "-keyout", "-", "-out", "-"]
    path.write_bytes(subprocess.run(words, capture_output=True, check=True).stdout)
    return path


async def every(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while data := await reader.read(65536):
        yield data

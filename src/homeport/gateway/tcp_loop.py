"""The relay's own event loop, in a thread of its own: sockets become ready, their handlers run, nothing ever waits.

It exists because uvloop corrupts its heap when a relay half-closes under churn (0.22 and 0.23, never stdlib asyncio),
and because handlers called straight from epoll cost half of what protocols on any asyncio loop do.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Protocol

from homeport.gateway.seams import Target
from homeport.gateway.tcp_dial import Address, look_up
from homeport.gateway.tcp_pipes import Pipes
from homeport.gateway.tcp_reports import Reports
from homeport.model.endpoint import Endpoint
from homeport.streams.poller import Poller

if TYPE_CHECKING:
    from homeport.gateway.tcp_flow import Flow

Handler = Callable[[int], object]


class Watched(Protocol):
    """A socket, or an alarm."""

    def fileno(self) -> int: ...

    def close(self) -> None: ...


Ready = Future[tuple[Endpoint, list[Address]]]


class RelayLoop:
    """Everything but `post` belongs to its thread."""

    def __init__(
        self, poller: Poller, reports: Reports, asyncio_loop: asyncio.AbstractEventLoop, name: str = "tcp-relay"
    ) -> None:
        self.poller = poller
        self.reports = reports
        self.pipes = Pipes()
        self.again: list[Flow] = []  # directions whose turn was over before their bytes were
        self._asyncio_loop = asyncio_loop
        self._handlers: dict[int, Handler] = {}
        self._closing: list[Watched] = []
        self._soon: list[Callable[[], object]] = []
        self._timers: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = itertools.count()
        self._posted: deque[Callable[[], object]] = deque()
        self._running = True
        self._bell, self._rope = socket.socketpair()
        self._bell.setblocking(False)
        self._rope.setblocking(False)
        self.watch(self._bell, self._rung, reading=True, writing=False)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    # From any thread.

    def start(self) -> None:
        self._thread.start()

    def post(self, call: Callable[[], object]) -> None:
        """Have `call` run in the relay's thread, soon."""
        self._posted.append(call)
        try:
            self._rope.send(b"\0")
        except OSError:  # full: it rings already; closed: nobody is there any more
            pass

    def once_closed(self, call: Callable[[], object]) -> None:
        """Have `call` run when everything is closed that what was posted before released."""
        self.post(lambda: self.soon(lambda: self.soon(call)))  # sockets are closed after the first of these rounds

    def stop(self) -> None:
        """Run what was posted, end the thread, and wait for that: a matter of milliseconds, as no handler waits."""
        self.post(self._leave)
        self._thread.join()

    # From the relay's thread.

    def watch(self, sock: Watched, handler: Handler, *, reading: bool, writing: bool) -> bool:
        """Have `handler` called with the events of `sock`. Answers whether another one was before."""
        fd = sock.fileno()
        known = fd in self._handlers
        self._handlers[fd] = handler
        if known:
            self.poller.want(fd, reading=reading, writing=writing)
        else:
            self.poller.watch(fd, reading=reading, writing=writing)
        return known

    def is_watched(self, sock: Watched) -> bool:
        return sock.fileno() in self._handlers

    def release(self, sock: Watched) -> None:
        """Close it after this round: until then its number cannot belong to somebody else's event."""
        if self._handlers.pop(sock.fileno(), None) is not None:
            self.poller.forget(sock.fileno())
        self._closing.append(sock)

    def soon(self, call: Callable[[], object]) -> None:
        """After the others had their turn."""
        self._soon.append(call)

    def later(self, delay_s: float, call: Callable[[], object]) -> None:
        heapq.heappush(self._timers, (time.monotonic() + delay_s, next(self._numbers), call))

    def await_ready(self, target: Target, endpoint: Endpoint | None, answer: Callable[[Ready], object]) -> Ready | None:
        """Ask the asyncio side to start the target and look up its name; `answer` runs in this thread."""
        question = _ready(target, endpoint)
        try:
            future = asyncio.run_coroutine_threadsafe(question, self._asyncio_loop)
        except RuntimeError as closed:
            question.close()
            future = Future()
            future.set_exception(closed)
        future.add_done_callback(lambda done: self.post(lambda: answer(done)))
        return future

    def _run(self) -> None:
        poll, handlers, closing = self.poller.poll, self._handlers, self._closing
        while self._running:
            for fd, events in poll(self._patience_s()):
                handler = handlers.get(fd)
                if handler is None:
                    continue  # closed in this very round
                try:
                    handler(events)
                except Exception as error:
                    self._mishap(error, handler)
            if self.again or self._soon or (self._timers and self._timers[0][0] <= time.monotonic()):
                self._run_others()
            if closing:
                self._close_released()
            self.reports.flush()
        self._end()

    def _patience_s(self) -> float | None:
        if self.again or self._soon:
            return 0.0
        if self._timers:
            return max(0.0, self._timers[0][0] - time.monotonic())
        return None

    def _run_others(self) -> None:
        again, self.again = self.again, []
        calls, self._soon = self._soon, []
        calls.extend(flow.next_turn for flow in again)
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            calls.append(heapq.heappop(self._timers)[2])
        self._call_all(calls)

    def _call_all(self, calls: list[Callable[[], Any]]) -> None:
        for call in calls:
            try:
                call()
            except Exception as error:
                self._mishap(error, call)

    def _rung(self, _events: int) -> None:
        try:
            while self._bell.recv(4096):
                pass
        except BlockingIOError:
            pass
        self._call_all([self._posted.popleft() for _ in range(len(self._posted))])

    def _close_released(self) -> None:
        for sock in self._closing:
            sock.close()
        self._closing.clear()

    def _mishap(self, error: Exception, handler: Callable[..., object]) -> None:
        """A mistake of ours costs the connection that it happened to, and no other."""
        abandon = getattr(getattr(handler, "__self__", None), "abandon", None)
        if abandon is not None:
            abandon()
        context = {"message": "a handler of a relay failed", "exception": error}
        try:
            self._asyncio_loop.call_soon_threadsafe(self._asyncio_loop.call_exception_handler, context)
        except RuntimeError:
            pass

    def _leave(self) -> None:
        self._running = False

    def _end(self) -> None:
        self._close_released()
        self.reports.flush(at_once=True)
        self.pipes.close()
        self.poller.close()
        self._bell.close()
        self._rope.close()


async def _ready(target: Target, endpoint: Endpoint | None) -> tuple[Endpoint, list[Address]]:
    endpoint = endpoint or await target.ready()
    return endpoint, await look_up(endpoint)

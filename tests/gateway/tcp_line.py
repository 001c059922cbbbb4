"""One connection through a TCP route on a manual clock: real sockets, and a relay that is turned by hand.

Nothing waits: time jumps from due to due, and what arrived is noted with the moment at which it did.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import select
import socket
from collections.abc import Iterator
from typing import Any

from homeport.conditions.settings import Conditions
from homeport.gateway.pump import Release
from homeport.gateway.seams import Target
from homeport.gateway.tcp_conditions import TcpConditions
from homeport.gateway.tcp_link import Link
from homeport.gateway.tcp_loop import RelayLoop
from homeport.gateway.tcp_reports import Reports
from homeport.gateway.tcp_route import TcpRoute
from homeport.gateway.underway import Room
from homeport.model.exchange import Exchange
from homeport.streams.poller import new_poller
from tests.gateway.tcp_stage import ANY, FixedTarget, MemoryTap

Arrival = tuple[float, bytes]


class ManualPump:
    """Calls when time is moved there."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._heap: list[tuple[float, int, Release, Any]] = []
        self._numbers = itertools.count()

    def clock(self) -> float:
        return self.now_s

    def put(self, due_s: float, release: Release, what: object) -> None:
        heapq.heappush(self._heap, (due_s, next(self._numbers), release, what))

    def next(self, until_s: float) -> bool:
        """Move to the next call, if that is by then."""
        if not self._heap or self._heap[0][0] > until_s:
            return False
        due_s, _, release, what = heapq.heappop(self._heap)
        self.now_s = max(self.now_s, due_s)
        release(what, due_s)
        return True


class Unheard(Reports):
    def opened(self, exchange: Exchange) -> None:
        pass

    def closed(self, exchange: Exchange, target: Target | None, error: OSError | None) -> None:
        pass


class End:
    """What arrived at one end, and what came last: "open", "end" or "reset"."""

    def __init__(self, sock: socket.socket, pump: ManualPump) -> None:
        self.sock = sock
        self.arrivals: list[Arrival] = []
        self.state = "open"
        self.ended_s = -1.0
        self.unsent = b""
        self._pump = pump
        sock.setblocking(False)

    @property
    def got(self) -> bytes:
        return b"".join(data for _, data in self.arrivals)

    def send(self, data: bytes) -> None:
        self.unsent += data
        with contextlib.suppress(BlockingIOError, ConnectionError):
            self.unsent = self.unsent[self.sock.send(self.unsent) :]

    def look(self) -> None:
        while self.state == "open":
            try:
                data = self.sock.recv(1 << 20)
            except BlockingIOError:
                return
            except ConnectionError:
                self._over("reset")
                return
            if not data:
                self._over("end")
                return
            self.arrivals.append((round(self._pump.now_s, 9), data))

    def is_reset(self) -> bool:
        """TCP may take a moment to tell."""
        while self.state == "open" and select.select([self.sock], [], [], 5)[0]:
            self.look()
        return self.state == "reset"

    def _over(self, state: str) -> None:
        self.state, self.ended_s = state, round(self._pump.now_s, 9)


class Line:
    """`client` and `server` are the ends; the relay between them has `conditions`."""

    def __init__(self, conditions: Conditions | None, *, tcp: bool = False, keep_bytes: int = 0) -> None:
        self.pump = ManualPump()
        loop = asyncio.get_event_loop_policy().new_event_loop()
        self._asyncio_loop = loop
        self.loop = RelayLoop(new_poller(), Unheard(MemoryTap(), loop), loop)
        self.route = TcpRoute(self.loop, "db", FixedTarget(ANY), [], keep_bytes)
        self.conditions = TcpConditions(self.pump, Room(), self.pump.clock)
        self.conditions.set(conditions)
        client, ours = tcp_pair() if tcp else socket.socketpair()
        server, theirs = tcp_pair() if tcp else socket.socketpair()
        self.client, self.server = End(client, self.pump), End(server, self.pump)
        for sock in (ours, theirs):
            sock.setblocking(False)
        self.link = Link(self.loop, self.route, ours, "client")
        self.route.links.add(self.link)
        self.link.feel(self.conditions)
        self.link.upstream = theirs
        self.link._connected(theirs)

    def condition(self, conditions: Conditions | None) -> None:
        self.route.condition(self.conditions, conditions)
        self._turn()

    def until(self, at_s: float) -> None:
        """All that happens by then."""
        self._turn()
        while self.pump.next(at_s):
            self._turn()
        self.pump.now_s = at_s

    def close(self) -> None:
        self.link.fail("", "")
        self.loop._end()
        self._asyncio_loop.close()
        self.client.sock.close()
        self.server.sock.close()

    def _turn(self) -> None:
        """Rounds of the loop, until nothing happens any more."""
        is_quiet = False
        while not is_quiet:
            events = self.loop.poller.poll(0)
            for fd, what in events:
                handler = self.loop._handlers.get(fd)
                if handler is not None:
                    handler(what)
            self.loop._run_others()
            self.loop._close_released()
            before = len(self.client.arrivals) + len(self.server.arrivals)
            for end in (self.client, self.server):
                end.look()
                end.send(b"") if end.unsent else None
            is_quiet = not events and before == len(self.client.arrivals) + len(self.server.arrivals)


@contextlib.contextmanager
def line(conditions: Conditions | None, *, tcp: bool = False, keep_bytes: int = 0) -> Iterator[Line]:
    made = Line(conditions, tcp=tcp, keep_bytes=keep_bytes)
    try:
        yield made
    finally:
        made.close()


def tcp_pair() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        one = socket.create_connection(listener.getsockname())
        other, _ = listener.accept()
    for sock in (one, other):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return one, other

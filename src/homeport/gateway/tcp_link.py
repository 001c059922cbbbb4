"""One connection through a TCP route: wait for the upstream, dial it, let both directions flow, say how it ended.

A reset of one side becomes a reset of the other; an end goes through as an end. Nothing here waits: every step is
begun by the loop and returns at once.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING

from homeport.gateway.tcp_bind import prepare
from homeport.gateway.tcp_dial import AF_UNIX, Address
from homeport.gateway.tcp_flow import Flow
from homeport.gateway.tcp_held import hold
from homeport.model.endpoint import Endpoint
from homeport.model.exchange import CLIENT_GONE, COMPLETE, REFUSED, UNREACHABLE, UPSTREAM_GONE, Exchange
from homeport.model.finding import Unavailable
from homeport.streams.listen import do_not_pace
from homeport.streams.poller import ERROR

if TYPE_CHECKING:
    from homeport.gateway.tcp_conditions import Felt, TcpConditions
    from homeport.gateway.tcp_loop import RelayLoop
    from homeport.gateway.tcp_route import TcpRoute
    from homeport.model.net_client import Visitor

HUNG_UP = 0x010  # epoll's: both directions are closed
RETRY_S = 0.05
CUT_S = 1.0  # for a client to read what was sent, once conditions have closed its connection
NO_ROOM = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_RESET = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


class Link:
    """Its owner is the relay's thread; `route` gets it back when it is over."""

    __slots__ = (
        "_addresses", "client", "doom", "down", "exchange", "felt", "hangs", "is_paced", "loop", "over",
        "pending_ready", "route", "up", "upstream", "visitor",
    )  # fmt: skip

    def __init__(self, loop: RelayLoop, route: TcpRoute, client: socket.socket, client_name: str) -> None:
        self.loop = loop
        self.route = route
        self.client = client
        self.upstream: socket.socket | None = None
        self.up: Flow | None = None
        self.down: Flow | None = None
        self.over = False
        self.felt: Felt | None = None  # the network conditions
        self.visitor: Visitor | None = None  # who it is to them, once they ask
        self.hangs = False  # it was let in, and nobody attends to it: an outage
        self.is_paced = False  # the upstream's socket is on loopback, and as the system made it
        self.pending_ready: Future[tuple[Endpoint, list[Address]]] | None = None
        self._addresses: list[Address] = []
        self.doom: tuple[Flow, str, str] | None = None
        self.exchange = Exchange(
            0, kind="tcp", route=route.name, client=client_name, opened_s=time.perf_counter()
        )  # its number is given where the tap lives

    def enter(self, conditions: TcpConditions) -> None:
        """It begins on a network with conditions: an outage ends it here, or lets it wait."""
        self.feel(conditions, ran_already=False)
        entry = self.felt.entry if self.felt is not None else "open"
        if entry == "open":
            self.begin()
        elif entry == "hang":
            self.hangs = True
            self._watch_client()
        elif entry == "drop":
            self.cut("network conditions: outage", REFUSED)
        else:
            self._finish(REFUSED, "network conditions: outage", reset=True)

    def feel(self, conditions: TcpConditions, *, ran_already: bool = True) -> None:
        if self.over:
            return
        if self.felt is not None:
            self._change(self.felt)
            return
        self.visitor = self.visitor or self.route.visitor(self.exchange.client, self.client)
        self.felt = conditions.begin(self.exchange, self.visitor, ran_already=ran_already)
        self._hold()

    def _hold(self) -> None:
        if self.felt is not None:
            hold(self.up, self.down, self.felt)

    def _change(self, felt: Felt) -> None:
        felt.change()
        self._hold()
        if self.hangs and felt.entry == "open":
            self.hangs = False
            self.begin()

    def begin(self) -> None:
        endpoint = self.route.target.address()
        addresses = self.route.addresses_of(endpoint) if endpoint is not None else None
        if endpoint is not None and addresses is not None:
            self.dial(endpoint, addresses)
        else:
            self._watch_client()
            self.pending_ready = self.loop.await_ready(self.route.target, endpoint, self._ready)

    def _ready(self, future: Future[tuple[Endpoint, list[Address]]]) -> None:
        """The asyncio side has answered."""
        self.pending_ready = None
        if self.over:
            return
        try:
            endpoint, addresses = future.result()
        except Unavailable as unavailable:
            self.fail(UNREACHABLE, unavailable.finding.what)
        except OSError as error:
            self._unreachable(error)
        except BaseException as error:  # a cancelled or broken target: its own mistake, the client must not hang
            self.fail(UNREACHABLE, f"{type(error).__name__}: {error}")
        else:
            self.dial(endpoint, addresses)

    def dial(self, endpoint: Endpoint, addresses: list[Address]) -> None:
        self.exchange.upstream = self.route.text_of(endpoint)
        self._addresses = addresses[::-1]
        self._dial_next(None)

    def _dial_next(self, error: OSError | None) -> None:
        """Try the next address; connecting on loopback is over before `connect` returns the second time."""
        if self.over:
            return
        if not self._addresses:
            self._unreachable(error)
            return
        address = self._addresses.pop()
        try:
            upstream = socket.socket(address.family, socket.SOCK_STREAM)
        except OSError as no_socket:
            self._dial_later(address, no_socket)
            return
        self.upstream = upstream
        upstream.setblocking(False)
        if address.family != AF_UNIX:
            prepare(upstream)
            self.is_paced = address.loopback
        code = upstream.connect_ex(address.where)
        if code == errno.EINPROGRESS:
            code = upstream.connect_ex(address.where)
        if code in (0, errno.EISCONN):
            self._connected(upstream)
        elif code in (errno.EINPROGRESS, errno.EALREADY, errno.EWOULDBLOCK) and address.family != AF_UNIX:
            self._watch_client()
            self.loop.watch(upstream, self._dialling, reading=False, writing=True)
        else:
            self.upstream = None
            upstream.close()
            failure = OSError(code, os.strerror(code))
            if code in (errno.EAGAIN, *NO_ROOM):  # a Unix socket whose backlog is full
                self._dial_later(address, failure)
            else:
                self._dial_next(failure)

    def _dial_later(self, address: Address, error: OSError) -> None:
        if error.errno not in (errno.EAGAIN, *NO_ROOM):
            self._dial_next(error)
            return
        self._addresses.append(address)
        self._watch_client()
        self.loop.later(RETRY_S, lambda: self._dial_next(error))

    def _dialling(self, events: int) -> None:
        if self.upstream is None:
            return
        code = self.upstream.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self.loop.release(self.upstream)
            self.upstream = None
            self._dial_next(OSError(code, os.strerror(code)))
        elif _is_connected(self.upstream):
            self._connected(self.upstream)

    def _connected(self, upstream: socket.socket) -> None:
        self.exchange.dialled_s = time.perf_counter()
        self.up = up = Flow(self, self.client, upstream, upward=True)
        self.down = down = Flow(self, upstream, self.client, upward=False)
        up.back, down.back = down, up
        was_watched = self.loop.watch(upstream, down.on_event, reading=True, writing=False)
        client_was_watched = self.loop.watch(self.client, up.on_event, reading=True, writing=False)
        self._hold()
        # What came before has had its event, and there will not be another one.
        if client_was_watched and not self.over:
            up.pump()
        if was_watched and not self.over:
            down.pump()

    def do_not_pace(self) -> None:
        """Bulk goes to the upstream. Not earlier: it costs 4 µs, three times as much as other options."""
        if self.is_paced and self.upstream is not None:
            self.is_paced = False
            do_not_pace(self.upstream)

    def _watch_client(self) -> None:
        """While there is no upstream, notice a client that resets; its bytes stay where they are."""
        if not self.loop.is_watched(self.client):
            self.loop.watch(self.client, self._client_waits, reading=False, writing=False)

    def _client_waits(self, events: int) -> None:
        if events & (ERROR | HUNG_UP):
            self.fail(CLIENT_GONE, "the client left before the upstream was there")

    def rewant(self) -> None:
        """Tell a level-triggered poller what both sockets wait for now."""
        if self.loop.poller.is_told_once or self.over or self.up is None or self.down is None or self.upstream is None:
            return
        up, down = self.up, self.down
        want = self.loop.poller.want
        want(self.client.fileno(), reading=up.wants_to_read, writing=down.blocked)
        want(self.upstream.fileno(), reading=down.wants_to_read, writing=up.blocked)

    def ended(self) -> None:
        """One direction has passed on its end."""
        if self.up is not None and self.down is not None and self.up.ended and self.down.ended and not self.doom:
            self._finish(COMPLETE, "", reset=False)
        else:
            self.rewant()

    def source_lost(self, flow: Flow, error: OSError | None) -> None:
        """The side that `flow` reads from was reset. If that is known from reading, there is nothing left to read."""
        flow.ended = flow.ended or (error is not None and flow.held is None)
        self._lost(flow, error)

    def sink_lost(self, flow: Flow, error: OSError) -> None:
        """The side that `flow` writes to was reset. What that side had still sent is passed on first: a server may
        answer an upload that it refuses, and then reset it."""
        self._lost(flow.back, error)

    def _lost(self, last: Flow, error: OSError | None) -> None:
        """`last` is the flow from the lost side: it may still hold bytes that arrived before the reset did."""
        if self.over:
            return
        if self.doom is not None:  # now nothing is left to be read, or nobody to read it
            self.fail(*self.doom[1:])
            return
        side, ending = ("client", CLIENT_GONE) if last.upward else ("upstream", UPSTREAM_GONE)
        was_reset = error is None or error.errno in _RESETS
        self.doom = (last, ending, f"the {side} " + ("reset the connection" if was_reset else f"was lost: {error}"))
        last.back.drop()
        self.rewant()
        last.pump()
        self.bury()

    def bury(self) -> None:
        """Once nothing more can be had from a lost side, reset the other one."""
        if self.doom:
            last, ending, why = self.doom
            if not last.is_busy:
                self.fail(ending, why)

    def cut(self, why: str, ending: str = UPSTREAM_GONE) -> None:
        """Conditions close it in the middle. Closing at once could reset, and overtake what the client is to read."""
        if self.over:
            return
        for flow in (self.up, self.down):
            if flow is not None:
                flow.drop()
        finish = partial(self._finish, ending, why, reset=False)
        for sock in (self.client, self.upstream):
            if sock is not None:
                try:
                    sock.shutdown(socket.SHUT_WR)
                except OSError:
                    pass  # it is gone already
                self.loop.watch(sock, _ignore, reading=False, writing=False)
        self.loop.watch(self.client, partial(_if_gone, finish), reading=False, writing=False)
        self.loop.later(CUT_S, finish)

    def abandon(self) -> None:
        """Called after a mistake of ours: better an end than a connection that hangs."""
        self.fail(UPSTREAM_GONE, "homeport made a mistake")

    def _unreachable(self, error: OSError | None) -> None:
        self._finish(UNREACHABLE, error.strerror or str(error) if error else "no address", reset=True, error=error)

    def fail(self, ending: str, why: str) -> None:
        self._finish(ending, why, reset=True)

    def _finish(self, ending: str, why: str, *, reset: bool, error: OSError | None = None) -> None:
        if self.over:
            return
        self.over = True
        if self.pending_ready is not None:
            self.pending_ready.cancel()
        for flow in (self.up, self.down):
            if flow is not None:
                flow.drop()
                del flow.back
        if self.felt is not None:
            self.felt.left()
            self.felt = None
        self.up = self.down = self.doom = None  # no cycles: under churn the collector took 6 % of the CPU
        for sock in (self.client, self.upstream):
            if sock is not None:
                if reset:
                    _reset_on_close(sock)
                self.loop.release(sock)
        self.exchange.closed_s = time.perf_counter()
        self.exchange.ending = ending
        self.exchange.why = why
        self.route.left(self, error)


_RESETS = frozenset({errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED})


def _ignore(_events: int) -> None:
    pass


def _if_gone(call: Callable[[], object], events: int) -> None:
    if events & (ERROR | HUNG_UP):
        call()


def _is_connected(sock: socket.socket) -> bool:
    """Guards against an event that was only a hint."""
    try:
        sock.getpeername()
    except OSError:
        return False
    return True


def _reset_on_close(sock: socket.socket) -> None:
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    except OSError:
        pass  # it is gone already

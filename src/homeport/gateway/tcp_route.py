"""One TCP route: its listeners, its connections, its counts. Accepting never waits for dialling."""

from __future__ import annotations

import errno
import socket
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from homeport.gateway.client_choice import EVERYBODY
from homeport.gateway.seams import Owners, Target
from homeport.gateway.tcp_bind import answer_again, prepare, stop_answering
from homeport.gateway.tcp_dial import AF_UNIX, Address, known_addresses
from homeport.gateway.tcp_link import RETRY_S, Link
from homeport.model.endpoint import Endpoint
from homeport.model.exchange import REFUSED, UPSTREAM_GONE, Exchange
from homeport.model.net_client import Match, Owner, Visitor

if TYPE_CHECKING:
    from homeport.conditions.settings import Conditions
    from homeport.gateway.tcp_conditions import TcpConditions
    from homeport.gateway.tcp_loop import RelayLoop

ACCEPT_TURN = 64  # visitors in a row, before those who are inside get their turn
_PASSING = frozenset({errno.ECONNABORTED, errno.EPROTO, errno.EINTR, errno.ENETDOWN, errno.EHOSTUNREACH})
Matches = tuple[Match, ...]
WhyNot = Callable[[object, object], str]  # given both ends as the socket module names them; "": it may connect
_INHERITS = sys.platform.startswith("linux")


class TcpRoute:
    """Made in the caller's thread, then owned by the relay's; the counts may be read from anywhere."""

    def __init__(
        self,
        loop: RelayLoop,
        name: str,
        target: Target,
        listeners: list[socket.socket],
        keep_bytes: int,
        why_not: WhyNot | None = None,
        owners: Owners | None = None,
    ) -> None:
        self.name = name
        self.target = target
        self.listeners = listeners
        self.keep_bytes = keep_bytes
        self.links: set[Link] = set()
        self.visits = 0
        self.last_s = time.monotonic()  # when somebody last came or went
        self.closed = False
        self.conditions: TcpConditions | None = None  # None: there never were any
        self.refuses = False  # the port is ours, and nobody listens: an outage
        self._loop = loop
        self._why_not = why_not  # None: everybody may connect
        self._owners = owners  # None: processes are not told apart
        self._endpoint: Endpoint | None = None
        self._addresses: list[Address] | None = None
        self._text = ""

    def begin(self) -> None:
        for listener in self.listeners:
            self._loop.watch(listener, partial(self._knocked, listener), reading=True, writing=False)

    def close(self, why: str) -> None:
        """Stop listening and end every connection."""
        self.closed = True
        for listener in self.listeners:
            self._loop.release(listener)
        self.listeners = []
        for link in list(self.links):
            link.fail(UPSTREAM_GONE, why)

    def condition(
        self, conditions: TcpConditions, settings: Conditions | None, client: str = EVERYBODY, matches: Matches = ()
    ) -> None:
        """For connections to come, and for the next byte of those that run."""
        if self.closed:
            return
        conditions.set(settings, client, matches)
        self._set_refusing(conditions.refuses_all)
        for link in sorted(self.links, key=lambda one: one.exchange.opened_s):  # so that a seed repeats
            link.feel(conditions)

    def visitor(self, name: str, client: socket.socket) -> Visitor:
        return Visitor(name, lambda: self._owner_of(client))

    def _owner_of(self, client: socket.socket) -> Owner | None:
        try:
            return self._owners(client.getpeername(), client.getsockname()) if self._owners is not None else None
        except OSError:  # it has left
            return None

    def _set_refusing(self, refuses: bool) -> None:
        if refuses == self.refuses:
            return
        if refuses:
            self.refuses = all(stop_answering(listener) for listener in self.listeners)
            return
        self.refuses = False
        for listener in self.listeners:
            self._answer_again(listener)

    def _answer_again(self, listener: socket.socket) -> None:
        if self.closed or self.refuses:
            return
        try:
            answer_again(listener)
        except OSError:  # somebody took the port, and may go again
            self._loop.later(RETRY_S, lambda: self._answer_again(listener))

    def addresses_of(self, endpoint: Endpoint) -> list[Address] | None:
        """None for a name that must be looked up. Remembers the last answer: it is asked for every visit."""
        if endpoint is not self._endpoint:
            self._endpoint = endpoint
            self._addresses = known_addresses(endpoint)
            self._text = str(endpoint)
        return self._addresses

    def text_of(self, endpoint: Endpoint) -> str:
        return self._text if endpoint is self._endpoint else str(endpoint)

    def left(self, link: Link, error: OSError | None) -> None:
        self.links.discard(link)
        self.last_s = time.monotonic()
        self._loop.reports.closed(link.exchange, self.target if error is not None else None, error)

    def _knocked(self, listener: socket.socket, _events: int) -> None:
        self._accept(listener)

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(ACCEPT_TURN):
            if self.closed or self.refuses:
                return
            try:
                client, where = listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _PASSING:
                    continue
                # Out of descriptors, or something unknown: who knocks stays in the backlog, we ask again soon.
                self._loop.poller.want(listener.fileno(), reading=False, writing=False)
                self._loop.later(RETRY_S, lambda: self._accept_again(listener))
                return
            why = "" if self._why_not is None else self._why_not(where, client.getsockname())
            if why:
                self._refuse(client, where, why)
            else:
                self._admit(client, where)
        self._loop.soon(lambda: self._accept(listener))

    def _accept_again(self, listener: socket.socket) -> None:
        if not (self.closed or self.refuses):
            self._loop.poller.want(listener.fileno(), reading=True, writing=False)
            self._accept(listener)

    def _refuse(self, client: socket.socket, where: object, why: str) -> None:
        client.close()
        now_s = time.perf_counter()
        exchange = Exchange(0, kind="tcp", route=self.name, client=_name_of(where), opened_s=now_s)
        exchange.closed_s, exchange.ending, exchange.why = now_s, REFUSED, why
        self._loop.reports.opened(exchange)
        self._loop.reports.closed(exchange, None, None)

    def _admit(self, client: socket.socket, where: object) -> None:
        client.setblocking(False)
        if not _INHERITS and client.family != AF_UNIX:
            prepare(client)
        link = Link(self._loop, self, client, _name_of(where))
        self.links.add(link)
        self.visits += 1
        self.last_s = time.monotonic()
        self._loop.reports.opened(link.exchange)
        try:
            if self.conditions is None:
                link.begin()
            else:
                link.enter(self.conditions)
        except BaseException:
            link.abandon()
            raise


def _name_of(where: object) -> str:
    """The client as it is shown: "127.0.0.1:53211", "[::1]:53211", or "unix" for clients without a name."""
    if not isinstance(where, tuple):
        return "unix"
    host, port = where[0], where[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

"""Brings what a decision needs and carries it out: whose connection it is, what was shown, and how long to wait.

It takes what was meant for the door out of the request, and out of what is recorded. A right secret never waits, except
for a password that is shown for the first time: scrypt takes a thread some tenths of a second.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from homeport.gateway.access import ADMIT, Admit, Decision, Refuse, Request, Rule, Showing, Verify, challenge, decide
from homeport.gateway.entering import Entering
from homeport.gateway.logins import Logins
from homeport.gateway.refusals import Reply, refusal, too_many
from homeport.gateway.seams import Peers, Tokens
from homeport.model.access import Peer
from homeport.model.backoff import Backoff
from homeport.wire.credentials import Shown, all_hidden, authorization_lines, hidden, shown, without_cookie
from homeport.wire.cross_site import SAFE
from homeport.wire.http1 import RequestHead

if TYPE_CHECKING:
    from asyncio import BaseTransport

    from homeport.gateway.client_side import ClientSide
    from homeport.model.exchange import Exchange

Waiting = Callable[[], Awaitable[Reply | None]]  # the answer after a while; None: it may pass

DELAYED_LIMIT = 32  # visits that wait at a time; further wrong ones are answered at once
DELAYED_PER_PEER = 8
_ANY = Request()
_SAFE = frozenset(method.encode() for method in SAFE)
_TWO = "?"  # of a field that may stand there once; no browser sends that, and it is nobody's own


class Gate:
    """One for a door. `clock` and `sleep` are replaced in tests."""

    def __init__(
        self,
        peers: Peers = lambda client, server: Peer(why="nobody was asked"),
        tokens: Tokens | None = None,  # None: there are none
        own_uid: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._peers, self._tokens, self._clock, self._sleep = peers, tokens, clock, sleep
        self.entering = Entering(own_uid, clock)
        self._logins = Logins()
        self._backoff = Backoff()
        self._delayed: dict[Hashable, int] = {}

    def ask(self, rule: Rule, client: ClientSide, head: RequestHead, exchange: Exchange) -> Reply | Waiting | None:
        """None: it may pass. `head` and what is recorded of it hold none of our secrets afterwards."""
        peer = client.peer() if rule.uids is not None else Peer()
        if not _reads(rule, head) and decide(rule, peer, _ANY) is ADMIT:
            return None  # reading the fields takes longer than all the rest
        seen = shown(head.raw, rule.cookie)
        token = self._tokens.name_of(seen.token, rule.name) if rule.takes_token and seen.token and self._tokens else ""
        is_inside = not token and rule.takes_token and self._is_inside(rule, client, head, seen)
        showing: Showing = "right" if token or is_inside else self._showing(rule, seen)
        request = _request(rule, head, showing, is_by_cookie=is_inside, is_secure=client.is_secure)
        decision = decide(rule, peer, request)
        # Of what does not pass nothing that was shown is stored: a password for the app may have been one for us.
        passes = isinstance(decision, Admit)
        exchange.request_head = hidden(head.raw, basic=bool(rule.logins)) if passes else all_hidden(head.raw)
        if rule.needs_secret or rule.host:
            _clean(head, basic=bool(rule.logins))
        if rule.takes_token and not (isinstance(decision, Refuse) and decision.status == 403):
            reply = self.entering.reply(rule, head, client.peer(), is_secure=client.is_secure)
            if reply is not None:
                return reply
        if passes:
            if token and client.visit is not None:
                client.visit.token = token
            return None
        if isinstance(decision, Refuse) and (request.showing != "wrong" or decision.status != 401):
            return refusal(rule, decision)
        return partial(self._in_time, rule, _name_of(client), seen, decision)

    def _showing(self, rule: Rule, seen: Shown) -> Showing:
        if rule.logins and seen.has_login:
            return "right" if self._logins.are_known(rule, seen.user, seen.password) else "unasked"
        return "wrong" if rule.takes_token and seen.token else "nothing"

    def _is_inside(self, rule: Rule, client: ClientSide, head: RequestHead, seen: Shown) -> bool:
        return bool(seen.session) and self.entering.is_inside(seen.session, rule, head.host, client.peer())

    async def _in_time(self, rule: Rule, who: Hashable, seen: Shown, decision: Decision) -> Reply | None:
        """A secret that is wrong, or that takes time to look at: the more one guesses, the longer it takes."""
        if self._is_crowded(who):
            return refusal(rule, decision) if isinstance(decision, Refuse) else too_many(rule)
        with self._waiting(who):
            if isinstance(decision, Verify):
                if delay_s := self._backoff.delay_s(who, self._clock()):
                    await self._sleep(delay_s)
                if await self._logins.verify(rule, seen.user, seen.password):
                    self._backoff.succeeded(who)
                    return None
            await self._sleep(self._backoff.failed(who, self._clock()))
            return refusal(rule, challenge(rule, is_wrong=True))

    def _is_crowded(self, who: Hashable) -> bool:
        return self._delayed.get(who, 0) >= DELAYED_PER_PEER or sum(self._delayed.values()) >= DELAYED_LIMIT

    @contextmanager
    def _waiting(self, who: Hashable) -> Iterator[None]:
        self._delayed[who] = self._delayed.get(who, 0) + 1
        try:
            yield
        finally:
            self._delayed[who] -= 1
            if not self._delayed[who]:
                del self._delayed[who]

    def tokens_just_ended(self) -> list[str]:
        return [] if self._tokens is None else self._tokens.just_ended()

    def peer_of(self, transport: BaseTransport) -> Peer:
        return self._peers(transport.get_extra_info("peername"), transport.get_extra_info("sockname"))


def _name_of(client: ClientSide) -> Hashable:
    """Whose mistakes are counted together: the account, or the address where that is not known."""
    uid = client.peer().uid
    return client.client.rpartition(":")[0] if uid is None else uid


def _reads(rule: Rule, head: RequestHead) -> bool:
    """Whether anything of the request counts, its safe method apart; a public exposure is sent others' cookies too."""
    return (
        rule.needs_secret
        or bool(rule.host)
        or (rule.denies_cross_site and (bool(head.upgrade) or head.method not in _SAFE))
    )


def _request(rule: Rule, head: RequestHead, showing: Showing, *, is_by_cookie: bool, is_secure: bool) -> Request:
    if not (rule.denies_cross_site or is_by_cookie):
        return Request(showing=showing)
    fields: dict[bytes, str] = {}
    for name, value in head.headers:
        key = name.lower()
        fields[key] = _TWO if key in fields else value.decode("latin-1")
    scheme = "https" if is_secure else "http"
    return Request(
        method=head.method.decode("latin-1"),
        is_upgrade=bool(head.upgrade),
        own=f"{scheme}://{head.host.decode('latin-1')}",
        origin=fields.get(b"origin", ""),
        site=fields.get(b"sec-fetch-site", ""),
        showing=showing,
        is_by_cookie=is_by_cookie,
    )


def _clean(head: RequestHead, *, basic: bool) -> None:
    """What was meant for the door goes no further."""
    head.dropped += authorization_lines(head.raw, basic=basic)
    head.raw = without_cookie(head.raw)

"""The gate in time: how long a wrong secret waits, that a right one does not, and what happens to bodies meanwhile."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import socket
import struct

import pytest

from homeport.app.rules import make_rule
from homeport.app.token_book import TokenBook
from homeport.gateway.gate import DELAYED_LIMIT, DELAYED_PER_PEER, Gate
from homeport.gateway.routes import Route
from homeport.model.access import Access, Peer
from homeport.model.backoff import DELAY_S
from homeport.model.password import hash_password

from .conftest import Client, Road, read_request

LOGIN = "Basic " + base64.b64encode(b"ann:hunter2").decode()
WRONG_LOGIN = "Basic " + base64.b64encode(b"ann:hunter3").decode()
HASH = hash_password("hunter2", ln=10)


@dataclasses.dataclass
class Waits:
    """Every wait is noted, and held until `release` is set."""

    slept: list[float] = dataclasses.field(default_factory=list)
    release: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)

    async def sleep(self, delay_s: float) -> None:
        self.slept.append(delay_s)
        await self.release.wait()

    async def begun(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.slept) < count:
                await asyncio.sleep(0.005)


@dataclasses.dataclass
class Guarded:
    road: Road
    waits: Waits
    token: str
    uids: list[int]  # of the clients to come, the last one for all others

    async def ask(self, shown: str, name: str = "tok", body: bytes = b"") -> Client:
        client = await self.road.connect()
        lines = (
            f"POST / HTTP/1.1\r\nHost: {name}.localhost\r\nAuthorization: {shown}\r\nContent-Length: {len(body)}\r\n"
        )
        client.send(lines.encode() + b"\r\n" + body)
        return client

    async def status(self, shown: str, name: str = "tok") -> bytes:
        return (await (await self.ask(shown, name)).head())[9:12]


async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        _, body = await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()


@pytest.fixture
async def guarded(road: Road) -> Guarded:
    book, waits, uids = TokenBook(""), Waits(), [1000]
    token, _ = book.make("all", "", None)

    def peers(client: object, server: object) -> Peer:
        return Peer(uid=uids.pop(0) if len(uids) > 1 else uids[0])

    road.door.gate = Gate(peers, book, 1000, sleep=waits.sleep)
    (await road.upstream(say, "tok")).rule = make_rule("tok", Access(token=True), "allow")
    (await road.upstream(say, "bas")).rule = make_rule("bas", Access(basic={"ann": HASH}), "allow")
    return Guarded(road, waits, token, uids)


async def test_a_wrong_token_waits_longer_each_time_and_a_right_one_never(guarded: Guarded) -> None:
    clients = [await guarded.ask(f"Bearer hp_{guess}") for guess in range(5)]
    await guarded.waits.begun(5)
    assert sorted(guarded.waits.slept) == list(DELAY_S[:5])
    assert await guarded.status(f"Bearer {guarded.token}") == b"200"
    guarded.waits.release.set()
    for client in clients:
        head = await client.head()
        assert head.startswith(b"HTTP/1.1 401 ")
        assert b'\r\nwww-authenticate: bearer realm="tok"\r\n' in head.lower()


async def test_accounts_do_not_pay_for_each_other(guarded: Guarded) -> None:
    guarded.waits.release.set()
    guarded.uids[:] = [1001, 1001, 1001, 1002]
    for _ in range(4):
        assert await guarded.status("Bearer hp_guess") == b"401"
    assert guarded.waits.slept == [DELAY_S[0], DELAY_S[1], DELAY_S[2], DELAY_S[0]]


async def test_a_flood_of_guesses_does_not_pile_up(guarded: Guarded) -> None:
    waiting = [await guarded.ask("Bearer hp_guess") for _ in range(DELAYED_PER_PEER)]
    await guarded.waits.begun(DELAYED_PER_PEER)
    assert await guarded.status("Bearer hp_guess") == b"401"  # at once
    assert await guarded.status(LOGIN, "bas") == b"429"
    guarded.uids[:] = [2000]
    assert await guarded.status(f"Bearer {guarded.token}") == b"200"
    assert DELAYED_PER_PEER < DELAYED_LIMIT
    guarded.waits.release.set()
    for client in waiting:
        await client.head()
    assert await guarded.status(LOGIN, "bas") == b"200"


async def test_a_password_is_looked_at_once_and_waits_after_mistakes(guarded: Guarded) -> None:
    guarded.waits.release.set()
    assert await guarded.status(LOGIN, "bas") == b"200"
    assert guarded.waits.slept == []
    for _ in range(3):
        assert await guarded.status(WRONG_LOGIN, "bas") == b"401"
    slept = list(guarded.waits.slept)
    assert slept == [DELAY_S[0], DELAY_S[0], DELAY_S[1], DELAY_S[1], DELAY_S[2]]  # before the look, and after it
    assert await guarded.status(LOGIN, "bas") == b"200"  # known by now: no wait, however much was guessed
    assert guarded.waits.slept == slept


async def test_a_password_that_was_changed_is_asked_for_again(guarded: Guarded) -> None:
    guarded.waits.release.set()
    assert await guarded.status(LOGIN, "bas") == b"200"
    route = guarded.road.routes.get("bas")
    assert isinstance(route, Route)
    route.rule = make_rule("bas", Access(basic={"ann": hash_password("other", ln=10)}), "allow")
    assert await guarded.status(LOGIN, "bas") == b"401"


async def test_a_body_waits_with_its_password(guarded: Guarded) -> None:
    body = bytes(range(256)) * 2000  # half a megabyte: more than is kept for it
    guarded.waits.release.set()
    assert await guarded.status(WRONG_LOGIN, "bas") == b"401"
    guarded.waits.release.clear()
    client = await guarded.ask(LOGIN, "bas", body)
    await guarded.waits.begun(2)
    guarded.waits.release.set()
    assert (await client.head()).startswith(b"HTTP/1.1 200 ")
    assert await client.body(len(body)) == body


async def test_a_client_that_leaves_while_it_waits_leaves_nothing(guarded: Guarded) -> None:
    client = await guarded.ask("Bearer hp_guess")
    await guarded.waits.begun(1)
    sock = client.writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # it goes with a reset
    client.writer.transport.abort()
    done = await guarded.road.tap.all_done(1)
    assert done[0].ending == "client-gone"


async def test_requests_on_one_connection_are_judged_one_by_one(guarded: Guarded) -> None:
    client = await guarded.road.connect()
    right, none = f"Authorization: Bearer {guarded.token}\r\n", ""
    for lines, status in ((right, b"200"), (none, b"401"), (right, b"200")):
        client.send(f"GET / HTTP/1.1\r\nHost: tok.localhost\r\n{lines}\r\n".encode())
        head = await client.head()
        assert head[9:12] == status
        length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
        await client.body(int(length.partition(b":")[2]))


async def test_a_link_sets_a_cookie_that_nobody_else_is_sent(guarded: Guarded) -> None:
    client = await guarded.road.connect()
    path = guarded.road.door.gate.entering.path_for("tok")
    client.send(f"GET {path} HTTP/1.1\r\nHost: tok.localhost\r\n\r\n".encode())
    fields = (await client.head()).lower().decode().split("\r\n")
    cookie = next(field for field in fields if field.startswith("set-cookie: homeport="))
    attributes = set(cookie.split("; ")[1:])
    assert attributes == {"path=/", "httponly", "samesite=strict"} | ({"secure"} if guarded.road.trusting else set())
    assert "referrer-policy: no-referrer" in fields
    assert "cache-control: no-store" in fields
    assert guarded.road.tap.began == 0  # nothing of it is recorded


@pytest.mark.parametrize(
    ("peer", "may"),
    [
        (Peer(uid=1000), True),
        (Peer(uid=0), True),
        (Peer(uid=1001), False),
        (Peer(why="its other end is closed"), False),
        (Peer(why="this system does not tell", can_tell=False), True),
    ],
)
@pytest.mark.plain_http
async def test_who_may_follow_a_link(guarded: Guarded, peer: Peer, may: bool) -> None:
    gate = guarded.road.door.gate = Gate(lambda client, server: peer, TokenBook(""), 1000)
    path = gate.entering.path_for("tok")
    for ask in range(2):
        client = await guarded.road.connect()
        client.send(f"GET {path} HTTP/1.1\r\nHost: tok.localhost\r\n\r\n".encode())
        entered = may and ask == 0  # once
        assert (await client.head())[9:12] == (b"200" if entered else b"403")
    if not may:  # it still waits for its browser
        guarded.road.door.gate._peers = lambda client, server: Peer(uid=1000)
        client = await guarded.road.connect()
        client.send(f"GET {path} HTTP/1.1\r\nHost: tok.localhost\r\n\r\n".encode())
        assert (await client.head())[9:12] == b"200"

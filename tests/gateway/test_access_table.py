"""The truth table of access.csv on a running door: real sockets, and where we are root, sockets of real accounts."""

from __future__ import annotations

import asyncio
import base64
import csv
import hashlib
import os
import re
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from homeport.app.rules import control_rule, make_rule
from homeport.app.token_book import TokenBook
from homeport.gateway.entering import Session
from homeport.gateway.gate import Gate
from homeport.gateway.routes import Route
from homeport.machine.peers import own_uid, peer_of
from homeport.model.access import Access, Peer
from homeport.model.endpoint import Endpoint
from homeport.model.password import hash_password

from .conftest import FakeTarget, Road, read_request

TABLE = Path(__file__).with_name("access.csv")
OTHER = 65534  # "nobody"
REAL = sys.platform == "linux" and os.geteuid() == 0  # sockets of another account can be made
FIELDS = {"host": "Host", "origin": "Origin", "site": "Sec-Fetch-Site"}
RULES = {
    "open": None,
    "mine": (Access(same_user=True), "allow"),
    "theirs": (Access(users=[OTHER]), "allow"),
    "tok": (Access(token=True), "allow"),
    "bas": (Access(basic={"ann": "", "bob": ""}), "allow"),
    "either": (Access(token=True, basic={"ann": ""}), "allow"),
    "both": (Access(same_user=True, token=True), "allow"),
    "strict": (Access(), "deny"),
    "guarded": (Access(token=True), "deny"),
}
PASSWORDS = {"ann": "hunter2", "bob": "a:b"}


def rows() -> list[dict[str, str]]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


@dataclass
class Peers:
    """The real answer; where sockets of another account cannot be made, what the test meant. `closed` is never real:
    a client that has closed hears no answer."""

    meant: dict[int, str] = field(default_factory=dict)  # port -> peer

    def __call__(self, client: object, server: object) -> Peer:
        port = cast("tuple[str, int]", client)[1]
        if self.meant[port] == "unknown":
            return Peer(why="its other end is closed")
        if REAL:
            return peer_of(client, server)
        own = own_uid()
        return Peer(uid=own if self.meant[port] == "own" else OTHER)


@contextmanager
def account(uid: int | None) -> Iterator[None]:
    """What is made meanwhile is of that account, if we may do that."""
    if uid is None or not REAL:
        yield
        return
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)


@dataclass
class Stage:
    """A door with a route for each rule, and the secrets that rows name."""

    road: Road
    gate: Gate
    peers: Peers
    secrets: dict[str, list[str]]
    token: str

    async def answer(self, row: dict[str, str]) -> str:
        """ "200 open", "403": in the words of the table."""
        reader, writer = await self._connect(row["peer"])
        writer.write(self._request(row))
        async with asyncio.timeout(10):
            head = await reader.readuntil(b"\r\n\r\n")
        writer.close()
        status = head[9:12].decode()
        name = next((line[3:] for line in head.decode().split("\r\n") if line.startswith("A: ")), "door")
        return f"{status} {name}" if status == "200" else status

    async def _connect(self, peer: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        with account(OTHER if peer == "other" else None):
            sock = socket.socket()
        sock.bind(("127.0.0.1", 0))
        self.peers.meant[sock.getsockname()[1]] = peer
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.road.port))
        name = "localhost" if self.road.trusting else None
        return await asyncio.open_connection(sock=sock, ssl=self.road.trusting, server_hostname=name)

    def _request(self, row: dict[str, str]) -> bytes:
        request = row["request"].removesuffix(" up")
        known = {
            "{port}": str(self.road.port),
            "{scheme}": self.road.face.decode(),
            "{token}": self.token,
            "{key}": self.gate.entering.path_for("tok").partition("=")[2] if "{key}" in request else "",
        }
        lines = [f"{request} HTTP/1.1"]
        lines += [f"{name}: {row[column]}" for column, name in FIELDS.items() if row[column] != "-"]
        lines += [row["more"]] if row["more"] != "-" else []
        lines += self.secrets[row["shown"]]
        lines += ["Connection: Upgrade", "Upgrade: websocket"] if row["request"].endswith(" up") else []
        lines += ["Content-Length: 1"] if request.partition(" ")[0].upper() in ("POST", "PUT", "PATCH") else []
        text = "\r\n".join([*lines, "", ""]).replace("\\t", "\t")
        for name, value in known.items():
            text = text.replace(name, value)
        return text.encode() + (b"x" if "Content-Length" in text else b"")


@pytest.fixture
async def stage(road: Road) -> Stage:
    now_s = 1000.0
    book = TokenBook("", lambda: now_s)
    made = {name: book.make(name, route, lasts_s)[0] for name, route, lasts_s in (
        ("all", "", None), ("tok", "tok", 3600.0), ("other", "either-not", None), ("ended", "", 0.0), ("gone", "", None)
    )}  # fmt: skip
    book.remove("gone")
    peers = Peers()

    async def at_once(delay_s: float) -> None:
        assert 0 < delay_s <= 5

    gate = road.door.gate = Gate(peers, book, own_uid(), sleep=at_once)
    hashes = {user: hash_password(password, ln=10) for user, password in PASSWORDS.items()}
    for name, rule in RULES.items():
        route = await upstream(road, name)
        if rule is not None:
            access, cross_site = rule
            logins = {user: hashes[user] for user in access.basic}
            whole = Access(same_user=access.same_user, users=access.users, token=access.token, basic=logins)
            route.rule = make_rule(name, whole, "deny" if cross_site == "deny" else "allow")
    control = await upstream(road, "homeport")
    control.kind, control.rule = "control", control_rule()
    road.routes.add(Route("db", FakeTarget(Endpoint("127.0.0.1", 1)), "tcp"))
    return Stage(road, gate, peers, secrets(gate, made, hashes["ann"]), made["all"])


async def upstream(road: Road, name: str) -> Route:
    """Answers with its name, and fails the test when a secret comes along."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head, _ = await read_request(reader)
            leaked = (
                name not in ("open", "strict", "mine", "theirs", "homeport") and b"hp_" in head.partition(b"\r\n")[2]
            )
            writer.write(
                b"HTTP/1.1 200 OK\r\nA: %s\r\nContent-Length: 0\r\n\r\n" % (b"leak" if leaked else name.encode())
            )
            await writer.drain()

    if name != "homeport":
        return await road.upstream(say, name, default=name == "open")
    other = await road.upstream(say, "spare", default=False)
    road.routes.remove("spare")
    route = Route("homeport", other.target, "control")
    road.routes.add(route)
    return route


def secrets(gate: Gate, tokens: dict[str, str], hashed: str) -> dict[str, list[str]]:
    """The header lines behind each word in the column `shown`."""

    def bearer(token: str) -> list[str]:
        return [f"Authorization: Bearer {token}"]

    def basic(login: str) -> list[str]:
        return [f"Authorization: Basic {base64.b64encode(login.encode()).decode()}"]

    def session(uid: int | None) -> str:
        return gate.entering._sessions.make(Session("tok", uid))

    own, all_ = session(own_uid()), tokens["all"]
    return {
        "none": [],
        "token": bearer(all_),
        "token of tok": bearer(tokens["tok"]),
        "token of other route": bearer(tokens["other"]),
        "revoked token": bearer(tokens["gone"]),
        "ended token": bearer(tokens["ended"]),
        "wrong token": bearer("hp_" + "A" * 43),
        "half a token": bearer(all_[:24]),
        "token in capitals": bearer("hp_" + all_[3:].swapcase()),
        "bare prefix": bearer("hp_"),
        "hash of the token": bearer("hp_" + hashlib.sha256(all_.encode()).hexdigest()),
        "token of the app": bearer("eyJhbGciOiJIUzI1NiJ9.e30.x"),
        "token as bearer in small letters": [f"authorization:bearer   {all_}"],
        "token as password": basic(f"token:{all_}"),
        "token as scheme Token": [f"Authorization: Token {all_}"],
        "token twice": bearer(all_) * 2,
        "token in cookie": [f"Cookie: homeport={all_}"],
        "session": [f"Cookie: homeport={own}"],
        "session among others": [f"Cookie: a=b; homeport={own};c=d"],
        "session of another account": [f"Cookie: homeport={session(OTHER)}"],
        "wrong session": ["Cookie: homeport=" + "A" * 43],
        "two sessions": [f"Cookie: homeport={own}; homeport=x"],
        "session as bearer": bearer(own),
        "session and wrong token": [f"Cookie: homeport={own}", *bearer("hp_wrong")],
        "password": basic("ann:hunter2"),
        "wrong password": basic("ann:hunter3"),
        "password of nobody": basic("eve:hunter2"),
        "password in capitals": basic("ann:HUNTER2"),
        "empty password": basic("ann:"),
        "user in capitals": basic("ANN:hunter2"),
        "no base64": ["Authorization: Basic ann:hunter2"],
        "hash as password": basic(f"ann:{hashed}"),
        "password with a colon": basic("bob:a:b"),
        "basic in small letters": [basic("ann:hunter2")[0].replace("Basic", "basic")],
    }


def test_the_table_is_long_and_has_no_row_twice() -> None:
    table = [tuple(row.values()) for row in rows()]
    assert len(table) >= 150
    assert len(set(table)) == len(table)
    assert all(None not in row and len(row) == 8 for row in table)


async def test_every_row_of_the_table_holds_on_a_running_door(stage: Stage) -> None:
    wrong = []
    for row in rows():
        answered = await stage.answer(row)
        if answered != row["answer"]:
            wrong.append(f"{answered} for {','.join(row.values())}")
    assert wrong == []


async def test_nothing_that_was_shown_is_recorded(stage: Stage) -> None:
    """Right or wrong, to a guarded route or to a host that is nobody's."""
    unguarded = ("200 open", "200 strict", "200 mine", "200 theirs")
    for row in rows():
        if row["answer"] not in unguarded and "{token}" not in row["request"] + row["more"]:
            await stage.answer(row)
    done = await stage.road.tap.all_done(100)
    stored = b"".join(exchange.request_head + exchange.response_head for exchange in done)
    lines = {line for lines in stage.secrets.values() for line in lines if "eyJ" not in line}  # the app's own
    secrets = {word for line in lines for word in re.split(r"[ =;:]", line) if len(word) > 13}
    assert len(secrets) > 15
    assert [secret for secret in secrets if secret.encode() in stored] == []
    own = [exchange.request_head for exchange in done if b"Host: tok.localhost" in exchange.request_head]
    assert own
    assert not any(b"enter?key" in head for head in own)

"""Opening and closing: which addresses, by which rules, and when it ends."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import Any

import pytest

from homeport.app.rules import make_rule
from homeport.gateway.exposure import Exposure
from homeport.gateway.inbound import Inbound
from homeport.gateway.routes import CONTROL, Route
from homeport.machine.addresses import own_addresses
from homeport.model.access import EVERYONE, Access
from homeport.model.app import AppState, State
from homeport.model.errors import HomeportError
from homeport.model.exposure import ExposeSpec
from homeport.model.password import hash_password
from tests.gateway.conftest import FakeTarget

from .conftest import FACES, HERE, OTHER, SIX, TOKEN, House, ask, bearer, is_refused, until_ended


class TestAddresses:
    async def test_those_of_this_computer(self, inside: None) -> None:
        assert own_addresses() == [HERE, OTHER, SIX]

    @pytest.mark.parametrize(
        ("address", "says"),
        [
            ("", f"web needs an address: this computer has {HERE}, {OTHER}, {SIX}"),
            ("0.0.0.0", "every network that this computer is ever in"),
            ("::", "every network that this computer is ever in"),
            ("127.0.0.1", "is loopback, where the door is"),
            ("[::1]:8443", "is loopback, where the door is"),
            ("::ffff:0.0.0.0", "does not have the address|every network"),
            ("10.99.0.1", "this computer does not have the address 10.99.0.1"),
            ("224.0.0.1", "browsers cannot open"),
            ("fe80::1", "browsers cannot open"),
            ("laptop.local", "'laptop.local' is no address"),
            (f"{HERE}:0", "has no port between"),
            (f"{HERE}:65536", "has no port between"),
            (f"{HERE}:http", "has no port between"),
        ],
    )
    async def test_others_are_refused(self, house: House, address: str, says: str) -> None:
        with pytest.raises(HomeportError, match=says) as caught:
            await house.open(address=address)
        assert caught.value.code == "bad-usage"
        assert house.changed == []

    async def test_the_port_is_the_doors_or_the_next_one(self, house: House) -> None:
        port = house.door.endpoints[0].port
        first, second = await house.open(), await house.open("api")
        assert first.address == f"{HERE}:{port}"
        assert second.address != first.address

    async def test_a_port_that_is_taken(self, house: House) -> None:
        taken = await asyncio.start_server(lambda reader, writer: None, HERE, 0)
        port = taken.sockets[0].getsockname()[1]
        with pytest.raises(HomeportError, match=f"cannot listen on {HERE}:{port}") as caught:
            await house.open(address=f"{HERE}:{port}")
        assert caught.value.code == "port-taken"
        taken.close()
        await taken.wait_closed()

    @pytest.mark.parametrize("lasts_s", [0.0, -1.0, 1e9, float("nan")])
    async def test_a_time_that_is_none(self, house: House, lasts_s: float) -> None:
        with pytest.raises(HomeportError, match="at most 30 days"):
            await house.exposures.open("web", ExposeSpec(address=HERE, access=TOKEN, lasts_s=lasts_s))

    @pytest.mark.parametrize("name", ["nobody", CONTROL])
    async def test_what_is_no_route_of_the_users(self, house: House, name: str) -> None:
        with pytest.raises(HomeportError, match="no route is called"):
            await house.open(name)

    async def test_tcp_routes_stay_at_home(self, house: House) -> None:
        house.door.routes.add(Route("db", FakeTarget(None), "tcp"))
        with pytest.raises(HomeportError, match="a tcp route has no rule and no TLS"):
            await house.open("db")


class TestRules:
    @pytest.mark.parametrize("access", [None, EVERYONE])
    async def test_it_needs_one(self, house: House, access: Access | None) -> None:
        with pytest.raises(HomeportError, match="web is for anyone-local alone") as caught:
            await house.open(access=access)
        assert caught.value.hint == f"homeport expose web {HERE} --access token"

    @pytest.mark.parametrize("access", [Access(same_user=True), Access(users=[0]), Access(users=[0], token=True)])
    async def test_accounts_cannot_be_asked_for(self, house: House, access: Access) -> None:
        with pytest.raises(HomeportError, match="no network tells that"):
            await house.open(access=access)

    async def test_public_stands_alone(self, house: House) -> None:
        with pytest.raises(HomeportError, match="stands alone"):
            await house.open(access=Access(public=True, token=True))

    @FACES
    async def test_token(self, house: House, face: str) -> None:
        exposed = await house.open()
        assert exposed.access == "token"
        refused = await house.ask(exposed, face)
        assert refused.startswith(b"HTTP/1.1 401 ")
        assert b"homeport expose web" in refused
        right = await house.ask(exposed, face, shown=bearer(house, "web"))
        assert b"\r\n\r\nweb\n" in right
        assert b"Bearer" not in right

    @FACES
    async def test_a_token_of_another_route_is_none(
        self, house: House, face: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        exposed = await house.open()
        answer = await house.ask(exposed, face, shown=bearer(house, "api"))
        assert answer.startswith(b"HTTP/1.1 401 ")

    @FACES
    async def test_a_password(self, house: House, face: str) -> None:
        exposed = await house.open(access=Access(basic={"ann": hash_password("hunter2", ln=10)}))
        assert exposed.access == "password"
        assert (await house.ask(exposed, face)).startswith(b"HTTP/1.1 401 ")
        answer = await house.ask(exposed, face, shown="Authorization: Basic YW5uOmh1bnRlcjI=")
        assert b"\r\n\r\nweb\n" in answer
        assert b"Basic" not in answer

    async def test_without_one_of_its_own_the_routes_holds(self, house: House) -> None:
        route = house.door.routes.get("web")
        assert route
        route.rule = make_rule("web", TOKEN, "deny")
        exposed = await house.open(access=None)
        assert exposed.access == "token"
        assert (await house.ask(exposed)).startswith(b"HTTP/1.1 401 ")

    async def test_cross_site_holds_there_too(self, house: House) -> None:
        route = house.door.routes.get("web")
        assert route
        route.rule = make_rule("web", EVERYONE, "deny")
        exposed = await house.open(access=Access(public=True))
        client, _ = await house.connect(exposed)
        origin = "Origin: https://evil.example"
        client.send(f"POST / HTTP/1.1\r\nHost: {HERE}\r\n{origin}\r\nContent-Length: 0\r\n\r\n".encode())
        assert (await client.head()).startswith(b"HTTP/1.1 403 ")


class TestClosing:
    @FACES
    async def test_nobody_listens_and_who_was_inside_is_cut_off(self, house: House, face: str) -> None:
        exposed = await house.open(access=Access(public=True))
        client, _ = await house.connect(exposed, face)
        client.send(f"GET /hang HTTP/1.1\r\nHost: {HERE}\r\n\r\n".encode())
        assert (await client.head()).startswith(b"HTTP/1.1 200 ")
        idle, _ = await house.connect(exposed, face)
        assert house.exposures.close("web") == exposed
        assert await is_refused(exposed)
        for one in (client, idle):
            await until_ended(one)
        assert not [inbound for inbound in house.door._inside if isinstance(inbound.only, Exposure)]
        assert house.changed == ["web", "web"]
        assert house.exposures.close("web") is None

    async def test_an_upgraded_connection_is_cut_off_too(self, house: House) -> None:
        client, _ = await house.connect(await house.open(access=Access(public=True)))
        client.send(f"GET /switch HTTP/1.1\r\nHost: {HERE}\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n".encode())
        assert (await client.head()).startswith(b"HTTP/1.1 101 ")
        client.send(b"ping")
        assert await client.body(4) == b"ping"
        house.exposures.close("web")
        await until_ended(client)

    async def test_who_was_accepted_in_that_moment_stays_outside(self, house: House) -> None:
        await house.open()
        route = house.door.routes.get("web")
        assert route
        assert route.exposure
        late = Inbound(house.door, route.exposure)
        house.exposures.close("web")
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: late, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()
        server.close()
        assert late not in house.door._inside

    async def test_there_is_room_for_so_many(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("homeport.gateway.exposure.MOST_INSIDE", 2)
        exposed = await house.open(access=Access(public=True))
        first, writer = await house.connect(exposed, "h2")
        assert b"web\nGET" in await ask(first, HERE)
        second, _ = await house.connect(exposed)
        with pytest.raises((ConnectionError, ssl.SSLError)):
            await house.connect(exposed)
        assert b"web\nGET" in await ask(second, HERE)
        writer.close()
        await until_ended(first)
        route = house.door.routes.get("web")
        assert route
        assert route.exposure
        while len(route.exposure.inside) > 1:
            await asyncio.sleep(0)
        assert b"web\nGET" in await house.ask(exposed)

    async def test_it_ends_by_itself(self, house: House) -> None:
        closed = asyncio.Event()
        house.exposures._changed = lambda route: None if route.exposure else closed.set()
        exposed = await house.exposures.open("web", ExposeSpec(address=HERE, access=TOKEN, lasts_s=0.01))
        assert exposed.ends
        async with asyncio.timeout(10):
            await closed.wait()
        assert await is_refused(exposed)

    async def test_an_old_end_does_not_close_what_was_opened_after_it(self, house: House) -> None:
        await house.exposures.open("web", ExposeSpec(address=HERE, access=TOKEN, lasts_s=0.01))
        exposed = await house.open()
        ended = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0.05, ended.set_result, None)  # timers ring in order
        await ended
        assert not await is_refused(exposed)

    @pytest.mark.parametrize(
        ("state", "stays"),
        [("ready", True), ("backoff", True), ("stopped", True), ("exited", False), ("failed", False)],
    )
    async def test_an_app_that_ends_by_itself_closes_it(self, house: House, state: State, stays: bool) -> None:
        """A restart passes through "stopped"; `homeport stop` closes it before that."""
        exposed = await house.open()
        told = AppState(name="web", project="shop", folder="/", route="web", kind="process", state=state)
        assert house.exposures.follow(told) is told
        assert await is_refused(exposed) is not stays

    async def test_opening_again_closes_what_was_open(self, house: House) -> None:
        first = await house.open()
        second = await house.open(address=OTHER)
        assert await is_refused(first)
        assert not await is_refused(second)

    async def test_two_at_a_time_leave_one(self, house: House) -> None:
        both = await asyncio.gather(house.open(), house.open(address=OTHER))
        route = house.door.routes.get("web")
        assert route
        assert route.exposure
        standing = route.exposure.state
        assert standing in both
        assert [await is_refused(one) for one in both] == [one != standing for one in both]

    async def test_what_is_closed_while_it_opens_stays_closed(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        listen = house.door._listen

        async def listen_and_close(*arguments: Any) -> None:
            house.exposures.close("web")
            await listen(*arguments)

        monkeypatch.setattr(house.door, "_listen", listen_and_close)
        assert await is_refused(await house.open())

    async def test_the_door_takes_it_along(self, house: House) -> None:
        exposed = await house.open()
        await house.door.close()
        assert await is_refused(exposed)

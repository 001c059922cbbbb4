"""While nobody is at the upstream's port, clients are refused by the system as they would be there. Linux."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator

import pytest

from homeport.conditions.settings import Conditions, Outage
from homeport.gateway import udp_refusing
from homeport.machine.receivers import receives_datagrams
from homeport.model.endpoint import Endpoint
from tests.gateway.test_udp import free_port
from tests.gateway.udp_stage import Peer, UdpStage, staged_udp

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only there a port can be closed and kept")


@pytest.fixture
async def stage() -> AsyncIterator[UdpStage]:
    async with staged_udp(is_bound=receives_datagrams) as made:
        yield made


async def refusal(client: Peer) -> OSError:
    """What the client is told, sooner or later: its first datagrams are on the way before the answer is known."""
    async with asyncio.timeout(20):
        while True:
            try:
                client.send(b"anybody?")
            except ConnectionRefusedError as refused:
                return refused
            await asyncio.sleep(0.002)
            if not client.heard.empty():
                heard = client.heard.get_nowait()
                assert isinstance(heard, OSError)
                return heard


async def answer(client: Peer) -> bytes:
    """The first answer, once there is somebody."""
    async with asyncio.timeout(20):
        while True:
            try:
                client.send(b"hello")
            except ConnectionRefusedError:
                pass
            await asyncio.sleep(0.01)
            while not client.heard.empty():
                heard = client.heard.get_nowait()
                if isinstance(heard, bytes):
                    return heard


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_clients_are_refused_until_the_server_comes(stage: UdpStage, host: str) -> None:
    port = free_port()
    door = stage.route(Endpoint("127.0.0.1", port))
    client = await stage.client(door, host)
    assert isinstance(await refusal(client), ConnectionRefusedError)
    assert isinstance(await refusal(await stage.client(door, host)), ConnectionRefusedError)
    await stage.server(port=port)
    assert await answer(client) == b"hello"
    assert stage.relay.state("game").refused >= 1


async def test_the_port_stays_ours_while_it_is_closed(stage: UdpStage) -> None:
    door = stage.route(Endpoint("127.0.0.1", free_port()))
    await refusal(await stage.client(door))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other, pytest.raises(OSError, match="in use"):
        other.bind((door.host, door.port))


async def test_an_upstream_that_only_we_cannot_see_is_not_shut_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """As behind a port that a container runtime forwards without a socket."""
    monkeypatch.setattr(udp_refusing, "LONGEST_S", 0.05)
    async with staged_udp(is_bound=lambda _: False) as stage:
        port = free_port()
        client = await stage.client(stage.route(Endpoint("127.0.0.1", port)))
        await refusal(client)
        await stage.server(port=port)
        assert await answer(client) == b"hello"


async def test_an_outage_refuses_and_its_end_lets_in(stage: UdpStage) -> None:
    door, _ = await stage.behind()
    client = await stage.client(door)
    assert await client.ask(b"before") == b"before"
    stage.relay.set_conditions("game", Conditions(up=(Outage(how="refuse"),), down=(Outage(how="refuse"),)))
    assert isinstance(await refusal(client), ConnectionRefusedError)
    stage.relay.set_conditions("game", None)
    assert await answer(client) == b"hello"

"""What the gateway knows of conditioned routes: bytes that wait, delays while somebody asks, datagrams let through."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from homeport.app.carried import Carried
from homeport.app.networks import Networks
from homeport.conditions.settings import Bandwidth, Conditions, Latency, RandomLoss
from homeport.gateway.door import Door
from homeport.gateway.routes import Route, Routes
from homeport.gateway.stream_relay import StreamRelay
from homeport.gateway.tcp import TcpRelay
from homeport.gateway.udp import UdpRelay
from homeport.model.endpoint import Endpoint
from tests.gateway.conftest import FakeTap, FakeTarget


class Relays:
    """A TCP and a UDP route with clients and upstreams that the test speaks for."""

    def __init__(self) -> None:
        self.door = Door(Routes(), FakeTap())
        self.tcp, self.udp = TcpRelay(self.door.tap), UdpRelay(self.door.tap)
        self.streams = StreamRelay(self.door.tap, cast(Any, None))  # nobody asks for a certificate
        self.tcp.start()
        self.udp.start()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.receiver.bind(("127.0.0.1", 0))
        for one in (self.listener, self.receiver):
            one.settimeout(10)
        db = FakeTarget(Endpoint("127.0.0.1", self.listener.getsockname()[1]))
        game = FakeTarget(Endpoint("127.0.0.1", self.receiver.getsockname()[1]))
        self.db = self.tcp.open("db", Endpoint("127.0.0.1", 0), db)
        self.game = self.udp.open("game", Endpoint("127.0.0.1", 0), game)
        self.door.routes.add(Route("db", db, "tcp"))
        self.door.routes.add(Route("game", game, "udp"))
        self.networks = Networks(self.door, self.tcp, self.streams, self.udp)
        self.carried = Carried(self.door, self.tcp, self.streams, self.udp)

    async def close(self) -> None:
        self.tcp.stop()
        await self.streams.stop()
        self.udp.stop()
        self.listener.close()
        self.receiver.close()


@pytest.fixture
async def relays() -> AsyncIterator[Relays]:
    made = Relays()
    yield made
    await made.close()


async def test_a_stream_tells_its_delays_while_somebody_asks(relays: Relays) -> None:
    relays.networks.set("db", Conditions(up=(Latency(latency_ms=20),)))
    assert relays.carried.take_delays() == {}
    with socket.create_connection((relays.db.host, relays.db.port)) as client:
        client.sendall(b"select 1")
        upstream, _ = await asyncio.to_thread(relays.listener.accept)
        with upstream:
            upstream.settimeout(10)
            assert await asyncio.to_thread(upstream.recv, 100) == b"select 1"
            up, down = relays.carried.take_delays()["db"]
            assert ([round(one, 6) for one in up], list(down)) == ([0.02], [])
            relays.carried.stop_delays()
            client.sendall(b"select 2")
            assert await asyncio.to_thread(upstream.recv, 100) == b"select 2"
            assert relays.carried.take_delays() == {}


async def test_a_stream_tells_what_waits(relays: Relays) -> None:
    relays.networks.set("db", Conditions(up=(Bandwidth(rate_bps=8),)))
    with socket.create_connection((relays.db.host, relays.db.port)) as client:
        client.sendall(b"x" * 1000)
        while relays.carried.held_bytes()["db"][0] < 900:
            await asyncio.sleep(0.01)
        assert relays.carried.held_bytes()["db"][1] == 0


async def test_datagrams_that_were_lost_did_not_come_through(relays: Relays) -> None:
    relays.networks.set("game", Conditions(up=(RandomLoss(rate=0.5),), seed=7))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        for _ in range(100):
            client.sendto(b"12345678", (relays.game.host, relays.game.port))
        while relays.udp.state("game").up.datagrams < 100:
            await asyncio.sleep(0.01)
    state = relays.udp.state("game").up
    assert 0 < state.dropped < 100
    assert relays.carried.datagram_bytes()["game"] == ((100 - state.dropped) * 8, 0)

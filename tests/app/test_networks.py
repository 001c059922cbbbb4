"""Conditions reach HTTP, TCP and UDP routes alike, and end with them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from homeport.app.networks import Networks
from homeport.conditions.settings import Conditions, Latency
from homeport.gateway.door import Door
from homeport.gateway.routes import Kind, Route, Routes
from homeport.gateway.stream_relay import StreamRelay
from homeport.gateway.tcp import TcpRelay
from homeport.gateway.udp import UdpRelay
from homeport.model.endpoint import Endpoint
from homeport.model.errors import HomeportError
from tests.gateway.conftest import FakeTap, FakeTarget

SLOW = Conditions(down=(Latency(latency_ms=5),))
NOWHERE = FakeTarget(Endpoint("127.0.0.1", 9))


@pytest.fixture
async def door() -> Door:
    return Door(Routes(), FakeTap())


@pytest.fixture
async def networks(door: Door) -> AsyncIterator[Networks]:
    tcp, udp = TcpRelay(door.tap), UdpRelay(door.tap)
    streams = StreamRelay(door.tap, cast(Any, None))  # nobody asks for a certificate
    tcp.start()
    udp.start()
    tcp.open("db", Endpoint("127.0.0.1", 0), NOWHERE)
    udp.open("game", Endpoint("127.0.0.1", 0), NOWHERE)
    kinds: dict[str, Kind] = {
        "web": "app",
        "api": "http",
        "db": "tcp",
        "game": "udp",
        "tls": "tcp",
        "homeport": "control",
    }
    for name, kind in kinds.items():
        door.routes.add(Route(name, NOWHERE, kind))
    tls = door.routes.get("tls")
    assert tls is not None
    await streams.open(tls, Endpoint("127.0.0.1", 0), "pass")
    yield Networks(door, tcp, streams, udp)
    tcp.stop()
    await streams.stop()
    udp.stop()


@pytest.mark.parametrize("name", ["web", "api", "db", "tls", "game"])
async def test_set_and_cleared(networks: Networks, name: str) -> None:
    networks.set(name, SLOW)
    assert [(route, client, conditions) for route, client, conditions, _ in networks.all()] == [(name, "", SLOW)]
    networks.set(name, None)
    assert networks.all() == []


async def test_one_client_of_a_udp_route(networks: Networks) -> None:
    networks.set("game", SLOW, "127.0.0.1:4000")
    assert [one[:2] for one in networks.all()] == [("game", "127.0.0.1:4000")]
    networks.set("game", None, "127.0.0.1:4000")
    assert networks.all() == []
    with pytest.raises(HomeportError, match="only clients of udp routes"):
        networks.set("web", SLOW, "127.0.0.1:4000")


async def test_routes_that_cannot_or_are_not_there(networks: Networks) -> None:
    for name, code in (("homeport", "unsupported"), ("nobody", "not-found")):
        with pytest.raises(HomeportError) as caught:
            networks.set(name, SLOW)
        assert caught.value.code == code


async def test_a_route_that_goes_takes_its_conditions_along(networks: Networks, door: Door) -> None:
    networks.set("web", SLOW)
    door.routes.remove("web")
    assert networks.all() == []
    door.routes.add(Route("web", NOWHERE, "app"))
    assert networks.all() == [], "another route of that name has a network of its own"

"""Conditions reach HTTP, TCP and UDP routes alike, and end with them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from homeport.app.client_book import ClientBook
from homeport.app.networks import Networks
from homeport.conditions.settings import Conditions, Latency
from homeport.gateway.door import Door
from homeport.gateway.h2_upstream import H2Upstream
from homeport.gateway.route_conditions import RouteConditions
from homeport.gateway.routes import Kind, Route, Routes
from homeport.gateway.stream_relay import StreamRelay
from homeport.gateway.tcp import TcpRelay
from homeport.gateway.udp import UdpRelay
from homeport.model.endpoint import Endpoint
from homeport.model.errors import HomeportError
from homeport.model.net_client import NetClientSpec, Visitor
from tests.gateway.conftest import FakeTap, FakeTarget

SLOW = Conditions(down=(Latency(latency_ms=5),))
NOWHERE = FakeTarget(Endpoint("127.0.0.1", 9))


@pytest.fixture
async def door() -> Door:
    return Door(Routes(), FakeTap())


@pytest.fixture
def clients() -> ClientBook:
    return ClientBook("linux")


@pytest.fixture
async def networks(door: Door, clients: ClientBook) -> AsyncIterator[Networks]:
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
    rpc = Route("rpc", NOWHERE, "http")
    rpc.h2 = H2Upstream()
    door.routes.add(rpc)
    tls = door.routes.get("tls")
    assert tls is not None
    await streams.open(tls, Endpoint("127.0.0.1", 0), "pass")
    yield Networks(door, tcp, streams, udp, clients)
    tcp.stop()
    await streams.stop()
    udp.stop()


@pytest.mark.parametrize("name", ["web", "api", "rpc", "db", "tls", "game"])
async def test_set_and_cleared(networks: Networks, name: str) -> None:
    networks.set(name, SLOW)
    assert [(route, client, conditions) for route, client, conditions, _ in networks.all()] == [(name, "", SLOW)]
    networks.set(name, None)
    assert networks.all() == []


@pytest.mark.parametrize("name", ["web", "game"])
async def test_one_client_alone(networks: Networks, name: str) -> None:
    networks.set(name, SLOW, "127.0.0.1:4000")
    assert [one[:2] for one in networks.all()] == [(name, "127.0.0.1:4000")]
    networks.set(name, None, "127.0.0.1:4000")
    assert networks.all() == []
    with pytest.raises(HomeportError, match="no client is called 'alice'"):
        networks.set(name, SLOW, "alice")


async def test_clients_that_a_route_cannot_tell_apart(networks: Networks) -> None:
    with pytest.raises(HomeportError, match="no requests that could tell"):
        networks.set("game", SLOW, "agent=Edge")


async def test_other_words_for_a_name_hold_from_then_on(networks: Networks, clients: ClientBook, door: Door) -> None:
    web = door.routes.get("web")
    assert web is not None
    for address, other in (("127.0.0.7", "127.0.0.8"), ("127.0.0.8", "127.0.0.7")):
        clients.name(NetClientSpec(name="alice", words=[address]))
        if web.conditions is None:
            networks.set("web", SLOW, "alice")
        networks.client_changed("alice")
        assert web.conditions is not None
        assert felt(web.conditions, f"{address}:1") == SLOW
        assert felt(web.conditions, f"{other}:1") is None


def felt(conditions: RouteConditions, address: str) -> Conditions | None:
    client, head = SimpleNamespace(visitor=lambda: Visitor(address)), SimpleNamespace(headers=[])
    found = conditions.of(cast(Any, client), cast(Any, head))
    return found.conditions if found is not None else None


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

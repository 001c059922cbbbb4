"""Extra routes on a real door: what they answer with, where they listen, and that nothing of a refused one stays."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest

from homeport.app.doors import Doors, free_near
from homeport.app.fake import FakeConditioned, FakeExposures, FakeRoads
from homeport.app.roads import Roads
from homeport.app.routes import RoutesUseCases
from homeport.app.taken import FindTaken, find_taken
from homeport.app.urls import Urls
from homeport.doctor.checks.upstream import explain_upstream
from homeport.gateway.door import Door
from homeport.gateway.routes import Routes
from homeport.gateway.stream_relay import StreamRelay
from homeport.gateway.tcp import TcpRelay
from homeport.gateway.udp import UdpRelay
from homeport.machine.ports import this_computer
from homeport.machine.ports_fake import FakePorts
from homeport.model.access import Access
from homeport.model.endpoint import Endpoint
from homeport.model.errors import HomeportError
from homeport.model.ports import ProcessFact, SocketFact
from homeport.model.route import RouteSpec, RouteState
from homeport.recording.memory import MemoryTap

ANY = Endpoint("127.0.0.1", 0)
TAKEN = partial(find_taken, this_computer())


class NoCertificates:
    """See homeport.gateway.seams.StreamCertificates."""

    def for_stream(self, name: str, client_ca: str, alpn: tuple[str, ...]) -> None:
        return None

    async def make_for_stream(self, name: str, client_ca: str, alpn: tuple[str, ...]) -> None:
        return None


class House:
    """A door, a relay and the table on top of them."""

    def __init__(self) -> None:
        self.door = Door(Routes(), MemoryTap())
        self.tcp = TcpRelay(MemoryTap())
        self.udp = UdpRelay(MemoryTap())
        self.streams = StreamRelay(MemoryTap(), NoCertificates())
        self.doors = Doors(self.door, TAKEN)
        self.told: list[RouteState] = []
        self.roads = Roads(
            self.door,
            self.tcp,
            self.streams,
            self.udp,
            Urls(self.doors.first),
            explain_upstream,
            self.told.append,
            TAKEN,
            TAKEN,
        )


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    house.tcp.start()
    house.udp.start()
    await house.doors.open(ANY, ANY)
    yield house
    house.tcp.stop()
    house.udp.stop()
    await house.streams.stop()
    await house.door.close()
    await asyncio.sleep(0)


@asynccontextmanager
async def server() -> AsyncIterator[int]:
    """Says hello to everyone, as HTTP."""

    async def hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
        writer.close()
        await writer.wait_closed()

    listening = await asyncio.start_server(hello, "127.0.0.1", 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1]


async def get(address: str, host: str) -> bytes:
    name, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(name, int(port))
    writer.write(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_an_http_route_with_a_port_of_its_own(house: House) -> None:
    door = house.doors.addresses()[0]
    async with server() as port:
        spec = RouteSpec(name="api", target=f"http://127.0.0.1:{port}/", listen="0")
        state = await house.roads.add(spec)
        assert (await get(door, "api.localhost")).endswith(b"hello")
        assert (await get(state.listen, state.listen)).endswith(b"hello")
        assert b"hello" not in await get(state.listen, "rebound.test")
    assert state.urls[0] == f"http://api.localhost:{door.rpartition(':')[2]}/" or state.default
    assert f"http://{state.listen}/" in state.urls
    assert [(one.active, one.visits) for one in house.roads.states()] == [(0, 2)]
    assert house.roads.has_extra()
    await house.roads.remove("api")
    assert [(one.name, one.gone) for one in house.told] == [("api", False), ("api", True)]
    with pytest.raises(ConnectionRefusedError):
        await get(state.listen, "api.localhost")
    assert b"hello" not in await get(door, "api.localhost")
    assert not house.roads.has_extra()


async def test_a_udp_route_counts_its_datagrams(house: House) -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
    ):
        server.bind(("127.0.0.1", 0))
        spec = RouteSpec(name="game", target=f"udp:127.0.0.1:{server.getsockname()[1]}", listen="127.0.0.1:0")
        state = await house.roads.add(spec)
        assert (state.url, state.target) == (f"udp://{state.listen}", spec.target)
        client.sendto(b"hello", ("127.0.0.1", int(state.listen.rpartition(":")[2])))
        assert await asyncio.to_thread(server.recv, 99) == b"hello"
        [state] = house.roads.states()
        assert state.udp is not None
        assert (state.visits, state.active, state.udp.up.bytes) == (1, 1, 5)
    await house.roads.remove("game")
    assert house.udp.names() == []


async def test_a_udp_route_has_no_rule_and_names_who_is_in_its_way(house: House) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(HomeportError) as refused:
            await house.roads.add(RouteSpec(name="game", target="udp:127.0.0.1:7777", listen=listen))
        assert refused.value.code == "port-taken"
    spec = RouteSpec(name="game", target="udp:127.0.0.1:7777", listen="0", access=Access(same_user=True))
    with pytest.raises(HomeportError) as refused:
        await house.roads.add(spec)
    assert refused.value.code == "bad-usage"
    assert house.roads.states() == []


async def test_a_tcp_route_counts_its_connections(house: House) -> None:
    async with server() as port:
        state = await house.roads.add(RouteSpec(name="db", target=f"tcp:127.0.0.1:{port}", listen="127.0.0.1:0"))
        assert state.url == f"tcp://{state.listen}"
        assert (await get(state.listen, "x")).endswith(b"hello")
        assert [one.visits for one in house.roads.states()] == [1]
        await house.roads.remove("db")


async def test_a_route_shares_its_port_with_nobody_on_the_other_family(house: House) -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(HomeportError) as caught:
            await house.roads.add(RouteSpec(name="web", target="http://127.0.0.1:9", listen=str(port)))
        assert caught.value.code == "port-taken"


async def test_a_route_that_cannot_listen_leaves_no_trace(house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = str(taken.getsockname()[1])
        for target in ("http://127.0.0.1:1", "tcp:127.0.0.1:1"):
            with pytest.raises(HomeportError) as caught:
                await house.roads.add(RouteSpec(name="api", target=target, listen=listen))
            assert caught.value.code == "port-taken"
            assert f"127.0.0.1:{listen} is taken by " in caught.value.message
            assert f"(pid {os.getpid()})" in caught.value.message
            assert caught.value.hint == f"homeport free {listen}"
    assert house.roads.states() == []
    assert house.told == []


async def test_a_name_is_given_once(house: House) -> None:
    await house.roads.add(RouteSpec(name="api", target="http://127.0.0.1:1"))
    with pytest.raises(HomeportError) as caught:
        await house.roads.add(RouteSpec(name="api", target="http://127.0.0.1:2"))
    assert caught.value.code == "name-taken"
    with pytest.raises(HomeportError, match=r"http://127\.0\.0\.1:1"):
        house.roads.check_free_for_app("api")
    house.roads.check_free_for_app("other")


async def test_activity_is_what_idle_stop_asks_for(house: House) -> None:
    async with server() as port:
        await house.roads.add(RouteSpec(name="api", target=f"http://127.0.0.1:{port}"))
        assert house.roads.activity_of("api") == (0, float("inf"))
        assert house.roads.activity_of("nobody") == (0, float("inf"))
        await get(house.doors.addresses()[0], "api.localhost")
        active, idle_s = house.roads.activity_of("api")
    assert active == 0
    assert 0 <= idle_s < 60


def node_on(endpoint: Endpoint) -> FindTaken:
    """A computer on which nothing but a node listens, there."""
    ports = FakePorts()
    ports.processes[4121] = ProcessFact(pid=4121, name="node", folder="/shop")
    ports.listening.append(SocketFact(endpoint=endpoint, pids=(4121,)))
    return partial(find_taken, ports)


async def test_the_door_takes_the_next_port_and_names_who_is_in_the_way() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        wanted = Endpoint("127.0.0.1", taken.getsockname()[1])
        node = node_on(wanted)
        door = Door(Routes(), MemoryTap())
        doors = Doors(door, node)
        free = free_near(wanted, node)
        assert free.port > wanted.port
        await doors.open(wanted, wanted)  # somebody was quicker than us
        [opened] = {endpoint.port for endpoint in door.endpoints}
        assert opened >= free.port
        assert doors.warnings == [
            f"{wanted} is taken by node (pid 4121), started from /shop; the door is 127.0.0.1:{opened} instead"
        ]
        await door.close()


async def test_the_door_takes_the_next_port_where_somebody_has_the_other_family() -> None:
    """Browsers try [::1] first: who squats there could be our pages to them."""
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as taken:
        port = taken.getsockname()[1]
        node, wanted = node_on(Endpoint("::1", port)), Endpoint("127.0.0.1", port)
        door = Door(Routes(), MemoryTap())
        doors = Doors(door, node)
        free = free_near(wanted, node)
        assert free.port > port
        await doors.open(wanted, wanted)  # as if it had been free a moment ago
        opened = door.endpoints[0].port
        assert doors.addresses() == [f"127.0.0.1:{opened}", f"[::1]:{opened}"]
        assert doors.warnings == [
            f"[::1]:{port} is taken by node (pid 4121), started from /shop; the door is 127.0.0.1:{opened} instead"
        ]
        await door.close()


async def test_tcp_routes_with_tls_share_a_port_and_say_their_names(house: House) -> None:
    first = await house.roads.add(RouteSpec(name="mail", target="tcp:127.0.0.1:9", listen="0", tls="pass"))
    port = first.listen.rpartition(":")[2]
    second = await house.roads.add(RouteSpec(name="shop", target="tcp:127.0.0.1:9", listen=port, tls="terminate"))
    assert first.urls == [f"tls://mail.localhost:{port}"]
    assert second.urls == [f"tls://shop.localhost:{port}"]
    assert (first.tls, second.tls) == ("pass", "terminate")
    with pytest.raises(HomeportError, match="is taken"):
        await house.roads.add(RouteSpec(name="raw", target="tcp:127.0.0.1:9", listen=port))
    await house.roads.remove("mail")
    alone = next(state for state in house.roads.states() if state.name == "shop")
    assert alone.urls == [f"tls://127.0.0.1:{port}", f"tls://shop.localhost:{port}"]
    await house.roads.remove("shop")
    raw = await house.roads.add(RouteSpec(name="raw", target="tcp:127.0.0.1:9", listen=port))
    assert raw.url == f"tcp://127.0.0.1:{port}"


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (RouteSpec(name="web", target="http://127.0.0.1:9", listen="0", tls="terminate"), "tls is for a tcp: target"),
        (RouteSpec(name="db", target="tcp:127.0.0.1:9", listen="0", client_ca=__file__), "needs TLS to end"),
        (RouteSpec(name="db", target="tcp:127.0.0.1:9", listen="0", tls="pass", client_ca="x"), "needs TLS to end"),
        (RouteSpec(name="db", target="tcp:127.0.0.1:9", listen="0", tls="terminate", client_ca="/no"), "No such file"),
        (
            RouteSpec(name="db", target="tcp:127.0.0.1:9", listen="0", tls="terminate", client_ca=__file__),
            "it holds no",
        ),
    ],
)
async def test_tls_that_cannot_be_is_refused_at_once(house: House, spec: RouteSpec, words: str) -> None:
    with pytest.raises(HomeportError, match=words):
        await RoutesUseCases(house.roads, FakeConditioned(), FakeExposures(FakeRoads())).add(spec)

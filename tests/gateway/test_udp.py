"""UDP routes over real sockets: datagrams go through as they came, to the right client, and nothing is left."""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from homeport.gateway import udp_client, udp_route
from homeport.model.endpoint import Endpoint
from homeport.model.errors import HomeportError
from homeport.model.exchange import COMPLETE, UNREACHABLE
from homeport.streams.udp_listen import LARGEST
from homeport.streams.udp_segments import can_cut, send_run
from tests.gateway.tcp_stage import ANY, LateTarget
from tests.gateway.udp_stage import POLLERS, Peer, UdpStage, staged_udp


@pytest.fixture(params=list(POLLERS))
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[UdpStage]:
    async with staged_udp(request.param, body_limit_bytes=100) as made:
        yield made


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def test_datagrams_go_through_and_are_counted_and_recorded(stage: UdpStage) -> None:
    door, _ = await stage.behind()
    client = await stage.client(door)
    assert [await client.ask(data) for data in (b"hello", b"", b"you")] == [b"hello", b"", b"you"]
    state = stage.relay.state("game")
    assert (state.up.datagrams, state.up.bytes, state.down.datagrams, state.down.bytes) == (3, 8, 3, 8)
    assert (state.active, state.visits, state.clients[0].client) == (1, 1, f"127.0.0.1:{client.port}")
    expected = [(True, b"hello"), (False, b"hello"), (True, b""), (False, b""), (True, b"you"), (False, b"you")]
    assert await stage.tap.kept(6) == expected
    stage.relay.close("game")
    exchange = await stage.tap.wait(ended=1)
    assert (exchange.kind, exchange.route, exchange.ending) == ("udp", "game", COMPLETE)
    assert (exchange.client, exchange.server_port) == (f"127.0.0.1:{client.port}", door.port)
    assert (exchange.request_bytes, exchange.response_bytes) == (8, 8)
    assert exchange.opened_s <= exchange.dialled_s <= exchange.answered_s <= exchange.closed_s


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_both_families_and_the_largest_datagrams(stage: UdpStage, host: str) -> None:
    door, _ = await stage.behind()
    client = await stage.client(door, host)
    largest = (
        LARGEST if host == "127.0.0.1" else 65_535 - 40 - 8
    )  # on IPv6 our side's MTU is the limit: loopback's 65,536
    data = bytes(range(256)) * 255 + b"x" * (largest - 256 * 255)
    assert await client.ask(data) == data


async def test_an_upstream_on_ipv6_alone_is_found_by_localhost(stage: UdpStage) -> None:
    server = await stage.server(host="::1")
    door = stage.route(Endpoint("localhost", server.port))
    client = await stage.client(door)
    assert await client.ask(b"first") == b"first"
    assert await client.ask(b"second") == b"second"


async def test_every_client_hears_its_own_answers(stage: UdpStage) -> None:
    door, server = await stage.behind(lambda data: [data + b"!", data + b"?"])
    clients = [await stage.client(door, "127.0.0.1" if n % 2 else "::1") for n in range(500)]
    for number, client in enumerate(clients):
        client.send(str(number).encode())
    for number, client in enumerate(clients):
        assert [await client.hear(), await client.hear()] == [f"{number}!".encode(), f"{number}?".encode()]
    assert len(set(server.senders)) == 500
    state = stage.relay.state("game")
    assert (state.active, state.visits, state.up.datagrams, state.down.datagrams) == (500, 500, 500, 1000)


async def test_the_kept_datagrams_are_bounded(stage: UdpStage) -> None:
    door, _ = await stage.behind(lambda _: [])
    client = await stage.client(door)
    for _ in range(10):
        client.send(bytes(30))
    await stage.until(lambda state: state.up.datagrams == 10)
    stage.relay.close("game")
    await stage.tap.wait(ended=1)
    assert stage.tap.datagrams[1] == [(True, bytes(30))] * 3  # 100 bytes in all


async def test_who_is_silent_is_forgotten_and_may_come_again(stage: UdpStage) -> None:
    door, server = await stage.behind()
    quiet, lively = await stage.client(door), await stage.client(door)
    await quiet.ask(b"one")
    stage.clock.now_s += 0.15
    await lively.ask(b"two")
    stage.clock.now_s += 0.1
    state = await stage.until(lambda state: state.active == 1)
    assert state.clients[0].client.endswith(f":{lively.port}")
    assert (await stage.tap.wait(ended=1)).ending == COMPLETE
    assert await quiet.ask(b"three") == b"three"
    assert len(set(server.senders)) == 3  # from a port of its own again
    assert stage.relay.state("game").up.datagrams == 3


async def test_answers_keep_a_client_too(stage: UdpStage) -> None:
    door, server = await stage.behind()
    client = await stage.client(door)
    await client.ask(b"subscribe")
    for _ in range(5):
        stage.clock.now_s += 0.15
        server.sock.sendto(b"news", server.senders[0])
        assert await client.hear() == b"news"
    assert stage.relay.state("game").visits == 1


async def test_a_server_that_is_down_and_comes_back(stage: UdpStage) -> None:
    port = free_port()
    door = stage.route(Endpoint("127.0.0.1", port))
    client = await stage.client(door)
    client.send(b"anybody?")
    await stage.until(lambda state: state.refused >= 1)
    server = await stage.server(port=port)
    assert await client.ask(b"hello") == b"hello"
    server.transport.close()
    await asyncio.sleep(0)
    client.send(b"still there?")
    await stage.until(lambda state: state.refused >= 2)
    await stage.server(port=port)
    assert await client.ask(b"again") == b"again"
    assert stage.relay.state("game").visits == 1


async def test_nobody_ever_there_is_said_in_the_exchange(stage: UdpStage) -> None:
    door = stage.route(Endpoint("127.0.0.1", free_port()))
    client = await stage.client(door)
    client.send(b"anybody?")
    await stage.until(lambda state: state.refused >= 1)
    stage.clock.now_s += 1
    exchange = await stage.tap.wait(ended=1)
    assert (exchange.ending, exchange.why) == (UNREACHABLE, "nobody answers: Connection refused")


async def test_datagrams_wait_while_the_target_starts(stage: UdpStage) -> None:
    server, target = await stage.server(), LateTarget()
    client = await stage.client(stage.relay.open("game", ANY, target))
    for number in range(70):
        client.send(str(number).encode())
    await target.asked.wait()
    await stage.until(lambda state: state.up.datagrams == 70)
    target.answer.set_result(Endpoint("127.0.0.1", server.port))
    assert [await client.hear() for _ in range(64)] == [str(number).encode() for number in range(64)]
    assert stage.relay.state("game").up.dropped == 6


async def test_newcomers_are_turned_away_until_others_are_quiet(
    stage: UdpStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(udp_route, "MAX_CLIENTS", 8)
    monkeypatch.setattr(udp_route, "QUIET_S", 0.1)
    door, _ = await stage.behind()
    inside: list[Peer] = [await stage.client(door) for _ in range(8)]
    for client in inside:
        await client.ask(b"in")
    late = await stage.client(door)
    late.send(b"me too")
    await stage.until(lambda state: state.turned_away == 1)
    stage.clock.now_s += 0.11
    assert await late.ask(b"now?") == b"now?"
    assert stage.relay.state("game").active == 8


async def test_a_port_is_free_once_its_route_is_closed(stage: UdpStage) -> None:
    door, server = await stage.behind()
    for _ in range(20):
        stage.relay.close("game")
        assert stage.route(Endpoint("127.0.0.1", server.port), listen=door) == door
    client = await stage.client(door)
    assert await client.ask(b"here") == b"here"


async def test_taken_names_and_ports_are_refused(stage: UdpStage) -> None:
    door, _ = await stage.behind()
    with pytest.raises(HomeportError) as refused:
        stage.route(ANY)
    assert refused.value.code == "name-taken"
    with pytest.raises(HomeportError) as refused:
        stage.route(ANY, "other", door)
    assert refused.value.code == "port-taken"
    for listen in (Endpoint("0.0.0.0", 0), Endpoint(path="/tmp/x"), Endpoint("example.com", 1)):
        with pytest.raises(HomeportError) as refused:
            stage.route(ANY, "other", listen)
        assert refused.value.code == "bad-usage"


def hold(stage: UdpStage) -> threading.Event:
    """The relay does nothing until it is set: meanwhile datagrams queue up, which are then read in one turn."""
    held, go = threading.Event(), threading.Event()
    assert stage.relay._loop is not None

    def wait() -> None:
        held.set()
        go.wait(20)

    stage.relay._loop.post(wait)
    assert held.wait(20)
    return go


@pytest.mark.parametrize("fault", [None, errno.EINVAL, errno.EAGAIN, errno.ECONNREFUSED])
async def test_what_comes_in_a_row_goes_on_in_order_and_as_it_came(
    stage: UdpStage, fault: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = []

    def noting(sock: socket.socket, run: list[bytes], where: Any = None) -> None:
        together.append(len(run))
        if fault is not None:
            raise OSError(fault, "not together")
        send_run(sock, run, where)

    monkeypatch.setattr(udp_client, "send_run", noting)
    sizes = [10, 10, 10, 4, 4, 0, 4, 1200, 1200, 1, 30_000, 30_000, 7]
    door, server = await stage.behind()
    clients = [await stage.client(door) for _ in range(2)]
    sent = [[bytes([number]) * size for number, size in enumerate(sizes, first)] for first in (1, 100)]
    for client in clients:
        assert await client.ask(b"hello") == b"hello"
    go = hold(stage)
    for client, datagrams in zip(clients, sent, strict=True):
        for data in datagrams:
            client.send(data)
    go.set()
    for client, datagrams in zip(clients, sent, strict=True):
        assert [await client.hear() for _ in datagrams] == datagrams
    state = stage.relay.state("game")
    assert (state.up.datagrams, state.down.datagrams, state.up.dropped) == (28, 28, 0)
    can = can_cut(server.sock)
    assert bool(together) == can
    assert fault != errno.EINVAL or len(together) == can, "it is not tried again"

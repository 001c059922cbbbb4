"""Real programs through a UDP route: DNS, QUIC and ENet, on clean networks and on bad ones."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.asyncio.server import serve
from aioquic.quic.configuration import QuicConfiguration

from homeport.certs.authority import Authority
from homeport.conditions.settings import Conditions, Latency, RandomLoss
from homeport.machine.receivers import receives_datagrams
from homeport.model.endpoint import Endpoint
from homeport.model.net_client import parse_matches
from tests.gateway.test_udp import free_port
from tests.gateway.udp_stage import UdpStage, staged_udp


@pytest.fixture
async def stage() -> AsyncIterator[UdpStage]:
    async with staged_udp(is_bound=receives_datagrams, idle_s=60) as made:
        yield made


# DNS


async def dig(port: int, *words: str) -> str:
    command = ["dig", "@127.0.0.1", "-p", str(port), "+timeout=1", *words]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    return out.decode()


@contextlib.asynccontextmanager
async def dnsmasq(port: int) -> AsyncIterator[None]:
    words = [
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--no-resolv",
        "--no-hosts",
        "--bind-interfaces",
        "--pid-file=",
    ]
    words += ["--listen-address=127.0.0.1", f"--port={port}", f"--user={getpass.getuser()}", "--edns-packet-max=4096"]
    words += ["--address=/game.test/10.1.2.3", *(f"--txt-record=long.test,{n}{'x' * 200}" for n in range(9))]
    process = await asyncio.create_subprocess_exec("dnsmasq", *words, stderr=asyncio.subprocess.DEVNULL)
    try:
        async with asyncio.timeout(10):
            while not receives_datagrams(Endpoint("127.0.0.1", port)):
                await asyncio.sleep(0.01)
        yield
    finally:
        process.terminate()
        await process.wait()


@pytest.mark.counterpart("dnsmasq", "dig")
async def test_dns(stage: UdpStage) -> None:
    port = free_port()
    door = stage.route(Endpoint("127.0.0.1", port))
    async with dnsmasq(port):
        assert (await dig(door.port, "game.test", "+short")).strip() == "10.1.2.3"
        long = await dig(door.port, "long.test", "TXT", "+short", "+bufsize=4096", "+ignore")
        assert sorted(line[1] for line in long.splitlines()) == list("012345678")  # 2 KB in one datagram
    down = await dig(door.port, "game.test", "+tries=3")
    assert "connection refused" in down
    async with dnsmasq(port):
        async with asyncio.timeout(10):  # its coming is noticed within 50 ms
            while (answer := await dig(door.port, "game.test", "+short")).strip() != "10.1.2.3":
                assert "connection refused" in answer


# QUIC


def quic_server(folder: Path) -> tuple[QuicConfiguration, QuicConfiguration]:
    """The settings of a server with a certificate of our CA, and of clients that believe it."""
    authority = Authority.ensure(str(folder / "ca"))
    leaf = authority.leaf(["localhost"], ["127.0.0.1"])
    chain, key = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(leaf.certificate_pem)
    key.write_bytes(leaf.key_pem)
    serving = QuicConfiguration(is_client=False, alpn_protocols=["echo"])
    serving.load_cert_chain(str(chain), str(key))
    visiting = QuicConfiguration(alpn_protocols=["echo"], server_name="localhost")
    visiting.load_verify_locations(cadata=authority.root_pem)
    return serving, visiting


async def echo_stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(await reader.read())
    writer.write_eof()


async def quic_echo(protocol: QuicConnectionProtocol, data: bytes) -> bytes:
    reader, writer = await protocol.create_stream()
    writer.write(data)
    writer.write_eof()
    return await reader.read()


async def ping_s(protocol: QuicConnectionProtocol) -> float:
    began_s = time.monotonic()
    await protocol.ping()
    return time.monotonic() - began_s


@contextlib.asynccontextmanager
async def quic_echo_server(configuration: QuicConfiguration) -> AsyncIterator[int]:
    handlers: set[asyncio.Task[None]] = set()

    def on_stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(echo_stream(reader, writer))
        handlers.add(task)
        task.add_done_callback(handlers.discard)

    port = free_port()
    server = await serve("127.0.0.1", port, configuration=configuration, stream_handler=on_stream)
    try:
        yield port
    finally:
        server.close()


async def test_quic(stage: UdpStage, tmp_path: Path) -> None:
    serving, visiting = quic_server(tmp_path)
    async with quic_echo_server(serving) as port:
        door = stage.route(Endpoint("127.0.0.1", port))
        async with connect("127.0.0.1", door.port, configuration=visiting) as protocol:
            data = bytes(range(256)) * 400
            assert await quic_echo(protocol, data) == data
            stage.relay.set_conditions("game", Conditions(up=(RandomLoss(rate=0.1),), down=(RandomLoss(rate=0.1),)))
            assert await quic_echo(protocol, data) == data
        state = stage.relay.state("game")
    assert state.up.dropped + state.down.dropped > 0
    assert state.visits == 1


async def test_two_quic_clients_on_two_networks(stage: UdpStage, tmp_path: Path) -> None:
    serving, visiting = quic_server(tmp_path)
    async with quic_echo_server(serving) as port:
        door, far_port = stage.route(Endpoint("127.0.0.1", port)), free_port()
        slow = (Latency(latency_ms=60),)
        alone = f"127.0.0.1:{far_port}"
        stage.relay.set_conditions("game", Conditions(up=slow, down=slow), alone, parse_matches([alone]))
        async with (
            connect("127.0.0.1", door.port, configuration=visiting) as near,
            connect("127.0.0.1", door.port, configuration=visiting, local_port=far_port) as far,
        ):
            assert await ping_s(far) >= 0.12
            assert min([await ping_s(near) for _ in range(5)]) < 0.12
        delays = {one.client: one.up.delay_p50_ms for one in stage.relay.state("game").clients}
    assert delays.pop(alone) is not None
    assert list(delays.values()) == [None]


# ENet


class EnetPair:
    """A server and a client of ENet; `play` serves both until `is_done`, in a thread."""

    def __init__(self, enet: Any, server_port: int, door_port: int) -> None:
        self._enet = enet
        self.server = enet.Host(enet.Address(b"127.0.0.1", server_port), 4, 2)
        self.client = enet.Host(None, 1, 2)
        self.peer = self.client.connect(enet.Address(b"127.0.0.1", door_port), 2)
        self.heard: list[bytes] = []

    def play(self, count: int) -> list[bytes]:
        """Send so many reliable packets once connected; what came back, in order."""
        ends_s = time.monotonic() + 40
        while len(self.heard) < count and time.monotonic() < ends_s:
            self._echo(self.server.service(2))
            event = self.client.service(2)
            if event.type == self._enet.EVENT_TYPE_CONNECT:
                for number in range(count):
                    self.peer.send(0, self._enet.Packet(str(number).encode(), self._enet.PACKET_FLAG_RELIABLE))
            elif event.type == self._enet.EVENT_TYPE_RECEIVE:
                self.heard.append(event.packet.data)
        return self.heard

    def _echo(self, event: Any) -> None:
        if event.type == self._enet.EVENT_TYPE_RECEIVE:
            event.peer.send(0, self._enet.Packet(event.packet.data, self._enet.PACKET_FLAG_RELIABLE))


@pytest.fixture
def enet() -> Any:
    return pytest.importorskip("enet")  # no wheel for every version of Python


@pytest.mark.parametrize("conditions", [None, Conditions(up=(RandomLoss(rate=0.2),), down=(Latency(latency_ms=5),))])
async def test_enet(stage: UdpStage, enet: Any, conditions: Conditions | None) -> None:
    port = free_port()
    door = stage.route(Endpoint("127.0.0.1", port))
    stage.relay.set_conditions("game", conditions)
    pair = EnetPair(enet, port, door.port)
    assert await asyncio.to_thread(pair.play, 60) == [str(number).encode() for number in range(60)]
    state = stage.relay.state("game")
    assert bool(state.up.dropped) is (conditions is not None)
    del pair.server, pair.client, pair.peer

"""TLS at the door: names, broken and slow handshakes, and that nothing of them is left behind."""

from __future__ import annotations

import asyncio
import os
import random
import ssl
from pathlib import Path

import pytest

from .conftest import FakeCertificates, Road, hello

GET = b"GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n"
HANDSHAKE_FAILURE, UNRECOGNISED_NAME = b"\x15\x03\x01\x00\x02\x02\x28", b"\x15\x03\x01\x00\x02\x02\x70"

pytestmark = pytest.mark.plain_http  # they begin TLS themselves


def client_of(road: Road, name: str | None) -> tuple[ssl.SSLObject, ssl.MemoryBIO, ssl.MemoryBIO]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return tls, incoming, outgoing


def certificates_of(road: Road) -> FakeCertificates:
    assert isinstance(road.door.certificates, FakeCertificates)
    return road.door.certificates


@pytest.mark.parametrize("name", ["localhost", "web.localhost", "127.0.0.1", None])
async def test_names_that_are_ours_are_served(road: Road, name: str | None) -> None:
    await road.upstream(hello)
    tls, incoming, outgoing = client_of(road, name)
    client = await road.connect()
    client.send(outgoing.read())
    while True:
        incoming.write(await client.reader.read(65536))
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            client.send(outgoing.read())
    tls.write(GET)
    client.send(outgoing.read())
    answer = b""
    while not answer.endswith(b"/a"):
        incoming.write(await client.reader.read(65536))
        try:
            answer += tls.read(65536)
        except ssl.SSLWantReadError:
            pass
    assert certificates_of(road).made == ["" if name in (None, "127.0.0.1") else name]


@pytest.mark.parametrize("name", ["api.localhost", "web.example.com", "localhost.example.com", "a" * 300])
async def test_no_certificate_is_made_for_other_names(road: Road, name: str) -> None:
    await road.upstream(hello)
    if len(name) > 255:
        hello_with = client_of(road, "a" * 63 + ".localhost")[2].read()
    else:
        hello_with = client_of(road, name)[2].read()
    assert await road.ask(hello_with) == UNRECOGNISED_NAME
    assert certificates_of(road).made == []


async def test_a_certificate_is_made_once_for_many_that_wait(road: Road) -> None:
    await road.upstream(hello)
    hellos = [client_of(road, "web.localhost")[2].read() for _ in range(20)]
    clients = [await road.connect() for _ in hellos]
    for client, first in zip(clients, hellos, strict=True):
        client.send(first[:100])
    await asyncio.sleep(0)
    for client, first in zip(clients, hellos, strict=True):
        client.send(first[100:])
    for client in clients:
        assert await client.body(1) == b"\x16"
    assert certificates_of(road).made == ["web.localhost"]


async def test_where_none_can_be_made_the_client_hears_why(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    async def make(name: str) -> None:
        return None

    monkeypatch.setattr(road.door.certificates, "make", make)
    assert await road.ask(client_of(road, "localhost")[2].read()) == HANDSHAKE_FAILURE


async def test_tls_within_tls_is_refused(road: Road) -> None:
    road.trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    road.trusting.check_hostname = False
    road.trusting.verify_mode = ssl.CERT_NONE
    answer = await road.ask(client_of(road, "localhost")[2].read())
    assert answer.startswith(b"HTTP/1.1 400 ")


async def test_slow_handshakes_end(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("homeport.gateway.inbound.HANDSHAKE_S", 0.05)
    whole = await road.connect()
    whole.send(client_of(road, "localhost")[2].read())  # and then nothing
    assert (await whole.rest()).startswith(b"\x16\x03\x03")


async def test_a_thousand_broken_beginnings_leave_nothing_behind(road: Road) -> None:
    """Random bytes, hellos cut off, hellos with a byte changed."""
    await road.upstream(hello)
    dice = random.Random(62893)
    first = client_of(road, "localhost")[2].read()
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0

    async def one(number: int) -> None:
        client = await road.connect()
        data = bytearray(first if number % 3 else dice.randbytes(dice.randrange(1, 400)))
        if number % 3 == 1:
            del data[dice.randrange(len(data)) :]
        elif number % 3 == 2:
            data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        client.send(bytes(data))
        await asyncio.sleep(0)
        await client.close()

    for batch in range(40):
        await asyncio.gather(*(one(batch * 25 + number) for number in range(25)))
    async with asyncio.timeout(20):
        while road.door._inside:
            await asyncio.sleep(0.01)
    others = {task for task in asyncio.all_tasks() if task is not asyncio.current_task()} - road.tasks
    assert not others
    if before:
        assert len(os.listdir("/proc/self/fd")) <= before


@pytest.mark.parametrize("secure", [False, True])
async def test_https_only_and_off(road: Road, self_signed: Path, secure: bool) -> None:
    (await road.upstream(hello, "safe")).https = "only"
    (await road.upstream(hello, "open", default=False)).https = "off"
    road.trusting = ssl.create_default_context(cafile=f"{self_signed}.crt") if secure else None
    answers = {}
    for name in ("safe", "open"):
        client = await road.connect()
        client.send(b"GET /a?b HTTP/1.1\r\nHost: %s.localhost:62893\r\n\r\n" % name.encode())
        answers[name] = await client.head()
    if secure:
        assert answers["safe"].startswith(b"HTTP/1.1 200 ")
        assert answers["open"].startswith(b"HTTP/1.1 421 ")
    else:
        assert answers["safe"].startswith(b"HTTP/1.1 308 ")
        assert b"\r\nLocation: https://safe.localhost:62893/a?b\r\n" in answers["safe"]
        assert answers["open"].startswith(b"HTTP/1.1 200 ")


async def test_no_certificate_for_a_route_without_https(road: Road) -> None:
    (await road.upstream(hello, "open")).https = "off"
    assert await road.ask(client_of(road, "open.localhost")[2].read()) == UNRECOGNISED_NAME

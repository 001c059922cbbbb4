"""Names below a route's name: where they lead, which certificate they get, and that clients take it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from homeport.app.door_certificates import DoorCertificates
from homeport.gateway.door import Door
from homeport.gateway.routes import Route, Routes, UnknownHost
from homeport.model.endpoint import Endpoint
from tests.app.exposures.conftest import App
from tests.gateway.conftest import FakeTap, FakeTarget


def routes() -> Routes:
    """`web` takes names below it, `api` none; `one.web` is a route of its own, `db` has no name."""
    made = Routes()
    for name in ("web", "api", "one.web"):
        made.add(Route(name, FakeTarget(None), "http"))
    made.add(Route("db", FakeTarget(None), "tcp"))
    for name in ("web", "db"):
        route = made.get(name)
        assert route
        route.subdomains = True
    return made


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("web.localhost", "web"),
        ("a.web.localhost", "web"),
        ("A.Web.localhost.:62893", "web"),
        ("one.web.localhost", "one.web"),
        ("a.b.web.localhost", ""),
        ("a.one.web.localhost", ""),
        ("a.api.localhost", ""),
        ("a.db.localhost", ""),
        ("a.localhost", ""),
        ("a.web.example", ""),
        (".web.localhost", "web"),
    ],
)
def test_one_label_below(host: str, name: str) -> None:
    if not name:
        with pytest.raises(UnknownHost):
            routes().find(host.encode(), b"/")
        return
    found, _ = routes().find(host.encode(), b"/")
    assert found
    assert found.name == name


@pytest.mark.parametrize(
    ("asked", "certificate"),
    [
        ("web.localhost", "web.localhost"),
        ("a.web.localhost", "*.web.localhost"),
        ("b.web.localhost", "*.web.localhost"),
        ("one.web.localhost", "one.web.localhost"),
        ("a.b.web.localhost", None),
        ("a.api.localhost", None),
        ("", ""),
        ("localhost", "localhost"),
    ],
)
def test_all_names_below_one_share_a_certificate(asked: str, certificate: str | None) -> None:
    assert routes().certified(asked) == certificate


def test_what_takes_none_any_more_is_not_remembered() -> None:
    made = routes()
    web = made.get("web")
    assert web
    assert made.find(b"a.web.localhost", b"/")[0] is web
    web.subdomains = False
    made.changed()
    with pytest.raises(UnknownHost):
        made.find(b"a.web.localhost", b"/")


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    app = App("web")
    made = Door(Routes(), FakeTap(), certificates=DoorCertificates(str(tmp_path / "ca"), lambda error: None))
    await made.open(Endpoint("127.0.0.1", 0))
    route = Route("web", FakeTarget(await app.open()), "http")
    route.subdomains = True
    made.routes.add(route)
    yield made
    await made.close()
    await app.close()


async def test_a_strict_client_takes_it(door: Door, tmp_path: Path) -> None:
    port = door.endpoints[0].port
    assert door.certificates
    assert await door.certificates.make("web.localhost")  # and the CA with it
    context = ssl.create_default_context(cafile=str(tmp_path / "ca" / "root.pem"))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    for name in ("a.web.localhost", "b.web.localhost"):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name)
        assert writer.get_extra_info("peercert")["subjectAltName"] == (("DNS", "*.web.localhost"),)
        writer.write(f"GET /x HTTP/1.1\r\nHost: {name}:{port}\r\nConnection: close\r\n\r\n".encode())
        assert b"\r\n\r\nweb\nGET /x " in await reader.read()
        writer.close()
        await writer.wait_closed()


@pytest.mark.counterpart("curl")
async def test_curl_takes_it(door: Door, tmp_path: Path) -> None:
    port = door.endpoints[0].port
    assert door.certificates
    assert await door.certificates.make("web.localhost")
    words = ["-sS", "--cacert", str(tmp_path / "ca" / "root.pem"), "--resolve", f"a.web.localhost:{port}:127.0.0.1"]
    curl = await asyncio.create_subprocess_exec(
        "curl", *words, f"https://a.web.localhost:{port}/x", stdout=asyncio.subprocess.PIPE
    )
    assert (await curl.communicate())[0].startswith(b"web\nGET /x ")

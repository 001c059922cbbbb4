"""What can be reached beyond loopback, and by whom: one route, over TLS, by its address."""

from __future__ import annotations

import asyncio
import re
import ssl
from pathlib import Path

import pytest
from cryptography import x509

from homeport.app.exposed_certificates import ExposedCertificates
from homeport.model.access import Access
from homeport.model.endpoint import Endpoint
from homeport.model.errors import HomeportError
from tests.gateway.conftest import FakeTarget
from tests.gateway.h2_client import H2Client

from .conftest import FACES, H1, HERE, OTHER, SIX, House, ask, bearer, cookie_of


class TestWhatIsReached:
    @FACES
    async def test_the_route_and_nothing_else(self, house: House, face: str) -> None:
        exposed = await house.open()
        shown = bearer(house)
        assert b"\r\n\r\nweb\nGET / " in await house.ask(exposed, face, shown=shown)
        assert b"\r\n\r\nweb\nGET /@api/x " in await house.ask(exposed, face, path="/@api/x", shown=shown)
        assert b"\r\n\r\nweb\nGET /api/status " in await house.ask(exposed, face, path="/api/status", shown=shown)

    @FACES
    @pytest.mark.parametrize(
        "host",
        ["api.localhost", "web.localhost", "homeport.localhost", "localhost", "127.0.0.1", "evil.example", OTHER, SIX],
    )
    async def test_other_hosts_get_nothing(self, house: House, face: str, host: str) -> None:
        """Names that somebody points at this address (DNS rebinding), and our own."""
        exposed = await house.open(access=Access(public=True))
        answer = await house.ask(exposed, face, host=host if ":" not in host else f"[{host}]")
        assert answer.startswith(b"HTTP/1.1 421 ")
        assert b"web" not in answer.partition(b"\r\n\r\n")[2]

    @FACES
    async def test_the_app_is_told_who_asks(self, house: House, face: str) -> None:
        answer = await house.ask(await house.open(access=Access(public=True)), face, shown="X-Forwarded-For: 1.2.3.4")
        assert f"X-Forwarded-For: {HERE}\r\n".encode() in answer
        assert f"X-Forwarded-Host: {HERE}".encode() in answer
        assert b"X-Forwarded-Proto: https\r\n" in answer
        assert b"1.2.3.4" not in answer

    @pytest.mark.parametrize("address", [SIX, f"[{SIX}]", f"[{SIX}]:0x"])
    async def test_ipv6(self, house: House, address: str) -> None:
        if address.endswith("x"):
            with pytest.raises(HomeportError, match="has no port"):
                await house.open(address=address)
            return
        exposed = await house.open(address=address, access=Access(public=True))
        assert exposed.url.startswith(f"https://[{SIX}]:")
        assert b"\r\n\r\nweb\n" in await house.ask(exposed)

    async def test_the_door_knows_nothing_of_it(self, house: House) -> None:
        """Its own address answers as before: without a token, and to no host of the network's."""
        await house.open()
        client = H1(*await asyncio.open_connection("127.0.0.1", house.door.endpoints[0].port))
        assert b"\r\n\r\nweb\n" in await ask(client, "web.localhost")
        assert (await ask(client, HERE)).startswith(b"HTTP/1.1 421 ")
        client.writer.close()

    async def test_why_an_app_does_not_answer_stays_at_home(self, house: House) -> None:
        exposed = await house.open(access=Access(public=True))
        route = house.door.routes.get("web")
        assert route
        route.target = FakeTarget(Endpoint("127.0.0.1", 1))
        answer = await house.ask(exposed)
        assert answer.startswith(b"HTTP/1.1 502 ")
        assert b"not-now" in answer
        assert b"fake:" not in answer


class TestTls:
    @pytest.mark.parametrize("path", ["/", "/x?y=1"])
    async def test_plain_http_is_sent_to_https_and_told_nothing(self, house: House, path: str) -> None:
        exposed = await house.open(access=Access(public=True))
        host, _, port = exposed.address.rpartition(":")
        client = H1(*await asyncio.open_connection(host, int(port)))
        answer = await ask(client, exposed.address, path)
        assert answer.startswith(b"HTTP/1.1 308 ")
        assert f"Location: https://{exposed.address}{path}\r\n".encode() in answer
        assert (await ask(client, "evil.example")).startswith(b"HTTP/1.1 421 ")
        client.writer.close()

    async def test_plain_h2_too(self, house: House) -> None:
        exposed = await house.open(access=Access(public=True))
        host, _, port = exposed.address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        client = H2Client(reader, writer)
        assert (await ask(client, exposed.address)).startswith(b"HTTP/1.1 308 ")
        await client.close()

    async def test_its_certificate_is_for_the_address_alone(self, house: House) -> None:
        exposed = await house.open()
        _, writer = await house.connect(exposed)
        certificate = writer.get_extra_info("peercert")
        assert certificate["subjectAltName"] == (("IP Address", HERE),)

    @FACES
    async def test_a_certificate_that_has_had_its_time_is_made_anew(self, house: House, face: str) -> None:
        exposed = await house.open(access=Access(public=True))
        certificates = house.exposures._certificates
        certificates._by_address.clear()
        assert b"\r\n\r\nweb\n" in await house.ask(exposed, face)
        assert certificates.at_hand(HERE)

    @pytest.mark.parametrize("name", ["web.localhost", "localhost", "evil.example"])
    async def test_other_names_are_given_none(self, house: House, name: str) -> None:
        exposed = await house.open()
        host, _, port = exposed.address.rpartition(":")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with pytest.raises(ssl.SSLError, match=r"(?i)unrecognized.name"):
            await asyncio.open_connection(host, int(port), ssl=context, server_hostname=name)

    async def test_the_ca_signs_for_private_networks_alone(self, house: House) -> None:
        from homeport.certs.authority import Authority

        exposed = await house.open()
        authority = Authority.load(str(Path(exposed.root).parent))
        assert authority
        assert authority.fingerprint == exposed.fingerprint
        assert authority.root.name.startswith("homeport network CA ")
        for certificate in x509.load_pem_x509_certificates(authority.chain_pem + authority.root_pem):
            only = certificate.extensions.get_extension_for_class(x509.NameConstraints)
            names = (only.value.permitted_subtrees or [])[:1]
            assert only.critical
            assert names == [x509.DNSName("invalid")]
        with pytest.raises(HomeportError, match=re.escape("signs for 10.0.0.0/8")):
            authority.leaf([], ["127.0.0.1"])
        with pytest.raises(HomeportError, match="signs for"):
            authority.leaf([], ["8.8.8.8"])
        with pytest.raises(HomeportError, match="cannot be certified"):
            authority.leaf(["example.com"])

    async def test_a_public_address_has_a_ca_for_itself(self, inside: None, tmp_path: Path) -> None:
        certificates = ExposedCertificates(str(tmp_path), lambda error: None)
        for address in ("8.8.4.4", "2001:db8::1"):
            assert await certificates.prepare(address)
        roots = {certificates.root(address).fingerprint for address in ("8.8.4.4", "2001:db8::1")}
        assert len(roots) == 2
        assert certificates.at_hand("8.8.4.4")
        assert certificates.at_hand(HERE) is None


class TestLinks:
    @FACES
    async def test_a_link_works_once_and_leaves_a_cookie_of_this_exposure(self, house: House, face: str) -> None:
        exposed = await house.open()
        link = house.exposures.link("web")
        assert link.startswith(exposed.url)
        path = "/" + link.removeprefix(exposed.url)
        entered = await house.ask(exposed, face, path=path)
        assert entered.startswith(b"HTTP/1.1 200 ")
        assert (await house.ask(exposed, face, path=path)).startswith(b"HTTP/1.1 403 ")
        cookie = cookie_of(entered)
        assert cookie.startswith(f"homeport-{exposed.address.rpartition(':')[2]}=")
        assert all(word in entered for word in (b"HttpOnly", b"Secure", b"SameSite=Strict"))
        inside = await house.ask(exposed, face, shown=f"Cookie: mine=1; {cookie}")
        assert b"\r\n\r\nweb\n" in inside
        assert b"Cookie: mine=1\r\n" in inside
        # On loopback it is nobody, and so is who comes back to what was closed and opened again.
        house.exposures.close("web")
        again = await house.open()
        assert (await house.ask(again, face, shown=f"Cookie: {cookie}")).startswith(b"HTTP/1.1 401 ")

    async def test_exposures_on_one_address_do_not_take_each_others_cookies(self, house: House) -> None:
        web, api = await house.open(), await house.open("api", access=Access(public=True))
        path = "/" + house.exposures.link("web").removeprefix(web.url)
        cookie = cookie_of(await house.ask(web, path=path))
        answer = await house.ask(api, shown=f"Cookie: {cookie}")  # a browser sends it to every port
        assert b"\r\n\r\napi\n" in answer
        assert b"Cookie" not in answer
        assert house.exposures.link("api") == api.url

    async def test_a_link_of_the_door_is_none_here(self, house: House) -> None:
        exposed = await house.open()
        path = house.door.gate.entering.path_for("web")
        assert (await house.ask(exposed, path=path)).startswith(b"HTTP/1.1 403 ")

    async def test_what_is_closed_has_none(self, house: House) -> None:
        with pytest.raises(HomeportError, match="web is not exposed"):
            house.exposures.link("web")

"""A stage for TCP routes with TLS: the door's real certificates, a tap that remembers, and clients of `ssl`."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from homeport.app.door_certificates import DoorCertificates
from homeport.certs.authority import Authority
from homeport.certs.contexts import server_context
from homeport.conditions.settings import Conditions
from homeport.gateway.routes import Route
from homeport.gateway.stream_relay import StreamRelay
from homeport.gateway.stream_side import MakeFlow
from homeport.gateway.tcp_route import WhyNot
from homeport.model.endpoint import Endpoint
from homeport.model.errors import HomeportError
from homeport.model.route import Tls
from tests.gateway.tcp_stage import ANY, FixedTarget, MemoryTap, Serve, hang_up, open_descriptors, upstream


class StreamStage:
    def __init__(self, folder: Path, body_limit_bytes: int = 0) -> None:
        self.tap = MemoryTap(body_limit_bytes)
        self.authority = Authority.ensure(str(folder / "ca"))
        self.folder = folder
        self.troubles: list[HomeportError] = []
        self.relay = StreamRelay(self.tap, DoorCertificates(self.authority.folder, self.troubles.append))
        self.routes: dict[str, Route] = {}
        self.conditions: Conditions | None = None  # of the routes to come

    async def route(
        self,
        to: Endpoint,
        name: str = "db",
        tls: Tls = "terminate",
        *,
        listen: Endpoint = ANY,
        client_ca: str = "",
        why_not: WhyNot | None = None,
        make_flow: MakeFlow | None = None,
    ) -> Endpoint:
        self.routes[name] = made = Route(name, FixedTarget(to), "tcp")
        return await self.relay.open(
            made,
            listen,
            tls,
            client_ca=client_ca,
            why_not=why_not,
            make_flow=make_flow,
            conditions=self.conditions,
        )

    @contextlib.asynccontextmanager
    async def behind(self, serve: Serve, name: str = "db", tls: Tls = "terminate") -> AsyncIterator[Endpoint]:
        async with upstream(serve) as endpoint:
            yield await self.route(endpoint, name, tls)

    def client(self, **verify: bool) -> ssl.SSLContext:
        """One that believes our CA, and nothing else."""
        return ssl.create_default_context(cafile=str(self.folder / "ca" / "root.pem"))

    def server(self, name: str) -> ssl.SSLContext:
        """For an upstream that speaks TLS itself."""
        return server_context(self.authority.leaf([f"{name}.localhost"]), alpn=("http/1.1",))


@contextlib.asynccontextmanager
async def secure_upstream(serve: Serve, context: ssl.SSLContext | None) -> AsyncIterator[Endpoint]:
    """A server that speaks TLS itself, and hangs up after each visitor."""

    async def treat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await serve(reader, writer)
        with contextlib.suppress(ssl.SSLError):
            await hang_up(writer)

    server = await asyncio.start_server(treat, "127.0.0.1", 0, ssl=context)
    try:
        yield Endpoint(*server.sockets[0].getsockname())
    finally:
        server.close()
        await server.wait_closed()


@contextlib.asynccontextmanager
async def stream_stage(folder: Path, body_limit_bytes: int = 0) -> AsyncIterator[StreamStage]:
    """Asserts at the end that no descriptor, task or count is left."""
    descriptors, tasks = open_descriptors(), asyncio.all_tasks()
    stage = StreamStage(folder, body_limit_bytes)
    try:
        yield stage
    finally:
        await stage.relay.stop()
        await asyncio.sleep(0)
    assert len(stage.tap.ended) == len(stage.tap.begun)
    assert all(route.active == 0 for route in stage.routes.values())
    async with asyncio.timeout(5):
        while open_descriptors() > descriptors or asyncio.all_tasks() - tasks - {asyncio.current_task()}:
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def secure_visit(
    endpoint: Endpoint, context: ssl.SSLContext, name: str = "localhost"
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port, ssl=context, server_hostname=name)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()


class ClientPapers(NamedTuple):
    ca: Path
    certificate: Path
    key: Path


def client_certificates(folder: Path) -> tuple[ClientPapers, ClientPapers]:
    """Two companies' own CAs, each with a client of theirs."""
    return _papers(folder / "own"), _papers(folder / "other")


def _papers(folder: Path) -> ClientPapers:
    folder.mkdir()
    issuer_key, issuer = _certificate("CA of a company", None)
    key, certificate = _certificate("ann", (issuer_key, issuer))
    papers = ClientPapers(folder / "ca.pem", folder / "client.pem", folder / "client.key")
    papers.ca.write_bytes(issuer.public_bytes(Encoding.PEM))
    papers.certificate.write_bytes(certificate.public_bytes(Encoding.PEM))
    papers.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return papers


def _certificate(
    name: str, issuer: tuple[ec.EllipticCurvePrivateKey, x509.Certificate] | None
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[1].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    return key, builder.sign(issuer[0] if issuer else key, SHA256())

"""From a place to an open connection, with the time of each phase. It sends nothing by itself."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import time
from typing import Any

import msgspec

from homeport.model.endpoint import Endpoint
from homeport.play.connection import since
from homeport.play.place import Place


class TlsWish(msgspec.Struct, frozen=True, kw_only=True):
    """How far the other side's certificate is believed: the system's authorities (and `ca_file`), or not at all."""

    is_insecure: bool = False
    ca_file: str = ""
    sni: str = ""


class Dialled(msgspec.Struct, kw_only=True):
    """An open connection. `tls` says version and cipher, "" where there is none."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    peer: str
    connect_ms: float
    tls_ms: float | None = None
    tls: str = ""


async def dial(place: Place, wish: TlsWish, limit_s: float) -> Dialled:
    """Every address of the name in turn, until one takes the connection.

    Raises OSError (the last address's), among them ssl.SSLError and socket.gaierror; TimeoutError after `limit_s`.
    """
    async with asyncio.timeout(limit_s):
        sock, connect_ms = await _connected(place.endpoint, place.source)
        peer = _peer(place.endpoint, sock)
        start = time.perf_counter()
        try:
            options = tls_options(place, wish) if place.is_tls else {}
            reader, writer = await asyncio.open_connection(sock=sock, **options)
        except BaseException:
            sock.close()
            raise
    told = Dialled(reader=reader, writer=writer, peer=peer, connect_ms=connect_ms)
    if place.is_tls:
        told.tls_ms = since(start)
        told.tls = _tls_words(writer.get_extra_info("ssl_object"), wish)
    return told


def tls_options(place: Place, wish: TlsWish) -> dict[str, Any]:
    context = ssl.create_default_context()
    if wish.ca_file:
        context.load_verify_locations(wish.ca_file)
    if wish.is_insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if place.protocol in ("ws", "http"):
        context.set_alpn_protocols(["http/1.1"])
    return {"ssl": context, "server_hostname": wish.sni or place.endpoint.host or "localhost"}


def from_source(found: list[tuple[int, Any]], source: str) -> list[tuple[int, Any]]:
    """Those that can be reached from an address of this computer: an IPv4 one leads to IPv4 alone."""
    wanted = socket.AF_INET6 if ":" in source else socket.AF_INET
    return [one for one in found if not source or one[0] == wanted]


async def addresses(endpoint: Endpoint, kind: socket.SocketKind) -> list[tuple[int, Any]]:
    """Family and address of each that the name has. Names below localhost are this computer's own (RFC 6761)."""
    if _is_address(endpoint.host):
        return [(socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET, (endpoint.host, endpoint.port))]
    loop = asyncio.get_running_loop()
    name = "localhost" if endpoint.host.lower().rstrip(".").endswith(".localhost") else endpoint.host
    found = await loop.getaddrinfo(name, endpoint.port, type=kind)
    known: list[tuple[int, Any]] = [(family, address) for family, _, _, _, address in found]
    if name == "localhost" and not any(family == socket.AF_INET6 for family, _ in known):
        known.append((socket.AF_INET6, ("::1", endpoint.port)))  # many hosts files name 127.0.0.1 alone
    return known


def _is_address(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_link_local  # those need getaddrinfo to read the %eth0 behind them
    except ValueError:
        return False


async def _connected(endpoint: Endpoint, source: str) -> tuple[socket.socket, float]:
    """The socket, and the milliseconds that connecting took; looking the name up is not in them."""
    start = time.perf_counter()
    if endpoint.is_unix:
        if not hasattr(socket, "AF_UNIX"):
            raise OSError("this system has no Unix sockets")
        return await _connect(socket.AF_UNIX, endpoint.path, ""), since(start)
    error: OSError | None = None
    for family, address in from_source(await addresses(endpoint, socket.SOCK_STREAM), source):
        start = time.perf_counter()
        try:
            return await _connect(family, address, source), since(start)
        except OSError as failed:
            error = error or failed
    raise error or OSError(f"{endpoint.host} has no address" + (f" that {source} leads to" if source else ""))


async def _connect(family: int, address: Any, source: str) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if source:
            sock.bind((source, 0))
        await asyncio.get_running_loop().sock_connect(sock, address)
        if family != getattr(socket, "AF_UNIX", None):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        sock.close()
        raise
    return sock


def _peer(endpoint: Endpoint, sock: socket.socket) -> str:
    return str(endpoint) if endpoint.is_unix else str(Endpoint(*sock.getpeername()[:2]))


def _tls_words(tls: ssl.SSLObject | None, wish: TlsWish) -> str:
    if tls is None:
        return ""
    cipher = tls.cipher()
    words = f"{tls.version()}, {cipher[0] if cipher else 'no cipher'}"
    return f"{words}, certificate not verified" if wish.is_insecure else words

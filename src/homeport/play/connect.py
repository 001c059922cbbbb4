"""A place dialled and made a link: what `connect` does before the first word. It prints nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec

from homeport.play.dial import Dialled, TlsWish, dial
from homeport.play.links import Link, StreamLink, dial_datagrams, farewell
from homeport.play.place import Place
from homeport.play.ws_link import WebSocketLink


class Opened(msgspec.Struct, kw_only=True):
    """An open link, and how long each phase took."""

    link: Link
    peer: str
    connect_ms: float
    tls_ms: float | None = None
    tls: str = ""
    handshake_ms: float | None = None  # of the WebSocket


async def open_link(place: Place, wish: TlsWish, limit_s: float, *, is_binary: bool = False) -> Opened:
    """Raises OSError (with ssl.SSLError, socket.gaierror and NoWebSocket among them) and TimeoutError."""
    if place.protocol == "udp":
        datagrams, peer, took_ms = await dial_datagrams(place)
        return Opened(link=datagrams, peer=peer, connect_ms=took_ms)
    dialled = await dial(place, wish, limit_s)
    if place.protocol != "ws":
        link = StreamLink(dialled, half_closes=place.protocol == "tcp")
        return _opened(link, dialled)
    websocket = WebSocketLink(dialled, place, is_binary=is_binary)
    try:
        handshake_ms = await websocket.shake_hands(limit_s)
    except BaseException:
        await farewell(dialled.writer)
        raise
    opened = _opened(websocket, dialled)
    opened.handshake_ms = handshake_ms
    return opened


def _opened(link: Link, dialled: Dialled) -> Opened:
    return Opened(link=link, peer=dialled.peer, connect_ms=dialled.connect_ms, tls_ms=dialled.tls_ms, tls=dialled.tls)


async def get_request(place: Place) -> AsyncIterator[bytes]:
    """What is said to an http:// or https:// URL: one GET, whose answer ends with the connection."""
    lines = (f"GET {place.path or '/'} HTTP/1.1", f"Host: {place.authority}", "User-Agent: homeport", "Accept: */*")
    yield "\r\n".join([*lines, "Connection: close", "", ""]).encode()

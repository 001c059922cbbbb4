"""Events as text/event-stream (WHATWG HTML, section 9.2): what waits goes out in one piece, a comment keeps it alive.

A plain ASGI response, because starlette's streaming response would load a second event loop library at 30 ms.
It never buffers: a slow reader is waited for, and the subscription's bound is what protects the engine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import msgspec
from starlette.types import Receive, Scope, Send

from homeport.app.events import Event, Subscription

HEARTBEAT_S = 15.0
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class EventStream:
    """Owns the subscription from its first byte to its last."""

    def __init__(self, subscription: Subscription, heartbeat_s: float = HEARTBEAT_S) -> None:
        self._subscription, self._heartbeat_s = subscription, heartbeat_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gone = asyncio.create_task(_disconnected(receive), name="event stream: client gone?")
        try:
            await send({"type": "http.response.start", "status": 200, "headers": list(HEADERS)})
            # A first comment makes clients see the stream open even where nothing runs.
            await send({"type": "http.response.body", "body": b": homeport\n\n", "more_body": True})
            await self._relay(gone, send)
            if not gone.done():
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._subscription.close()
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)

    async def _relay(self, gone: asyncio.Task[None], send: Send) -> None:
        while not gone.done():
            waiting = asyncio.create_task(self._subscription.batch(), name="event stream: next batch")
            try:
                done, _ = await asyncio.wait(
                    {waiting, gone}, timeout=self._heartbeat_s, return_when=asyncio.FIRST_COMPLETED
                )
            finally:
                if not waiting.done():
                    waiting.cancel()
            if waiting in done:
                events = waiting.result()
                if not events:
                    return
                await send({"type": "http.response.body", "body": encode(events), "more_body": True})
            elif not done:
                await send({"type": "http.response.body", "body": b": still here\n\n", "more_body": True})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def encode(events: Iterable[Event]) -> bytes:
    encoder = msgspec.json.Encoder()
    return b"".join(b"event: %s\ndata: %s\n\n" % (kind.encode(), encoder.encode(data)) for kind, data in events)

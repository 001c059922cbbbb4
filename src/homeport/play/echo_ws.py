"""A WebSocket whose messages go back as they came. Frames and handshake are the websockets library's."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from homeport.play.connection import Connection, since
from homeport.play.frames import LONGEST_BYTES, Message, Messages, close_words

if TYPE_CHECKING:
    from websockets.server import ServerProtocol


async def serve_websocket(connection: Connection, data: bytes) -> None:
    """From the handshake (`data` begins with its head) to the close of both sides."""
    from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
    from websockets.server import ServerProtocol

    protocol = ServerProtocol(extensions=[ServerPerMessageDeflateFactory()], max_size=LONGEST_BYTES)
    protocol.receive_data(data)
    if not await _shake_hands(connection, protocol):
        return
    messages = Messages()
    while True:
        for message in messages.read(protocol.events_received()):
            await _answer(connection, protocol, message)
        await _flush(connection, protocol)
        if protocol.close_expected():
            break
        data = await connection.read()
        if not data:
            protocol.receive_eof()
            break
        protocol.receive_data(data)
    await _flush(connection, protocol)
    sent = protocol.close_sent
    if sent is not None and protocol.close_rcvd is None:  # a mistake of the client
        connection.tell("out", kind="close", said=close_words(sent.code, sent.reason))


async def _shake_hands(connection: Connection, protocol: ServerProtocol) -> bool:
    from websockets.http11 import Request

    for event in protocol.events_received():
        if isinstance(event, Request):
            start = time.perf_counter()
            connection.tell("in", said=f"GET {event.path}, upgrade to WebSocket")
            response = protocol.accept(event)
            protocol.send_response(response)
            await _flush(connection, protocol)
            connection.tell("out", said=f"{response.status_code} {response.reason_phrase}", ms=since(start))
            return response.status_code == 101
    await _flush(connection, protocol)
    return False


async def _answer(connection: Connection, protocol: ServerProtocol, message: Message) -> None:
    """Pings and closes are answered by the protocol itself."""
    start = time.perf_counter()
    if message.kind == "close":
        connection.tell("in", kind="close", said=close_words(message.code, message.data.decode("utf-8", "replace")))
        return
    connection.tell("in", kind=message.kind, data=message.data)
    if message.kind == "ping":
        await _flush(connection, protocol)
        connection.tell("out", kind="pong", data=message.data, ms=since(start))
    elif message.kind in ("text", "binary"):
        send = protocol.send_text if message.kind == "text" else protocol.send_binary
        send(message.data)
        await _flush(connection, protocol)
        connection.tell("out", kind=message.kind, data=message.data, ms=since(start))


async def _flush(connection: Connection, protocol: ServerProtocol) -> None:
    for data in protocol.data_to_send():
        if data:
            await connection.send(data)

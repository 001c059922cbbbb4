"""A dozen varied requests through the door, with the standard library and websockets: what `demo --once` shows.

It dials the door by its address and names routes by Host or by path, so that nothing needs to resolve. Every step is
bounded in time; the first that goes wrong ends the visit with the reason.
"""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

from homeport.model.endpoint import Endpoint, parse_endpoint
from homeport.model.errors import HomeportError

LIMIT_S = 10.0
WEB, API, UDP = "demo.localhost", "api.demo.localhost", "/@udp.demo"
SHIP = {"name": "First Light", "origin": "Visby", "berth": 5}


def visit(door: str, udp_endpoint: str | None = None) -> list[str]:
    """One line for each step. `door` is its URL or address; the UDP app is asked for its port where it is not given.

    Raises HomeportError("app-failed") when an answer is not what it should be.
    """
    try:
        return list(_steps(_Door(door), udp_endpoint))
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise HomeportError(
            "app-failed", f"a request of the demo failed: {error or type(error).__name__}", "homeport status"
        ) from error


def _steps(door: _Door, udp_endpoint: str | None) -> Iterator[str]:
    yield door.ask("GET", "/", 200, host=WEB)
    yield door.ask("GET", "/page.css", 200, host=WEB)
    yield door.ask("HEAD", "/page.js", 200, host=WEB)
    yield door.ask("GET", "/@api.demo/items", 200)
    yield door.ask("GET", "/@api.demo/items/2", 200)
    yield door.ask("GET", "/@api.demo/items/4096", 404)
    yield door.ask("POST", "/items", 201, host=API, body=SHIP)
    yield door.ask("POST", "/items", 422, host=API, body={"name": "", "berth": 99})
    yield door.ask("GET", "/@api.demo/broken", 500)
    yield door.ask("GET", "/@api.demo/slow?ms=250", 200)
    yield door.upload("/upload", pieces=16, piece_bytes=4096)
    yield door.listen("/events?count=20&ms=50", events=3)
    yield door.talk("/live", messages=5)
    yield door.echo(udp_endpoint or door.udp_endpoint())


class _Door:
    """Where the door is, and the ways to ask something there. Each request has a connection of its own."""

    def __init__(self, door: str) -> None:
        self._endpoint: Endpoint = parse_endpoint(urlsplit(door).netloc if "//" in door else door)

    def ask(self, method: str, path: str, expected: int, host: str = "", body: object = None) -> str:
        data = None if body is None else json.dumps(body).encode()
        with closing(self._connection()) as connection:
            headers = {"Content-Type": "application/json"} if data else {}
            connection.request(method, path, data, {**headers, "Host": self._host(host)})
            answer = connection.getresponse()
            count = len(answer.read())
        return _line(method, host, path, answer.status, expected, f"{count} bytes")

    def upload(self, path: str, pieces: int, piece_bytes: int) -> str:
        """A body of unknown length, chunk by chunk."""
        body = (bytes([number]) * piece_bytes for number in range(pieces))
        with closing(self._connection()) as connection:
            connection.request("POST", path, body, {"Host": self._host(WEB)}, encode_chunked=True)
            answer = connection.getresponse()
            said = json.loads(answer.read())
        if said.get("bytes") != pieces * piece_bytes:
            raise ValueError(f"the upload arrived with {said.get('bytes')} of {pieces * piece_bytes} bytes")
        return _line("POST", WEB, path, answer.status, 201, f"{pieces} chunks up")

    def listen(self, path: str, events: int) -> str:
        """A few server-sent events; then we leave, as a closed tab does."""
        with closing(self._connection()) as connection:
            connection.request("GET", path, headers={"Host": self._host(API), "Accept": "text/event-stream"})
            answer = connection.getresponse()
            heard = 0
            while heard < events and (line := answer.readline()):
                heard += line.startswith(b"data:")
        if heard < events:
            raise ValueError(f"the stream of events ended after {heard}")
        return _line("GET", API, path, answer.status, 200, f"{heard} events")

    def talk(self, path: str, messages: int) -> str:
        from websockets.exceptions import WebSocketException
        from websockets.sync.client import connect

        try:
            with connect(
                f"ws://{self._host(WEB)}{path}",
                sock=self._dial(),
                proxy=None,
                open_timeout=LIMIT_S,
                close_timeout=LIMIT_S,
            ) as live:
                for number in range(messages):
                    live.send(f"message {number}")
                    if live.recv(LIMIT_S) != f"message {number}":
                        raise ValueError("the WebSocket answered with something else")
        except WebSocketException as error:
            raise ValueError(f"the WebSocket failed: {error}") from error
        return f"WS   {WEB}{path}  101  {messages} messages there and back"

    def udp_endpoint(self) -> str:
        with closing(self._connection()) as connection:
            connection.request("GET", f"{UDP}/", headers={"Host": self._host("")})
            said: Any = json.loads(connection.getresponse().read())
        return str(said["udp"])

    def echo(self, address: str) -> str:
        """One datagram, straight to the app."""
        endpoint = parse_endpoint(address)
        family = socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as datagrams:
            datagrams.settimeout(LIMIT_S)
            datagrams.connect((endpoint.host, endpoint.port))
            datagrams.send(b"ahoy")
            if datagrams.recv(1500) != b"ahoy":
                raise ValueError("the UDP echo answered with something else")
        return f"UDP  {address}  4 bytes there and back"

    def _host(self, name: str) -> str:
        return f"{name}:{self._endpoint.port}" if name else str(self._endpoint)

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._endpoint.host, self._endpoint.port, timeout=LIMIT_S)

    def _dial(self) -> socket.socket:
        return socket.create_connection((self._endpoint.host, self._endpoint.port), timeout=LIMIT_S)


def _line(method: str, host: str, path: str, status: int, expected: int, what: str) -> str:
    if status != expected:
        raise ValueError(f"{method} {host}{path} was answered with {status} instead of {expected}")
    return f"{method:<4} {host}{path}  {status}  {what}"

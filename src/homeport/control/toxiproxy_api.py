"""Toxiproxy's HTTP API 2.x: the paths, statuses and bodies that its clients know.

What they mean is in app.toxiproxy. Served on loopback only, to programs and not to pages.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from homeport.app.toxiproxy import Refused, Toxiproxy, new_relay
from homeport.control.guard import without_port
from homeport.control.server import Server, listen_loopback
from homeport.machine.peers import why_not_ours
from homeport.model.errors import HomeportError

VERSION = "2.12.0"  # of the API that this speaks
BODY_LIMIT_BYTES = 1024 * 1024
Handler = Callable[[Request], Awaitable[Response]]


class ToxiproxyApi:
    """The handlers, one per path and method."""

    def __init__(self, server: Toxiproxy) -> None:
        self._server = server

    def routes(self) -> list[Route]:
        one, toxics, toxic = "/proxies/{proxy:path}", "/proxies/{proxy}/toxics", "/proxies/{proxy}/toxics/{toxic}"
        table: list[tuple[str, list[str], Handler]] = [
            ("/proxies", ["GET"], self._list),
            ("/proxies", ["POST"], self._create),
            ("/populate", ["POST"], self._populate),
            ("/reset", ["POST"], self._reset),
            ("/version", ["GET"], self._version),
            (toxic, ["GET"], self._toxic),
            (toxic, ["POST", "PATCH"], self._update_toxic),
            (toxic, ["DELETE"], self._remove_toxic),
            (toxics, ["GET"], self._toxics),
            (toxics, ["POST"], self._add_toxic),
            (one, ["GET"], self._get),
            (one, ["POST", "PATCH"], self._update),
            (one, ["DELETE"], self._delete),
        ]
        return [Route(path, handler, methods=methods) for path, methods, handler in table]

    async def _list(self, request: Request) -> Response:
        return _answer(self._server.list())

    async def _create(self, request: Request) -> Response:
        return _answer(self._server.create(await _object(request)), 201)

    async def _populate(self, request: Request) -> Response:
        asked = await _json(request)
        if not isinstance(asked, list) or not all(isinstance(one, dict) for one in asked):
            raise Refused(400, "bad request body: expected an array of proxies")
        made, refused = self._server.populate(asked)
        if refused is not None:
            return _answer({"error": str(refused), "status": refused.status, "proxies": made}, refused.status)
        return _answer({"proxies": made}, 201)

    async def _get(self, request: Request) -> Response:
        return _answer(self._server.get(request.path_params["proxy"]))

    async def _update(self, request: Request) -> Response:
        return _answer(self._server.update(request.path_params["proxy"], await _object(request)))

    async def _delete(self, request: Request) -> Response:
        self._server.delete(request.path_params["proxy"])
        return Response(status_code=204)

    async def _toxics(self, request: Request) -> Response:
        return _answer(self._server.get(request.path_params["proxy"]).toxics)

    async def _add_toxic(self, request: Request) -> Response:
        return _answer(self._server.add_toxic(request.path_params["proxy"], await _object(request)))

    async def _toxic(self, request: Request) -> Response:
        return _answer(self._server.toxic(request.path_params["proxy"], request.path_params["toxic"]))

    async def _update_toxic(self, request: Request) -> Response:
        names = request.path_params
        return _answer(self._server.update_toxic(names["proxy"], names["toxic"], await _object(request)))

    async def _remove_toxic(self, request: Request) -> Response:
        self._server.remove_toxic(request.path_params["proxy"], request.path_params["toxic"])
        return Response(status_code=204)

    async def _reset(self, request: Request) -> Response:
        self._server.reset()
        return Response(status_code=204)

    async def _version(self, request: Request) -> Response:
        return Response(f'{{"version": "{VERSION}"}}\n', media_type="application/json;charset=utf-8")


def toxiproxy_app(server: Toxiproxy) -> Starlette:
    async def refused(request: Request, error: Exception) -> Response:
        status = error.status if isinstance(error, Refused) else 500
        body = json.dumps({"error": str(error), "status": status}) + "\n"
        return PlainTextResponse(body, status, {"X-Content-Type-Options": "nosniff"})

    return Starlette(
        routes=ToxiproxyApi(server).routes(),
        middleware=[Middleware(OwnPrograms)],
        exception_handlers={Refused: refused},
    )


async def serve(
    port: int, seed: int, proxies: list[dict[str, Any]], begun: Callable[[int, Toxiproxy], None], ending: asyncio.Event
) -> None:
    """Until `ending` is set. `begun` hears of the port and of the proxies that `proxies` (a config file) asked for.

    Raises HomeportError: "port-taken", "bad-config".
    """
    listener = _listen(port)
    relay = new_relay()
    server = Server(toxiproxy_app(toxiproxy := Toxiproxy(relay, seed)))
    try:
        _, refused = toxiproxy.populate(proxies)
        if refused is not None:
            raise HomeportError("bad-config", f"the proxies could not be made: {refused}", "docs/toxiproxy.md")
        await server.serve(listener)
        begun(listener.getsockname()[1], toxiproxy)
        await ending.wait()
    finally:
        await server.close()
        listener.close()
        relay.stop()


def _listen(port: int) -> socket.socket:
    try:
        return listen_loopback(port)
    except OSError as error:
        raise HomeportError("port-taken", f"port {port} is taken: {error.strerror}", f"homeport who {port}") from error


class OwnPrograms:
    """Pages of the internet could otherwise ask it, by a name of theirs that leads here too, and so could other users:
    what its proxies reach, they reach as us. Every answer has a number."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._numbers = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        number = b"%08x" % next(self._numbers)

        async def numbered(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-toxiproxy-request-id", number)]
            await send(message)

        why = _why_not(scope)
        if why:
            await PlainTextResponse(f"{why}\n", 403)(scope, receive, numbered)
        else:
            await self._app(scope, receive, numbered)


def _why_not(scope: Scope) -> str:
    headers = dict(scope["headers"])
    if headers.get(b"user-agent", b"").startswith(b"Mozilla/") or b"origin" in headers:
        return "User agent not allowed"
    if _may_lead_anywhere(without_port(headers.get(b"host", b"").decode("latin-1").lower())):
        return "Host not allowed"
    return "User not allowed" if why_not_ours(scope["client"], scope["server"]) else ""


def _may_lead_anywhere(name: str) -> bool:
    """Whether anybody can own this name, and so point it at this computer: not an address, nor a name without a dot,
    nor one below what nobody can register (host.docker.internal)."""
    if name.startswith("[") or name.replace(".", "").isdigit():
        return False
    return "." in name and not name.removesuffix(".").endswith((".localhost", ".internal"))


def _answer(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value) + b"\n", status, media_type="application/json")


async def _object(request: Request) -> dict[str, Any]:
    asked = await _json(request)
    if not isinstance(asked, dict):
        raise Refused(400, "bad request body: expected an object")
    return asked


async def _json(request: Request) -> Any:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT_BYTES:
            raise Refused(400, f"bad request body: it is larger than {BODY_LIMIT_BYTES} bytes")
    try:
        return msgspec.json.decode(bytes(body))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refused(400, f"bad request body: {error}") from error

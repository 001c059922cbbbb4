"""The control API: each use case under its path, and the dashboard's files. docs/api.md is tested against this table.

It translates and nothing more: what a call means is in homeport.app, who may call is in homeport.control.guard.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from homeport.app.service import Service
from homeport.control import answers
from homeport.control.answers import answer
from homeport.control.auth import Auth
from homeport.control.event_stream import EventStream
from homeport.control.guard import COOKIE, Guard, WhyNotOurs, takes_cookie
from homeport.control.pages import page
from homeport.machine.peers import why_not_ours
from homeport.model.access import TokenSpec
from homeport.model.app import AppSpec
from homeport.model.errors import HomeportError
from homeport.model.exposure import ExposeSpec
from homeport.model.lease import LeaseSpec
from homeport.model.net_client import NetClientSpec
from homeport.model.network import ConditionsSpec, ReplaySpec
from homeport.model.route import RouteSpec

BODY_LIMIT_BYTES = 8 * 1024 * 1024  # a project of fifty apps with a large environment each

T = TypeVar("T")
Handler = Callable[[Request], Awaitable[Any]]


class StartApps(msgspec.Struct):
    specs: list[AppSpec]


class ForProcess(msgspec.Struct):
    pid: int


class Enter(msgspec.Struct):
    key: str


class Api:
    """The handlers. One per path and method, each a call of the service."""

    def __init__(self, service: Service, auth: Auth) -> None:
        self._service, self._auth = service, auth

    def table(self) -> list[tuple[str, str, Handler]]:
        service = self._service
        return [
            ("GET", "/api/status", lambda r: service.engine.status()),
            ("GET", "/api/apps", lambda r: service.apps.list()),
            ("POST", "/api/apps", self._start_apps),
            ("POST", "/api/apps/{route}/stop", lambda r: service.apps.stop(r.path_params["route"])),
            ("POST", "/api/apps/{route}/restart", lambda r: service.apps.restart(r.path_params["route"])),
            ("GET", "/api/apps/{route}/wait", lambda r: service.apps.wait(r.path_params["route"])),
            ("GET", "/api/routes", lambda r: service.routes.list()),
            ("POST", "/api/routes", self._add_route),
            ("DELETE", "/api/routes/{name}", lambda r: service.routes.remove(r.path_params["name"])),
            ("POST", "/api/routes/{name}/link", self._route_link),
            ("POST", "/api/routes/{name}/expose", self._expose),
            ("DELETE", "/api/routes/{name}/expose", lambda r: service.routes.unexpose(r.path_params["name"])),
            ("POST", "/api/routes/{name}/expose/link", self._exposed_link),
            ("GET", "/api/conditions", lambda r: service.conditions.list()),
            ("POST", "/api/conditions", self._set_conditions),
            ("DELETE", "/api/conditions", self._clear_conditions),
            ("GET", "/api/conditions/profiles", lambda r: service.conditions.profiles()),
            ("POST", "/api/conditions/replay", self._replay_conditions),
            ("GET", "/api/clients", lambda r: service.clients.list()),
            ("POST", "/api/clients", self._name_client),
            ("DELETE", "/api/clients/{name}", lambda r: service.clients.forget(r.path_params["name"])),
            ("GET", "/api/tokens", lambda r: service.tokens.list()),
            ("POST", "/api/tokens", self._new_token),
            ("DELETE", "/api/tokens/{name}", lambda r: service.tokens.revoke(r.path_params["name"])),
            ("GET", "/api/leases", lambda r: service.leases.list()),
            ("POST", "/api/leases", self._take_leases),
            ("DELETE", "/api/leases", self._release),
            ("POST", "/api/leases/portserver", self._portserver),
            ("GET", "/api/requests", self._search),
            ("DELETE", "/api/requests", lambda r: service.traffic.clear()),
            ("GET", "/api/requests/{id}", lambda r: service.traffic.show(number(r.path_params, "id", 0))),
            ("GET", "/api/requests/{id}/body/{side}", self._body),
            ("GET", "/api/logs", self._logs),
            ("GET", "/api/events", self._events),
            ("POST", "/api/enter", self._enter),
            ("POST", "/api/engine/hello", lambda r: service.engine.hello()),
            ("POST", "/api/engine/stop", lambda r: service.engine.stop()),
            ("POST", "/api/engine/link", self._link),
            ("POST", "/api/engine/port", self._port),
        ]

    async def _start_apps(self, request: Request) -> Any:
        return await self._service.apps.start((await read(request, StartApps)).specs)

    async def _add_route(self, request: Request) -> Any:
        return await self._service.routes.add(await read(request, RouteSpec))

    async def _route_link(self, request: Request) -> Any:
        return {"url": await self._service.routes.link(request.path_params["name"])}

    async def _expose(self, request: Request) -> Any:
        return await self._service.routes.expose(request.path_params["name"], await read(request, ExposeSpec))

    async def _exposed_link(self, request: Request) -> Any:
        return {"url": await self._service.routes.exposed_link(request.path_params["name"])}

    async def _set_conditions(self, request: Request) -> Any:
        return await self._service.conditions.set(await read(request, ConditionsSpec))

    async def _replay_conditions(self, request: Request) -> Any:
        return await self._service.conditions.replay((await read(request, ReplaySpec)).exchange)

    async def _clear_conditions(self, request: Request) -> Any:
        query = request.query_params
        return await self._service.conditions.clear(query.get("route", ""), query.get("client", ""))

    async def _name_client(self, request: Request) -> Any:
        return await self._service.clients.name(await read(request, NetClientSpec))

    async def _new_token(self, request: Request) -> Any:
        return await self._service.tokens.new(await read(request, TokenSpec))

    async def _take_leases(self, request: Request) -> Any:
        return await self._service.leases.take(await read(request, LeaseSpec))

    async def _release(self, request: Request) -> Any:
        query = request.query_params
        return await self._service.leases.release(
            port=number(query, "port", 0),
            name=query.get("name", ""),
            folder=query.get("folder", ""),
            every="every" in query,
            pid=number(query, "pid", None),
        )

    async def _portserver(self, request: Request) -> Any:
        return {"address": await self._service.leases.portserver((await read(request, ForProcess)).pid)}

    async def _search(self, request: Request) -> Any:
        query = request.query_params
        return await self._service.traffic.list(
            query.get("filter", ""), number(query, "limit", 50), number(query, "before", None)
        )

    async def _body(self, request: Request) -> Response:
        exchange_id, side = number(request.path_params, "id", 0), request.path_params["side"]
        data, media_type = await self._service.traffic.body(exchange_id, side)
        return answers.download(data, media_type, f"{exchange_id}-{side}")

    async def _logs(self, request: Request) -> Any:
        query = request.query_params
        return await self._service.logs.list(
            query.get("app") or None, number(query, "limit", 200), number(query, "after", None)
        )

    async def _events(self, request: Request) -> EventStream:
        query = request.query_params
        return EventStream(self._service.events(query.get("filter", ""), query.getlist("app"), query.getlist("kind")))

    async def _enter(self, request: Request) -> Response:
        session = self._auth.enter((await read(request, Enter)).key)
        if session is None:
            await self._auth.wrong()
            raise HomeportError("unauthorised", "the key was used or is too old", "homeport open")
        if not takes_cookie(request.scope):
            return answer({"token": session})
        response = Response(status_code=204, headers=answers.NEVER_STORED)
        response.set_cookie(COOKIE, session, path="/", httponly=True, samesite="strict")
        return response

    async def _link(self, request: Request) -> Any:
        return {"url": await self._service.engine.enter_link()}

    async def _port(self, request: Request) -> Any:
        return {"url": await self._service.engine.dashboard_port()}


def make_app(
    service: Service, auth: Auth, touch: Callable[[], None], why_not_ours: WhyNotOurs = why_not_ours
) -> Starlette:
    routes = [Route(path, endpoint(handler), methods=[method]) for method, path, handler in Api(service, auth).table()]
    return Starlette(
        routes=[*routes, Mount("/api", app=nothing_else(routes)), Route("/{path:path}", page, methods=["GET"])],
        middleware=[Middleware(Guard, auth=auth, touch=touch, why_not_ours=why_not_ours)],
        exception_handlers={
            HomeportError: answers.on_known_error,
            HTTPException: answers.on_http_error,
            Exception: answers.on_surprise,
        },
    )


def nothing_else(routes: list[Route]) -> ASGIApp:
    """What is below /api and not in the table: a path that nobody has, or a method that its path does not take."""

    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        raise HTTPException(405 if any(route.path_regex.match(scope["path"]) for route in routes) else 404)

    return refuse


def endpoint(handler: Handler) -> Callable[[Request], Awaitable[Any]]:
    async def run(request: Request) -> Any:
        result = await handler(request)
        return result if isinstance(result, Response | EventStream) else answer(result)

    return run


async def read(request: Request, kind: type[T]) -> T:
    """The body as a struct. It must be declared as JSON: a form of another page cannot do that unasked."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HomeportError("bad-usage", "the body must be JSON", "Content-Type: application/json")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT_BYTES:
            raise HomeportError("bad-usage", f"the body is larger than {BODY_LIMIT_BYTES} bytes")
    try:
        return msgspec.json.decode(bytes(body), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise HomeportError("bad-usage", f"the body does not fit: {error}", "docs/api.md") from error


def number(values: Any, name: str, default: Any) -> Any:
    text = values.get(name)
    if text is None or text == "":
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise HomeportError("bad-usage", f"{name} must be a whole number, not {text!r}")
    return int(text)

"""The use cases over HTTP, for the command line: the same bundle as homeport.app.service.Service.

It imports little, because it is on the way of every command. All failures are HomeportError: the engine's own, or
"engine-unreachable".
"""

from __future__ import annotations

import builtins
from collections.abc import Generator, Sequence
from typing import Any, TypeVar, cast

import msgspec

from homeport.control.call import ANSWER_LIMIT_S, Answer, ask
from homeport.model.access import NewToken, TokenSpec, TokenState
from homeport.model.app import AppSpec, AppState
from homeport.model.errors import CODES, HomeportError
from homeport.model.exchange import ExchangeDetail, ExchangeSummary
from homeport.model.exposure import Exposed, ExposeSpec
from homeport.model.lease import LeaseSpec, LeaseState
from homeport.model.log import LogLine
from homeport.model.measured import Measured
from homeport.model.net_client import NetClient, NetClientSpec
from homeport.model.network import ConditionsSpec, ConditionsState, ProfileState, ReplaySpec
from homeport.model.route import RouteSpec, RouteState
from homeport.model.status import EngineState, Hello, Lost, Status

HELLO_LIMIT_S = 5.0

T = TypeVar("T")
Event = AppState | RouteState | ConditionsState | ExchangeSummary | LogLine | EngineState | Measured | Lost
EVENTS: dict[bytes, type] = {
    b"app": AppState,
    b"route": RouteState,
    b"conditions": ConditionsState,
    b"exchange": ExchangeSummary,
    b"log": LogLine,
    b"engine": EngineState,
    b"measured": Measured,
    b"lost": Lost,
}


class Calls:
    """Where the engine is, and the one way to call it."""

    def __init__(self, address: str, token: str) -> None:
        self.address, self._token = address, token

    def open(self, method: str, target: str, body: Any = None, limit_s: float | None = ANSWER_LIMIT_S) -> Answer:
        """Raises the error that the engine answers with."""
        data = None if body is None else msgspec.json.encode(body)
        answer = ask(self.address, method, target, self._token, data, limit_s)
        if answer.status >= 400:
            raise _error(answer)
        return answer

    def get(self, kind: type[T], target: str, **query: Any) -> T:
        return _decode(self.open("GET", target + _query(query)).read(), kind)

    def post(self, kind: type[T], target: str, body: Any = None) -> T:
        return _decode(self.open("POST", target, body).read(), kind)

    def patiently(self, kind: type[T], method: str, target: str, body: Any = None) -> T:
        """A call that takes as long as an app does."""
        return _decode(self.open(method, target, body, limit_s=None).read(), kind)

    def delete(self, target: str) -> None:
        self.open("DELETE", target).read()


class Apps:
    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def start(self, specs: builtins.list[AppSpec]) -> builtins.list[AppState]:
        return self._calls.patiently(list[AppState], "POST", "/api/apps", {"specs": specs})

    def stop(self, route: str) -> AppState:
        return self._calls.patiently(AppState, "POST", f"/api/apps/{_quote(route)}/stop")

    def restart(self, route: str) -> AppState:
        return self._calls.patiently(AppState, "POST", f"/api/apps/{_quote(route)}/restart")

    def wait(self, route: str) -> AppState:
        """Returns when it is ready, or will not become ready any more."""
        return self._calls.patiently(AppState, "GET", f"/api/apps/{_quote(route)}/wait")

    def list(self) -> builtins.list[AppState]:
        return self._calls.get(builtins.list[AppState], "/api/apps")


class Routes:
    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def add(self, spec: RouteSpec) -> RouteState:
        return self._calls.post(RouteState, "/api/routes", spec)

    def list(self) -> builtins.list[RouteState]:
        return self._calls.get(builtins.list[RouteState], "/api/routes")

    def remove(self, name: str) -> None:
        self._calls.delete(f"/api/routes/{_quote(name)}")

    def link(self, name: str) -> str:
        return self._calls.post(dict[str, str], f"/api/routes/{_quote(name)}/link")["url"]

    def expose(self, name: str, spec: ExposeSpec) -> Exposed:
        return self._calls.post(Exposed, f"/api/routes/{_quote(name)}/expose", spec)

    def unexpose(self, name: str) -> Exposed:
        return _decode(self._calls.open("DELETE", f"/api/routes/{_quote(name)}/expose").read(), Exposed)

    def exposed_link(self, name: str) -> str:
        return self._calls.post(dict[str, str], f"/api/routes/{_quote(name)}/expose/link")["url"]


class Conditions:
    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def set(self, spec: ConditionsSpec) -> ConditionsState:
        return self._calls.post(ConditionsState, "/api/conditions", spec)

    def list(self) -> builtins.list[ConditionsState]:
        return self._calls.get(builtins.list[ConditionsState], "/api/conditions")

    def clear(self, route: str = "", client: str = "") -> builtins.list[ConditionsState]:
        """Answers with what was."""
        pairs = _query_of([("route", route), ("client", client)])
        return _decode(self._calls.open("DELETE", "/api/conditions" + pairs).read(), builtins.list[ConditionsState])

    def replay(self, exchange: int) -> ConditionsState:
        """The next one on its route meets the same decisions."""
        return self._calls.post(ConditionsState, "/api/conditions/replay", ReplaySpec(exchange=exchange))

    def profiles(self) -> builtins.list[ProfileState]:
        return self._calls.get(builtins.list[ProfileState], "/api/conditions/profiles")


class Clients:
    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def name(self, spec: NetClientSpec) -> NetClient:
        """Without words an address of its own is handed out; one that is known stays as it is."""
        return self._calls.post(NetClient, "/api/clients", spec)

    def list(self) -> builtins.list[NetClient]:
        return self._calls.get(builtins.list[NetClient], "/api/clients")

    def forget(self, name: str) -> None:
        self._calls.delete(f"/api/clients/{_quote(name)}")


class Tokens:
    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def new(self, spec: TokenSpec) -> NewToken:
        return self._calls.post(NewToken, "/api/tokens", spec)

    def list(self) -> builtins.list[TokenState]:
        return self._calls.get(builtins.list[TokenState], "/api/tokens")

    def revoke(self, name: str) -> None:
        self._calls.delete(f"/api/tokens/{_quote(name)}")


class Traffic:
    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def list(self, filter: str = "", limit: int = 50, before: int | None = None) -> builtins.list[ExchangeSummary]:  # noqa: A002
        return self._calls.get(
            builtins.list[ExchangeSummary], "/api/requests", filter=filter, limit=limit, before=before
        )

    def show(self, id: int) -> ExchangeDetail:  # noqa: A002
        return self._calls.get(ExchangeDetail, f"/api/requests/{id}")

    def body(self, id: int, side: str) -> tuple[bytes, str]:  # noqa: A002
        """The bytes, and the media type that the message declared."""
        answer = self._calls.open("GET", f"/api/requests/{id}/body/{_quote(side)}")
        return answer.read(), answer.headers.get("x-homeport-type", "")

    def clear(self) -> None:
        self._calls.delete("/api/requests")


class Logs:
    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def list(self, app: str | None = None, limit: int = 200, after: int | None = None) -> builtins.list[LogLine]:
        return self._calls.get(builtins.list[LogLine], "/api/logs", app=app, limit=limit, after=after)


class Leases:
    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def take(self, spec: LeaseSpec) -> builtins.list[LeaseState]:
        """The ports, in order. One that is leased by this name in this folder already is answered `again`."""
        return self._calls.post(builtins.list[LeaseState], "/api/leases", spec)

    def list(self) -> builtins.list[LeaseState]:
        return self._calls.get(builtins.list[LeaseState], "/api/leases")

    def release(
        self, *, port: int = 0, name: str = "", folder: str = "", every: bool = False, pid: int | None = None
    ) -> builtins.list[LeaseState]:
        """What was given back. With `pid` only this process' share."""
        values = {"port": port or None, "name": name, "folder": folder, "every": every or None, "pid": pid}
        answer = self._calls.open("DELETE", "/api/leases" + _query(values))
        return _decode(answer.read(), builtins.list[LeaseState])

    def portserver(self, pid: int) -> str:
        """The address for PORTSERVER_ADDRESS."""
        return self._calls.post(dict[str, str], "/api/leases/portserver", {"pid": pid})["address"]


class Engine:
    """`notices` are sentences of the hello; the first status shows them among the engine's warnings."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self.notices: list[str] = []

    def hello(self, limit_s: float = HELLO_LIMIT_S) -> Hello:
        """The first call: an engine that hangs is found out here."""
        hello = _decode(self._calls.open("POST", "/api/engine/hello", limit_s=limit_s).read(), Hello)
        self.notices += hello.notices
        return hello

    def status(self) -> Status:
        status = self._calls.get(Status, "/api/status")
        if status.engine is not None:
            status.engine.warnings = [*self.notices, *status.engine.warnings]
            self.notices = []
        return status

    def stop(self) -> None:
        """Returns when every app has ended and the engine is about to."""
        self._calls.open("POST", "/api/engine/stop", limit_s=None).read()

    def enter_link(self) -> str:
        return self._calls.post(dict[str, str], "/api/engine/link")["url"]

    def dashboard_port(self) -> str:
        return self._calls.post(dict[str, str], "/api/engine/port")["url"]


class Client:
    def __init__(self, address: str, token: str) -> None:
        self._calls = calls = Calls(address, token)
        self.apps, self.routes, self.traffic = Apps(calls), Routes(calls), Traffic(calls)
        self.logs, self.leases, self.engine = Logs(calls), Leases(calls), Engine(calls)
        self.tokens, self.conditions, self.clients = Tokens(calls), Conditions(calls), Clients(calls)

    def events(self, filter: str = "", apps: Sequence[str] = (), kinds: Sequence[str] = ()) -> Generator[Event]:  # noqa: A002
        """Connects before it returns, so that nothing that happens afterwards is missed. Ends when the engine does."""
        pairs = [("filter", filter), *(("app", app) for app in apps), *(("kind", kind) for kind in kinds)]
        return read_events(self._calls.open("GET", "/api/events" + _query_of(pairs), limit_s=None))


def read_events(pieces: Answer) -> Generator[Event]:
    """The structs of a text/event-stream; comments and kinds that a newer engine may send are passed over."""
    decoders: dict[bytes, msgspec.json.Decoder[Any]] = {
        kind: msgspec.json.Decoder(type_) for kind, type_ in EVENTS.items()
    }
    rest = b""
    try:
        for piece in pieces:
            *blocks, rest = (rest + piece).split(b"\n\n")
            for block in blocks:
                fields = dict(line.split(b": ", 1) for line in block.split(b"\n") if b": " in line[1:])
                if decoder := decoders.get(fields.get(b"event", b"")):
                    yield cast(Event, decoder.decode(fields[b"data"]))
    except HomeportError:
        return  # the engine ended
    finally:
        pieces.close()


def _decode(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise HomeportError(
            "engine-unreachable",
            f"the engine answers in another way than this version expects: {error}",
            "homeport down",
        ) from error


def _error(answer: Answer) -> HomeportError:
    try:
        error = msgspec.json.decode(answer.read())["error"]
        code, message, hint = error["code"], error["message"], error["hint"]
    except (msgspec.DecodeError, KeyError, TypeError):
        return HomeportError("engine-unreachable", f"the engine answers with status {answer.status}", "homeport down")
    return HomeportError(code if code in CODES else "internal", message, hint)


def _query(values: dict[str, Any]) -> str:
    return _query_of([(name, str(value)) for name, value in values.items() if value is not None])


def _query_of(pairs: Sequence[tuple[str, str]]) -> str:
    text = "&".join(f"{name}={_quote(value)}" for name, value in pairs if value)
    return f"?{text}" if text else ""


def _quote(text: str) -> str:
    """Percent-encoding (RFC 3986) without the 6 ms that urllib.parse takes to import."""
    safe = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~"
    return "".join(chr(byte) if byte in safe else f"%{byte:02X}" for byte in text.encode("utf-8", "surrogateescape"))

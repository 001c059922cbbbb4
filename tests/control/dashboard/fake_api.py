"""A small stand-in for the control API: serves the page's files under the real policy, and a scene as its data.

It understands a few filter terms only, checks the token or cookie, and can be cut off or taken down to see what the
page does then. To look at the page by hand: python -m tests.control.dashboard.fake_api [full|empty]
"""

from __future__ import annotations

import base64
import mimetypes
import queue
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

import msgspec

import homeport.control
from homeport.conditions.profiles import BY_NAME
from homeport.conditions.profiles import PROFILES as ALL_PROFILES
from homeport.conditions.text import parse, written
from homeport.conditions.words import in_words
from homeport.model.errors import HomeportError
from homeport.model.exchange import Body, ExchangeSummary
from homeport.model.exposure import Exposed
from homeport.model.net_client import NetClient
from homeport.model.network import ConditionsSpec, ConditionsState, ProfileState
from tests.control.dashboard.scene import Scene, empty_scene, full_scene

FILES = Path(homeport.control.__file__).parent / "dashboard"
POLICY = (
    "default-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
KEY = "one-time-key"
TOKEN = "secret-token"
PROFILES = [
    ProfileState(name=name, text=text, source=source, words=in_words(parse([name], BY_NAME)))
    for name, text, source in ALL_PROFILES
]
KEYS = ("method", "status", "route", "path", "type", "kind", "ending", "host", "body", "since", "duration", "size")


class FakeApi:
    """Owns the scene, the streams that are open, and what was asked (`calls`)."""

    def __init__(self, scene: Scene, cached_s: int = 600) -> None:
        self.cached_s = cached_s
        self.reset(scene)
        self._streams: set[queue.SimpleQueue[bytes | None]] = set()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="fake-api")
        self._thread.start()

    def reset(self, scene: Scene) -> None:
        self.scene = scene
        self.calls: list[tuple[str, str]] = []
        self.is_open_to_all = True
        self.is_down = False
        self.keys = {KEY}
        self.asked: list[ConditionsSpec] = []
        self.is_measuring = threading.Event()  # somebody looks at a network

    def url(self, host: str = "127.0.0.1", *, key: str = KEY, more: str = "") -> str:
        words = "&".join(word for word in (f"enter={key}" if key else "", more) if word)
        return f"http://{host}:{self.port}/" + (f"#{words}" if words else "")

    def push(self, kind: str, *values: object) -> None:
        """Send events to every open stream, in one piece."""
        events = b"".join(f"event: {kind}\ndata: ".encode() + msgspec.json.encode(value) + b"\n\n" for value in values)
        with self._lock:
            for stream in self._streams:
                stream.put(events)

    def cut(self) -> None:
        """End every open stream."""
        with self._lock:
            for stream in self._streams:
                stream.put(None)

    def go_down(self) -> None:
        self.is_down = True
        self.cut()

    def close(self) -> None:
        self.go_down()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def stream(self, kind: str) -> Iterator[bytes]:
        mine: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        with self._lock:
            self._streams.add(mine)
        if kind == "measured":
            self.is_measuring.set()
        try:
            yield b": here\n\n"
            for app in self.scene.status.apps:
                yield b"event: app\ndata: " + msgspec.json.encode(app) + b"\n\n"
            while (piece := mine.get()) is not None:
                yield piece
        finally:
            with self._lock:
                self._streams.discard(mine)

    def condition(self, spec: ConditionsSpec) -> ConditionsState:
        """As the engine understands it. Raises HomeportError."""
        self.asked.append(spec)
        asked = parse(spec.text.split(), BY_NAME)
        state = ConditionsState(
            route=spec.route,
            client=spec.client,
            profile=asked.profile,
            text=written(asked),
            words=in_words(asked),
            ends="2026-03-03T14:02:30+00:00" if spec.lasts_s else "",
        )
        self.clear_conditions(spec.route, spec.client)
        self.scene.conditions.append(state)
        return state

    def close_exposed(self, name: str) -> Exposed | None:
        route = next(route for route in self.scene.status.routes if route.name == name)
        was, route.exposed = route.exposed, None
        self.push("route", route)
        return was

    def clear_conditions(self, route: str, client: str) -> list[ConditionsState]:
        gone = [one for one in self.scene.conditions if one.route == route and client in ("", one.client)]
        self.scene.conditions = [one for one in self.scene.conditions if one not in gone]
        return gone

    def search(self, text: str, limit: int, before: int | None) -> list[ExchangeSummary]:
        rows = [detail.summary for detail in self.scene.exchanges.values()]
        rows = [row for row in rows if (before is None or row.id < before) and _matches(row, text)]
        return sorted(rows, key=lambda row: -row.id)[:limit]


class _BadFilter(Exception):  # noqa: N818
    pass


def _matches(row: ExchangeSummary, text: str) -> bool:
    return all(_term(row, term.removeprefix("-")) != term.startswith("-") for term in text.split())


def _term(row: ExchangeSummary, term: str) -> bool:
    key, colon, value = term.partition(":")
    if not colon:
        term = term.strip('"')
        return any(term in str(part) for part in (row.method, row.host, row.path, row.route, row.status))
    if key not in KEYS:
        raise _BadFilter(key)
    if key == "status":
        return row.status >= int(value[2:]) if value.startswith(">=") else str(row.status).startswith(value.rstrip("x"))
    return value.strip('"') in str(getattr(row, key, ""))


def _handler_of(api: FakeApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Connections are kept, but not for long: a server that is closed leaves no thread behind."""

        protocol_version = "HTTP/1.1"
        timeout = 2
        cached_s = api.cached_s

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if api.is_down:
                self.close_connection = True
            elif not parts.path.startswith("/api/"):
                self._file(unquote(parts.path))
            elif self._may_enter():
                self._data(parts.path, {key: values[0] for key, values in parse_qs(parts.query).items()})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if api.is_down:
                self.close_connection = True
            elif self.path == "/api/enter":
                self._enter(str(msgspec.json.decode(body)["key"]))
            elif self._may_enter() and self.path == "/api/conditions":
                self._condition(msgspec.json.decode(body, type=ConditionsSpec))
            elif self._may_enter():
                self._act(self.path.split("/"))

        def do_DELETE(self) -> None:
            if api.is_down:
                self.close_connection = True
            elif self._may_enter():
                api.calls.append(("DELETE", self.path))
                parts = urlsplit(self.path)
                if parts.path == "/api/conditions":
                    query = dict(parse_qsl(parts.query))
                    self._answer(200, api.clear_conditions(query["route"], query.get("client", "")))
                    return
                if parts.path.endswith("/expose"):
                    self._answer(200, api.close_exposed(parts.path.split("/")[3]))
                    return
                api.scene.exchanges.clear()
                self._answer(200, {})

        def _enter(self, key: str) -> None:
            if key not in api.keys:
                return self._error(401, "unauthorised", "That key was used already.", "homeport open")
            api.keys.discard(key)
            if str(self.headers["Host"]).startswith("homeport.localhost"):
                self._answer(204, None, cookie=f"homeport={TOKEN}; HttpOnly; SameSite=Strict; Path=/")
            else:
                self._answer(200, {"token": TOKEN})
            return None

        def _may_enter(self) -> bool:
            bearer = self.headers.get("Authorization") == f"Bearer {TOKEN}"
            cookie = f"homeport={TOKEN}" in (self.headers.get("Cookie") or "")
            if api.is_open_to_all or bearer or cookie:
                return True
            self._error(401, "unauthorised", "The token is missing or wrong.", "homeport open")
            return False

        def _data(self, path: str, query: dict[str, str]) -> None:
            api.calls.append(("GET", self.path))
            limit = int(query.get("limit", 50))
            words = path.split("/")
            try:
                if path == "/api/status":
                    self._answer(200, api.scene.status)
                elif path == "/api/conditions":
                    self._answer(200, api.scene.conditions)
                elif path == "/api/clients":
                    self._answer(200, [NetClient(name="alice", words=["127.0.1.1"])])
                elif path == "/api/conditions/profiles":
                    self._answer(200, PROFILES)
                elif path == "/api/requests":
                    before = int(query["before"]) if "before" in query else None
                    self._answer(200, api.search(query.get("filter", ""), limit, before))
                elif path == "/api/logs":
                    after = int(query.get("after", 0))
                    lines = [line for line in api.scene.logs if line.app == query.get("app", line.app)]
                    self._answer(200, [line for line in lines if line.id > after][-limit:])
                elif path == "/api/events":
                    api.search(query.get("filter", ""), 1, None)
                    self._events(query.get("kind", ""))
                elif words[2] == "requests" and int(words[3]) in api.scene.exchanges:
                    self._exchange(int(words[3]), words[4:])
                else:
                    self._error(404, "not-found", "No app, route or exchange has that name.")
            except _BadFilter as bad:
                self._error(400, "bad-usage", f"{bad} is not something to filter by.", "nearest: status")

        def _exchange(self, number: int, rest: list[str]) -> None:
            detail = api.scene.exchanges[number]
            if not rest:
                return self._answer(200, detail)
            body: Body = detail.request_body if rest[1] == "request" else detail.response_body
            data = base64.b64decode(body.base64) if body.base64 else (body.text or "").encode()
            plain = body.type if body.type != "image/svg+xml" else "application/octet-stream"
            headers = [("Content-Disposition", "attachment"), ("X-Homeport-Type", body.type)]
            self._send(200, data, plain, headers)
            return None

        def _act(self, words: list[str]) -> None:
            api.calls.append(("POST", self.path))
            if words[-1] == "link":
                return self._answer(200, {"url": f"http://homeport.localhost:62893/{'.'.join(words[2:])}?key=once"})
            app = next((app for app in api.scene.status.apps if words[2:4] == ["apps", app.route]), None)
            if app is None:
                return self._error(404, "not-found", "No app has that name.", "homeport status")
            app.state, app.pid = ("stopped", None) if words[4] == "stop" else ("ready", 5001)
            app.finding, app.exit_code = None, None
            self._answer(200, app)
            return None

        def _condition(self, spec: ConditionsSpec) -> None:
            api.calls.append(("POST", self.path))
            try:
                self._answer(200, api.condition(spec))
            except HomeportError as error:
                self._error(400, error.code, error.message, error.hint)

        def _events(self, kind: str) -> None:
            self.close_connection = True
            stream = [("Content-Type", "text/event-stream"), ("Cache-Control", "no-store"), ("Connection", "close")]
            self._head(200, stream)
            try:
                for piece in api.stream(kind):
                    self.wfile.write(piece)
                    self.wfile.flush()
            except OSError:
                pass

        def _file(self, path: str) -> None:
            file = FILES / (path.lstrip("/") or "index.html")
            if not file.is_file() or FILES not in file.resolve().parents:
                return self._send(404, b"", "text/plain", [])
            type_ = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
            headers = [("Content-Security-Policy", POLICY), ("Cache-Control", f"max-age={self.cached_s}")]
            self._send(200, file.read_bytes(), type_, headers)
            return None

        def _error(self, status: int, code: str, message: str, hint: str = "") -> None:
            self._answer(status, {"error": {"code": code, "message": message, "hint": hint}})

        def _answer(self, status: int, value: object, cookie: str = "") -> None:
            data = b"" if value is None else msgspec.json.encode(value)
            self._send(status, data, "application/json", [("Set-Cookie", cookie)] if cookie else [])

        def _send(self, status: int, data: bytes, type_: str, headers: list[tuple[str, str]]) -> None:
            length = [] if status == 204 else [("Content-Length", str(len(data)))]
            self._head(status, [("Content-Type", type_), *length, *headers])
            self.wfile.write(data)

        def _head(self, status: int, headers: list[tuple[str, str]]) -> None:
            self.send_response(status)
            for name, value in [*headers, ("X-Content-Type-Options", "nosniff")]:
                self.send_header(name, value)
            self.end_headers()

    return Handler


@contextmanager
def serving(scene: Scene, cached_s: int = 600) -> Iterator[FakeApi]:
    api = FakeApi(scene, cached_s)
    try:
        yield api
    finally:
        api.close()


def main() -> None:
    with serving(empty_scene() if "empty" in sys.argv[1:] else full_scene(), cached_s=0) as api:
        print(api.url(key=""), flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()

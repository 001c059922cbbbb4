"""The exchanges and log lines of the scene, as tables: one line each, however long, so that they can be compared."""
# ruff: noqa: E501

from __future__ import annotations

import base64
import struct
import zlib
from datetime import UTC, datetime, timedelta

from homeport.model.exchange import Body, ExchangeDetail, ExchangeSummary, Head, Message, Timings
from homeport.model.log import LogLine

NOW = datetime(2026, 3, 3, 14, 2, 11, 482_000, tzinfo=UTC)
JSON = "application/json; charset=utf-8"


def at(seconds: float) -> str:
    return (NOW + timedelta(seconds=seconds)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def png(width: int = 96, height: int = 64) -> bytes:
    """A small real picture: a sky that darkens towards the water."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(
        b"\0" + b"".join(bytes((250 - 3 * y, 190 - 2 * y + x // 3, 90 + 2 * y)) for x in range(width))
        for y in range(height)
    )
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def exchange(
    number: int,
    method: str,
    path: str,
    status: int,
    ms: float | None,
    *,
    route: str = "web",
    type_: str = "",
    size: int = 0,
    text: str | None = None,
    raw: bytes | None = None,
    sent: str | None = None,
    sent_type: str = JSON,
    ending: str = "complete",
    why: str = "",
    kind: str = "http",
    coding: str = "",
    process: str = "chromium (3988)",
    headers: list[tuple[str, str]] | None = None,
    messages: list[Message] | None = None,
) -> ExchangeDetail:
    """One exchange as the recording would tell it; what is not given is made up to fit."""
    host = "127.0.0.1:62893" if route == "web" else f"{route}.localhost:62893"
    wire = size or len((text or "").encode()) or len(raw or b"")
    summary = ExchangeSummary(
        id=number,
        kind=kind,
        route=route,
        client=f"127.0.0.1:{51_000 + number}",
        started=at(-240 + number * 9.37),
        method=method,
        host=host,
        path=path,
        status=status,
        type=type_.split(";")[0],
        duration_ms=ms,
        request_bytes=len((sent or "").encode()),
        response_bytes=wire,
        ending=ending,
        why=why,
        process=process,
    )
    total = ms if ms is not None else 0.0
    request_headers = [("Host", host), ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0 Safari/537.36")]
    request_headers += [("Accept", "*/*"), ("Accept-Encoding", "gzip, deflate, br, zstd"), *(headers or [])]
    if sent is not None:
        request_headers += [("Content-Type", sent_type), ("Content-Length", str(len(sent.encode())))]
    return ExchangeDetail(
        summary=summary,
        upstream={"web": "127.0.0.1:5173", "api": "127.0.0.1:18220"}.get(route, "127.0.0.1:27611"),
        reused=number % 3 == 0,
        request=Head(line=f"{method} {path} HTTP/1.1", headers=request_headers),
        request_body=_body(sent, None, sent_type if sent else "", "", 0),
        response=_answer(status, type_, coding, wire),
        response_body=_body(text, raw, type_, coding, size),
        timings=Timings(
            receive_head=min(0.3, total / 20),
            connect=0.0 if number % 3 == 0 else min(0.4, total / 10),
            send=total * 0.02,
            wait=None if status == 0 else total * 0.68,
            receive=None if ms is None or status == 0 else total * 0.3 - min(0.3, total / 20),
        ),
        messages=messages or [],
    )


def _body(text: str | None, raw: bytes | None, type_: str, coding: str, size: int) -> Body:
    if raw is not None:
        encoded = base64.b64encode(raw).decode()
        wire = size or len(raw)
        return Body(
            bytes_on_wire=wire, kept=len(raw), truncated=wire > len(raw), type=type_, coding=coding, base64=encoded
        )
    kept = len((text or "").encode())
    return Body(bytes_on_wire=size or kept, kept=kept, truncated=size > 65_536, type=type_, coding=coding, text=text)


REASONS = {101: "Switching Protocols", 200: "OK", 201: "Created", 204: "No Content", 302: "Found", 304: "Not Modified"}
REASONS |= {401: "Unauthorized", 404: "Not Found", 422: "Unprocessable Content", 500: "Internal Server Error"}
REASONS |= {502: "Bad Gateway"}


def _answer(status: int, type_: str, coding: str, size: int) -> Head:
    if not status:
        return Head()
    headers = [("date", "Tue, 03 Mar 2026 14:02:11 GMT"), ("server", "uvicorn")]
    if type_:
        headers += [("content-type", type_), ("content-length", str(size))]
    if coding:
        headers.append(("content-encoding", coding))
    if status == 302:
        headers += [("location", "/account"), ("set-cookie", "session=7f3a9c; HttpOnly; SameSite=Lax")]
    return Head(line=f"HTTP/1.1 {status} {REASONS[status]}", headers=headers)


PRODUCTS = (
    '{"items":[{"id":9007199254740993,"name":"Brass lantern","price":48.50,"stock":7,"tags":["lighting","outdoor"]},'
    '{"id":12,"name":"Mooring rope, 12 mm","price":1.90,"stock":0,"tags":[],"discontinued":null}],'
    '"page":2,"pages":14,"took_ms":3.1,"cached":false}'
)
TRACE = (
    '{"error":{"type":"IntegrityError","message":"duplicate key value violates unique constraint \\"orders_pkey\\"",'
    '"request_id":"b1946ac9"}}'
)
HTML = (
    "<!doctype html>\n<title>Shop</title>\n<script>alert('this must stay text')</script>\n<h1>Ship &amp; shore</h1>\n"
)
BEARER = ("Authorization", "Bearer eyJhbGciOiJFUzI1NiJ9.c2hvcA.c2lnbmF0dXJl")


def exchanges() -> list[ExchangeDetail]:
    html, js, css = "text/html; charset=utf-8", "text/javascript", "text/css"
    chat = [
        Message(at_ms=12.4, from_client=True, bytes=31, text='{"type":"join","room":"support"}'),
        Message(
            at_ms=14.1,
            from_client=False,
            bytes=74,
            text='{"type":"welcome","room":"support","people":["kim","ada","lin"],"unread":3}',
        ),
        Message(at_ms=2210.0, from_client=True, bytes=44, text='{"type":"say","text":"the lantern is lit"}'),
        Message(
            at_ms=2214.7,
            from_client=False,
            kind="binary",
            bytes=24,
            base64=base64.b64encode(bytes(range(65, 89))).decode(),
        ),
        Message(at_ms=15000.0, from_client=False, kind="ping", bytes=4, text="beat"),
    ]
    return [
        exchange(1, "GET", "/", 200, 18.2, type_=html, text=HTML),
        exchange(2, "GET", "/src/main.ts?t=1772546531", 200, 6.1, type_=js, text="import './app.css';\nmount('#app');\n"),
        exchange(3, "GET", "/src/app.css", 304, 1.4),
        exchange(4, "GET", "/lantern.png", 200, 3.2, type_="image/png", raw=png()),
        exchange(5, "GET", "/@vite/client", 101, None, kind="upgrade", ending="open", headers=[("Upgrade", "websocket"), ("Connection", "Upgrade")], messages=chat),
        exchange(6, "GET", "/v1/products?page=2&sort=-price", 200, 41.7, route="api", type_=JSON, text=PRODUCTS, headers=[BEARER]),
        exchange(7, "GET", "/v1/me", 401, 4.9, route="api", type_=JSON, text='{"error":"token expired"}', headers=[BEARER]),
        exchange(8, "POST", "/login", 302, 122.6, sent="user=kim%40shop.example&password=lantern+at+sea", sent_type="application/x-www-form-urlencoded", headers=[("Cookie", "theme=dark; visit=1")]),
        exchange(9, "GET", "/account", 200, 23.0, type_=html, text=HTML, headers=[("Cookie", "session=7f3a9c; theme=dark")]),
        exchange(10, "POST", "/v1/orders", 201, 88.3, route="api", type_=JSON, text='{"id":1187,"state":"new"}', sent='{"product":12,"count":40}', headers=[BEARER]),
        exchange(11, "POST", "/v1/orders", 500, 1431.9, route="api", type_=JSON, text=TRACE, sent='{"product":12,"count":40,"note":"it\'s urgent"}', headers=[BEARER]),
        exchange(12, "GET", "/v1/search?q=rope%2012mm&limit=50", 200, 812.4, route="api", type_=JSON, text=PRODUCTS, coding="gzip"),
        exchange(13, "GET", "/favicon.ico", 404, 1.1, type_="text/plain", text="Not found\n"),
        exchange(14, "POST", "/jobs", 502, 0.8, route="worker", type_=JSON, text='{"error":"app-exited"}', ending="unreachable", why="worker exited with code 1", process="python3 (4133)", sent="{}"),
        exchange(15, "GET", "/download/catalogue.pdf", 200, 2904.0, type_="application/pdf", raw=bytes(range(256)) * 4, size=148_220_113),
        exchange(16, "GET", "/v1/report?year=2025", 0, 30001.2, route="api", ending="client-gone", why="the client closed before it had its answer", process="curl (4410)"),
        exchange(17, "PUT", "/v1/products/12", 422, 12.0, route="api", type_=JSON, text='{"errors":[{"field":"price","message":"must be positive"}]}', sent='{"price":-1}', headers=[BEARER]),
        exchange(18, "DELETE", "/v1/cart/items/3", 204, 9.6, route="api", headers=[BEARER]),
        exchange(19, "GET", "/v1/events", 200, None, route="api", type_="text/event-stream", ending="open", text="event: tick\ndata: 1\n\n"),
        exchange(20, "GET", "/src/components/ProductGallery.vue?vue&type=style&index=0&scoped=7a7a37b1&lang.css", 200, 7.7, type_=css, text=".gallery { display: grid }\n"),
        exchange(21, "", "127.0.0.1:5432", 0, 61_240.0, route="postgres", kind="tcp", size=48_211, process="python3 (4133)"),
    ]  # fmt: skip


def logs() -> list[LogLine]:
    said = [
        ("web", "homeport", "started: npm run dev"),
        ("web", "out", ""),
        ("web", "out", "> shop@1.4.0 dev"),
        ("web", "out", "> vite"),
        ("web", "out", "  \x1b[32m\x1b[1mVITE\x1b[22m v6.2.0\x1b[39m  \x1b[2mready in \x1b[0m\x1b[1m412\x1b[22m\x1b[2m ms\x1b[22m"),
        ("web", "out", "  \x1b[32m➜\x1b[39m  \x1b[1mLocal\x1b[22m:   \x1b[36mhttp://127.0.0.1:\x1b[1m5173\x1b[22m/\x1b[39m"),
        ("web", "homeport", "ready on 127.0.0.1:5173; http://web.localhost:62893/"),
        ("api", "homeport", "started: uvicorn shop.api:app --port 18220"),
        ("api", "err", "\x1b[32mINFO\x1b[0m:     Started server process [\x1b[36m4133\x1b[0m]"),
        ("api", "err", "\x1b[32mINFO\x1b[0m:     Uvicorn running on \x1b[1mhttp://0.0.0.0:18220\x1b[0m (Press CTRL+C to quit)"),
        ("api", "out", '\x1b[32mINFO\x1b[0m:     127.0.0.1:51006 - "\x1b[1mGET /v1/products?page=2 HTTP/1.1\x1b[0m" \x1b[32m200 OK\x1b[0m'),
        ("api", "out", '\x1b[32mINFO\x1b[0m:     127.0.0.1:51007 - "\x1b[1mGET /v1/me HTTP/1.1\x1b[0m" \x1b[31m401 Unauthorized\x1b[0m'),
        ("worker", "homeport", "started: node worker.js"),
        ("worker", "err", "node:internal/modules/cjs/loader:1228"),
        ("worker", "err", "  throw err;"),
        ("worker", "err", "\x1b[1m\x1b[31mError: Cannot find module 'bullmq'\x1b[39m\x1b[22m"),
        ("worker", "err", "\x1b[90m    at Module._resolveFilename (node:internal/modules/cjs/loader:1225:15)\x1b[39m"),
        ("worker", "err", "Node.js v20.19.0"),
        ("worker", "homeport", "exited with code 1 after 0.4 s"),
        ("web", "out", "\x1b[2m14:01:52\x1b[0m \x1b[36m\x1b[1m[vite]\x1b[22m\x1b[39m \x1b[32mhmr update \x1b[39m\x1b[2m/src/components/ProductGallery.vue\x1b[22m"),
        ("api", "err", "\x1b[33mWARNING\x1b[0m:  slow query (1398 ms): INSERT INTO orders (product, count, note) VALUES ($1, $2, $3)"),
        ("api", "err", "\x1b[38;5;203mERROR\x1b[0m:    IntegrityError: duplicate key value violates unique constraint \"orders_pkey\""),
        ("api", "out", "<b>markup in a log line stays text</b> \x1b]8;;javascript:alert(1)\x07link\x1b]8;;\x07"),
    ]  # fmt: skip
    return [
        LogLine(id=number, app=app, at=at(-300 + number * 11), stream=stream, text=text)
        for number, (app, stream, text) in enumerate(said, 1)
    ]

"""An exchange: one request and its response (or one connection) as it passed.

`Exchange` is what the road fills while the visit lasts; its one owner is the visit, and the tap gets it when it ends.
`ExchangeSummary` and `ExchangeDetail` are what the recording answers with.
"""

from __future__ import annotations

import msgspec

from homeport.model.conditions_felt import ConditionsFelt

# How an exchange ended.
COMPLETE = "complete"
CLIENT_GONE = "client-gone"  # the client closed or reset before it had its answer
UPSTREAM_GONE = "upstream-gone"  # the upstream closed or reset in the middle of its answer
UNREACHABLE = "unreachable"  # no upstream could be dialled: answered with 502, 503 or 504 by the door
REFUSED = "refused"  # the door did not let it pass: 400, 421, 508 and kin
ENGINE_GONE = "engine-gone"  # the engine itself ended while it ran
OPEN = "open"  # still running

ENDINGS = (COMPLETE, CLIENT_GONE, UPSTREAM_GONE, UNREACHABLE, REFUSED, ENGINE_GONE, OPEN)


class Exchange(msgspec.Struct, array_like=True, gc=False):
    """Raw material: heads and bodies are the bytes as they passed, chunked framing and content coding included.

    Times are seconds of the monotonic clock (`time.perf_counter`), 0.0 where that moment never came.
    Bodies hold at most the tap's `body_limit` bytes; `request_bytes` and `response_bytes` count all of them.
    """

    id: int
    kind: str = "http"  # "http", "upgrade" (WebSocket and kin, once 101 has passed), "tcp", "udp"
    route: str = ""
    client: str = ""  # "127.0.0.1:53211"
    upstream: str = ""  # "127.0.0.1:21345", "unix:/run/app.sock"
    opened_s: float = 0.0  # first byte of the request (for TCP: accepted)
    head_s: float = 0.0  # request head complete
    dialled_s: float = 0.0  # upstream connection at hand
    sent_s: float = 0.0  # request body wholly passed on
    answered_s: float = 0.0  # first byte of the final response head
    closed_s: float = 0.0
    request_head: bytes = b""  # as the client sent it
    response_head: bytes = b""  # as the upstream sent it, or as the door answered
    request_body: list[bytes] = []
    response_body: list[bytes] = []
    request_bytes: int = 0
    response_bytes: int = 0
    reused: bool = False  # the upstream connection came from the pool
    ending: str = OPEN
    why: str = ""  # the sentence behind an ending other than "complete"
    server_port: int = 0  # the port that the client came to; 0: the door's
    scheme: str = "http"  # "https" where the client came over TLS; "" for what is not HTTP
    conditions: ConditionsFelt | None = None  # what network conditions decided; None: there were none
    version: str = "1.1"  # of HTTP, which the client spoke: or "2", whose heads are written down as HTTP/1.1 has them


class ExchangeSummary(msgspec.Struct, kw_only=True, omit_defaults=False):
    """One line of `homeport requests`. Durations in milliseconds, sizes in bytes on the wire."""

    id: int
    kind: str
    route: str
    client: str
    started: str  # ISO 8601, UTC, microseconds
    method: str = ""
    scheme: str = "http"  # or "https"; "" for TCP
    version: str = "1.1"  # of HTTP: "1.1" (1.0 among it) or "2"; "" for TCP
    host: str = ""
    path: str = ""  # with its query; for TCP the upstream
    status: int = 0  # 0: no answer yet, or none at all
    type: str = ""  # media type of the response
    duration_ms: float | None = None  # None while it runs
    request_bytes: int = 0
    response_bytes: int = 0
    ending: str = OPEN
    why: str = ""
    process: str = ""  # the client's process, "curl (4121)", where known
    conditions: str = ""  # the network that it felt, "3g latency=200ms rate=500kbit"; "": as it is


class Body(msgspec.Struct, kw_only=True):
    """What was kept of one body, chunked framing and content coding removed where that was possible."""

    bytes_on_wire: int = 0
    kept: int = 0
    truncated: bool = False
    type: str = ""
    coding: str = ""  # content coding as it passed: "gzip", "br" …
    text: str | None = None  # exactly one of text and base64 is set, unless the body is empty
    base64: str | None = None


class Message(msgspec.Struct, kw_only=True):
    """One WebSocket message, one datagram, or one run of bytes of another upgraded connection."""

    at_ms: float  # since the exchange started
    from_client: bool
    kind: str = "text"  # "text", "binary", "close", "ping", "pong", "raw"
    bytes: int = 0
    text: str | None = None
    base64: str | None = None


class Head(msgspec.Struct, kw_only=True):
    """First line and headers in wire order and wire case."""

    line: str = ""
    headers: list[tuple[str, str]] = []


class Timings(msgspec.Struct, kw_only=True):
    """Milliseconds of each phase; None where the phase did not happen."""

    receive_head: float | None = None  # first byte of the request to the end of its head
    connect: float | None = None  # finding and dialling the upstream; 0.0 when pooled
    send: float | None = None  # passing the request on
    wait: float | None = None  # until the first byte of the answer
    receive: float | None = None  # until the end


class ExchangeDetail(msgspec.Struct, kw_only=True):
    """What `homeport show ID` shows."""

    summary: ExchangeSummary
    upstream: str = ""
    reused: bool = False
    request: Head
    request_body: Body
    response: Head
    response_body: Body
    timings: Timings
    messages: list[Message] = []
    messages_lost: int = 0
    conditions: ConditionsFelt | None = None  # what network conditions decided; None: there were none

"""HTTP/1.1 heads and framing (RFC 9112): bytes in, frozen facts out.

Strategy: one regular expression accepts a whole head or nothing, so there is no lenient path to disagree about; a
second one picks out the few fields that decide the way. Whatever two readers could read in two ways is refused. Bodies
are not held here and nothing here waits: callers keep what is not consumed yet and come back with more.
"""

from __future__ import annotations

import re
from enum import IntEnum

HEAD_LIMIT_BYTES = 64 * 1024  # nginx allows 32 KiB in four buffers, Node 16 KiB; large cookies on localhost are common
CHUNK_LINE_LIMIT_BYTES = 1024
TRAILERS_LIMIT_BYTES = 16 * 1024

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_VALUE = rb"[\t -~\x80-\xff]*"
# Possessive (`*+`): nothing here can match in a second way, and not trying to saves a third of the time.
_FIELDS = rb"(?:" + _TOKEN + rb"+:" + _VALUE + rb"+\r\n)*+\r\n"
_REQUEST = re.compile(rb"(" + _TOKEN + rb"+) ([!-~\x80-\xff]++) HTTP/1\.([01])\r\n" + _FIELDS)
_RESPONSE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9][0-9])(?: (" + _VALUE + rb"+))?+\r\n" + _FIELDS)
_FIELD = re.compile(rb"(" + _TOKEN + rb"):[ \t]*(" + _VALUE + rb")\r\n")
_ANY_VERSION = re.compile(rb"[^\r\n]* HTTP/([0-9])\.[0-9]\r\n")
_BARE_LINE_END = re.compile(rb"(?<!\r)\n|\r(?!\n|\Z)")

# The fields that decide the way, or that stop here (RFC 9110 section 7.6.1, and what a front door must not pass on from
# a client: the X-Forwarded family, Forwarded, X-Real-IP, Proxy; also with underscores, which WSGI and CGI take for
# hyphens). The look-ahead on the first letter halves the search.
_DECIDING = re.compile(
    rb"\n(?=[hctuekpfxHCTUEKPFX])((host|connection|content-length|transfer-encoding|upgrade|expect|te|keep-alive"
    rb"|cdn-loop|http2-settings|proxy|proxy-connection|proxy-authorization|forwarded|x[-_]forwarded[-_][^:]*|x[-_]real[-_]ip)"
    rb":[ \t]*([^\r]*))",
    re.IGNORECASE,
)
_ANSWER_DECIDING = re.compile(
    rb"\n(?=[ctukpCTUKP])((connection|content-length|transfer-encoding|upgrade|keep-alive|proxy-connection)"
    rb":[ \t]*([^\r]*))",
    re.IGNORECASE,
)
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[^\x00-\x08\x0a-\x1f\x7f]*)?\r\n")
_CHUNK_LINE_SO_FAR = re.compile(rb"[0-9A-Fa-f]{0,15}(?:[ \t]*;[^\x00-\x08\x0a-\x1f\x7f]*|[ \t]*)?\r?")
NEVER_TRAILING = frozenset({b"content-length", b"transfer-encoding", b"host", b"trailer"})  # RFC 9110 section 6.5.1


class Body(IntEnum):
    """How long a body is when it is not a number of bytes."""

    NONE = 0
    CHUNKED = -1
    UNTIL_CLOSE = -2


class BadMessage(Exception):  # noqa: N818 - the peer's mistake, named after what it sent
    """Bytes that are not HTTP/1.x as we accept it. `status` is the answer they deserve, `why` one clause."""

    def __init__(self, why: str, status: int = 400) -> None:
        super().__init__(why)
        self.why = why
        self.status = status


class RequestHead:
    """A request head and what follows from it. `raw` ends with the empty line."""

    # Defaults stand on the class: most requests set few of them, and one is made for each request.
    host = b""
    body: int = Body.NONE
    connection: tuple[bytes, ...] = ()  # lower-case options of the Connection field
    upgrade = b""  # the protocol asked for, b"" when there is none or we do not pass it on
    te_trailers = False
    loops = b""  # the CDN-Loop fields (RFC 8586)
    dropped: tuple[bytes, ...] = ()  # the field lines that are not passed on
    takes_chunks = True  # chunked framing means something to the client: HTTP/1.0 has none, nor has HTTP/2

    def __init__(self, raw: bytes, method: bytes, target: bytes, is_http11: bool) -> None:
        self.raw = raw
        self.method = method
        self.target = target
        self.is_http11 = is_http11
        self.keep_alive = is_http11
        if not is_http11:
            self.takes_chunks = False

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        return fields(self.raw)


class ResponseHead:
    """A response head and what follows from it. `raw` ends with the empty line."""

    body: int = Body.UNTIL_CLOSE
    keep_alive_s: float | None = None  # what `Keep-Alive: timeout=` promises
    connection: tuple[bytes, ...] = ()
    dropped: tuple[bytes, ...] = ()

    def __init__(self, raw: bytes, status: int, reason: bytes, is_http11: bool) -> None:
        self.raw = raw
        self.status = status
        self.reason = reason
        self.is_http11 = is_http11
        self.keep_alive = is_http11

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        return fields(self.raw)


def fields(head: bytes) -> list[tuple[bytes, bytes]]:
    """Names and values in wire order and case, white space around values removed. For heads that were accepted."""
    first_line_end = head.find(b"\r\n") + 2
    return [(name, value.rstrip(b" \t")) for name, value in _FIELD.findall(head, first_line_end)]


def check_unfinished_head(data: bytes) -> None:
    """Raises BadMessage when `data`, a head that has not ended yet, can never become one."""
    if len(data) > HEAD_LIMIT_BYTES:
        raise _too_large()
    if _BARE_LINE_END.search(data):
        raise BadMessage("a line ends in a bare CR or LF")


def parse_request_head(raw: bytes) -> RequestHead:
    """Read a head that ends with its empty line. Raises BadMessage."""
    if len(raw) > HEAD_LIMIT_BYTES:
        raise _too_large()
    match = _REQUEST.fullmatch(raw)
    if match is None:
        raise _why_not_a_request(raw)
    method, target, minor = match.groups()
    head = RequestHead(raw, method, target, minor == b"1")
    length: bytes | None = None
    coding: bytes | None = None
    host: bytes | None = None
    upgrade = b""
    for line, name, value in _DECIDING.findall(raw):
        name = name.lower()
        if name == b"host":
            host = _only(host, value, "Host")
        elif name == b"content-length":
            length = _only(length, value, "Content-Length")
        elif name == b"transfer-encoding":
            coding = _only(coding, value, "Transfer-Encoding").lower()
        elif name == b"expect":
            if value.rstrip(b" \t").lower() != b"100-continue":
                raise BadMessage("the expectation is not 100-continue", 417)
        else:
            head.dropped += (line,)
            if name == b"connection":
                head.connection += _options(value)
            elif name == b"upgrade":
                upgrade = value.rstrip(b" \t")
            elif name == b"te":
                head.te_trailers = b"trailers" in _options(value)
            elif name == b"cdn-loop":
                head.loops += b"," + value
    if method == b"CONNECT" and target.startswith(b"/"):
        # A 2xx answer to it is a tunnel to some readers and has a body to others (RFC 9110 section 9.3.6).
        raise BadMessage("this door is no forward proxy", 501)
    if head.connection:
        _settle_connection(head, upgrade)
    if length is not None or coding is not None:
        head.body = _framing(length, coding, head.is_http11)
    _place(head, host)
    return head


def _settle_connection(head: RequestHead, upgrade: bytes) -> None:
    options = head.connection
    if b"close" in options:
        head.keep_alive = False
    elif b"keep-alive" in options:
        head.keep_alive = True
    # Switching to HTTP/2 this way is deprecated (RFC 9113 section 3.1) and would blind the door.
    if upgrade and b"upgrade" in options and head.is_http11 and not upgrade.lower().startswith(b"h2"):
        head.upgrade = upgrade


def _place(head: RequestHead, host: bytes | None) -> None:
    """Settle who is meant: the Host field and the four forms of a request target (RFC 9112 section 3.2)."""
    target = head.target
    if host is None:
        if head.is_http11:
            raise BadMessage("the Host field is missing")
        host = b""
    if not target.startswith(b"/") and target != b"*":
        scheme, found, rest = target.partition(b"://")
        if not found or scheme.lower() not in (b"http", b"https", b"ws", b"wss"):
            raise BadMessage("the request target is neither a path nor a URL")
        authority, slash, path = rest.partition(b"/")
        authority, question, query = authority.partition(b"?")
        if host and host.lower() != authority.lower():
            raise BadMessage("the URL and the Host field name different hosts")
        host = authority
        head.target = slash + path if slash else b"/" + question + query
    head.host = host


def parse_response_head(raw: bytes, request_method: bytes = b"GET") -> ResponseHead:
    """Read a head that ends with its empty line; `request_method` decides whether a body follows. Raises BadMessage."""
    if len(raw) > HEAD_LIMIT_BYTES:
        raise _too_large()
    match = _RESPONSE.fullmatch(raw)
    if match is None:
        raise BadMessage("it is not an HTTP/1.x response")
    minor, status, reason = match.groups()
    head = ResponseHead(raw, int(status), reason or b"", minor == b"1")
    length: bytes | None = None
    coding: bytes | None = None
    for line, name, value in _ANSWER_DECIDING.findall(raw):
        name = name.lower()
        if name == b"content-length":
            length = _only(length, value, "Content-Length")
        elif name == b"transfer-encoding":
            coding = _only(coding, value, "Transfer-Encoding").lower()
        else:
            head.dropped += (line,)
            if name == b"connection":
                head.connection += _options(value)
            elif name == b"keep-alive":
                head.keep_alive_s = _keep_alive_timeout(value)
    if head.connection:
        head.keep_alive = b"close" not in head.connection and (head.is_http11 or b"keep-alive" in head.connection)
    code = head.status
    if request_method == b"HEAD" or code in (204, 304) or code < 200:
        head.body = Body.NONE
    elif length is not None or coding is not None:
        head.body = _framing(length, coding, head.is_http11)
    else:
        head.keep_alive = False
    return head


def without_dropped(head: RequestHead | ResponseHead) -> bytes:
    """The whole head as it came, without the fields that are not passed on."""
    raw = head.raw
    for line in head.dropped:
        raw = raw.replace(b"\n" + line + b"\r", b"")
    for option in head.connection:
        if option not in _PLAIN_OPTIONS:
            raw = re.sub(rb"\n" + re.escape(option) + rb":[^\r]*\r(?=\n)", b"", raw, flags=re.IGNORECASE)
    return raw


class ChunkedBody:
    """Chunked framing (RFC 9112 section 7.1). `is_done` once the last chunk and its `trailers` were consumed."""

    __slots__ = ("_in_trailers", "_left", "_trailer_bytes", "is_done", "trailers")

    def __init__(self) -> None:
        self._left = 0  # bytes of the current chunk still to come, its CRLF included
        self._in_trailers = False
        self._trailer_bytes = 0
        self.trailers: list[tuple[bytes, bytes]] = []
        self.is_done = False

    def feed(self, data: bytes, payload: list[bytes] | None = None) -> int:
        """How many bytes of `data` belong to the body so far; give the rest again with what follows it.

        The content itself is appended to `payload` where one is given. Raises BadMessage.
        """
        at = 0
        size = len(data)
        while at < size and not self.is_done:
            if self._left:
                at = self._through_chunk(data, at, payload)
                if self._left == 2:
                    break
                continue
            line = self._trailer(data, at) if self._in_trailers else self._chunk_line(data, at)
            if not line:
                break
            at += line
        return at

    def _through_chunk(self, data: bytes, at: int, payload: list[bytes] | None) -> int:
        """Take what is there of the content; its CRLF only as a whole (`_left` stays 2 while it is awaited)."""
        taken = min(self._left - 2, len(data) - at)
        if payload is not None and taken > 0:
            payload.append(data[at : at + taken])
        at += taken
        self._left -= taken
        if self._left == 2 and len(data) - at >= 2:
            if data[at : at + 2] != b"\r\n":
                raise BadMessage("a chunk is longer than it says")
            self._left = 0
            return at + 2
        if self._left == 2 and len(data) > at and data[at] != 13:
            raise BadMessage("a chunk is longer than it says")
        return at

    def _chunk_line(self, data: bytes, at: int) -> int:
        match = _CHUNK_LINE.match(data, at)
        if match is None:
            self._check_unfinished(data, at, CHUNK_LINE_LIMIT_BYTES, _CHUNK_LINE_SO_FAR)
            return 0
        if match.end() - at > CHUNK_LINE_LIMIT_BYTES:
            raise BadMessage("a chunk size is malformed")
        length = int(match[1], 16)
        if length:
            self._left = length + 2
        else:
            self._in_trailers = True
        return match.end() - at

    def _trailer(self, data: bytes, at: int) -> int:
        if data.startswith(b"\r\n", at):
            self.is_done = True
            return 2
        match = _FIELD.match(data, at)
        if match is None:
            if data.find(b"\n", at) >= 0 or len(data) - at > TRAILERS_LIMIT_BYTES:
                raise BadMessage("the trailers are malformed")
            return 0
        self._trailer_bytes += match.end() - at
        if self._trailer_bytes > TRAILERS_LIMIT_BYTES:
            raise BadMessage("the trailers are too large", 431)
        if match[1].lower() in NEVER_TRAILING:
            raise BadMessage("a trailer would change the framing")
        self.trailers.append((match[1], match[2].rstrip(b" \t")))
        return match.end() - at

    @staticmethod
    def _check_unfinished(data: bytes, at: int, limit: int, so_far: re.Pattern[bytes]) -> None:
        if len(data) - at > limit or so_far.fullmatch(data, at) is None:
            raise BadMessage("a chunk size is malformed")


def _only(before: bytes | None, value: bytes, name: str) -> bytes:
    """The value of a field that may stand there once."""
    if before is not None:
        raise BadMessage(f"there are two {name} fields")
    return value.rstrip(b" \t")


def _framing(length: bytes | None, coding: bytes | None, is_http11: bool) -> int:
    """The length of a body (RFC 9112 section 6.3), refusing what smuggling is made of."""
    if coding is not None:
        if length is not None:
            raise BadMessage("there are both Content-Length and Transfer-Encoding")
        if not is_http11:
            raise BadMessage("HTTP/1.0 knows no Transfer-Encoding")
        if coding != b"chunked":
            raise BadMessage("the transfer coding is not chunked", 501)
        return Body.CHUNKED
    if length is None or not length.isdigit() or len(length) > 18:
        raise BadMessage("the Content-Length is not a number")
    return int(length)


# What a Connection field may say without naming a field to drop; the last three would change the framing.
_PLAIN_OPTIONS = frozenset(
    {b"", b"close", b"keep-alive", b"upgrade", b"te", b"host", b"content-length", b"transfer-encoding"}
)


def _options(value: bytes) -> tuple[bytes, ...]:
    value = value.lower()
    if b"," not in value:
        return (value.strip(b" \t"),)
    return tuple(option.strip(b" \t") for option in value.split(b","))


def _keep_alive_timeout(value: bytes) -> float | None:
    match = re.search(rb"timeout=([0-9]{1,6})", value, re.IGNORECASE)
    return float(match[1]) if match else None


def _too_large() -> BadMessage:
    return BadMessage(f"the head is larger than {HEAD_LIMIT_BYTES // 1024} KiB", 431)


def _why_not_a_request(raw: bytes) -> BadMessage:
    version = _ANY_VERSION.match(raw)
    if version and version[1] != b"1":
        return BadMessage("the HTTP version is not 1.0 or 1.1", 505)
    if _BARE_LINE_END.search(raw):
        return BadMessage("a line ends in a bare CR or LF")
    if b"\r\n " in raw or b"\r\n\t" in raw:
        return BadMessage("a header is folded over two lines")
    first_line = raw.partition(b"\r\n")[0]
    if not re.fullmatch(_TOKEN + rb" [!-~\x80-\xff]+ HTTP/1\.[01]", first_line):
        return BadMessage("the first line is not a request line")
    return BadMessage("a header line is malformed")

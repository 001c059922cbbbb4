"""One GET, as a client sends it, and what came back. It follows no redirect and reads no more than a beginning.

The doctor asks with HTTP/1.1 and `Connection: close`: what is looked at is who answers, not how well.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Mapping

from homeport.doctor.facts import Answer
from homeport.doctor.gather_reach import open_to
from homeport.model.endpoint import Endpoint

LIMIT_S = 4.0
_READ_BYTES = 16_384
_KEPT_CHARS = 4_000
_BEGINS = b"HTTP/1."
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})[ ]?([^\r\n]*)\r?\n")

# Servers that log an attack, or close, when they are sent a GET.
NOT_HTTP = frozenset({21, 22, 23, 25, 53, 110, 143, 389, 465, 587, 993, 995, 1433, 3306, 5432, 5672, 6379, 27017})


def get(
    endpoint: Endpoint,
    host: str,
    path: str = "/",
    *,
    is_tls: bool = False,
    headers: Mapping[str, str] | None = None,
    limit_s: float = LIMIT_S,
    uid: int | None = None,
) -> Answer:
    """`host` is the Host header. A path that begins with http:// asks a proxy. `uid`: see gather_reach.open_to."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "User-Agent: homeport-doctor", "Accept: text/html,*/*;q=0.8"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    request = "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1", "replace")
    started = time.perf_counter()
    ends_s = started + limit_s
    data, end = b"", ""
    try:
        with _connect(endpoint, host, is_tls, limit_s, uid) as client:
            client.sendall(request)
            data, end = _receive(client, ends_s)
    except TimeoutError:
        end = "timeout"
    except ConnectionResetError:
        end = "reset"
    except OSError:
        end = "unreachable"
    return _answer(data, end, host, (time.perf_counter() - started) * 1000)


def _connect(endpoint: Endpoint, host: str, is_tls: bool, limit_s: float, uid: int | None) -> socket.socket:
    plain = open_to(endpoint, limit_s, uid)
    if not is_tls:
        return plain
    import ssl

    # Trust was looked at before; here it is about the answer.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        return context.wrap_socket(plain, server_hostname=host.rpartition(":")[0] or host)
    except BaseException:
        plain.close()
        raise


def _receive(client: socket.socket, ends_s: float) -> tuple[bytes, str]:
    """The beginning of the answer, and how it ended where nothing came."""
    data = b""
    while len(data) < _READ_BYTES:
        left_s = ends_s - time.perf_counter()
        if left_s <= 0:
            return data, "" if data else "timeout"
        client.settimeout(left_s)
        try:
            chunk = client.recv(_READ_BYTES)
        except TimeoutError:
            return data, "" if data else "timeout"
        except ConnectionResetError:
            return data, "" if data else "reset"
        if not chunk:
            return data, "" if data else "closed"
        data += chunk
        if _is_whole(data):
            break
    return data, ""


def _is_whole(data: bytes) -> bool:
    """Whether the body is there, where its length was told, or it cannot become HTTP any more.

    A server may leave the connection open all the same.
    """
    if not data.startswith(_BEGINS[: len(data)]):
        return True
    head, blank, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head) if blank else None
    return bool(length and len(body) >= int(length[1]))


def _answer(data: bytes, end: str, host: str, ms: float) -> Answer:
    match = _STATUS.match(data)
    if not match:
        text = data[:200].decode("latin-1")
        return Answer(is_http=not data, body=text, end=end, ms=ms, host=host)  # type: ignore[arg-type]
    head, _, body = data.partition(b"\r\n\r\n")
    headers = dict(re.findall(r"(?m)^([\w-]+):[ \t]*(.*?)\r?$", head.decode("latin-1")))
    fields = {name.lower(): value for name, value in headers.items()}
    return Answer(
        status=int(match[1]),
        reason=match[2].decode("latin-1").strip(),
        server=", ".join(filter(None, (fields.get("server"), fields.get("x-powered-by")))),
        type=fields.get("content-type", ""),
        location=fields.get("location", ""),
        body=body.decode("utf-8", "replace")[:_KEPT_CHARS],
        ms=ms,
        host=host,
    )

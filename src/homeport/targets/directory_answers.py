"""Answers to a request for a file or for a page made here: conditional requests, gzip, and ranges (by FileResponse).

A compressed answer is another representation of the same file: it has the weak form of the ETag, and no ranges.
Nothing here decides what a path means.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import re
import zlib
from collections.abc import AsyncIterator
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response, StreamingResponse

from homeport.targets.directory_paths import File
from homeport.targets.directory_types import is_compressible, media_type

SMALL_BYTES = 1024  # below this gzip's frame and the processor's time outweigh what it saves (one packet either way)
WHOLE_BYTES = 1024 * 1024  # up to this a file is compressed at once and has a Content-Length; above it is streamed
CHUNK_BYTES = 256 * 1024  # and up to this a file is read at once: FileResponse visits a thread five times
LEVEL = 5  # 6 saves 1 % more for a third more time
DEVELOPMENT = "no-cache"  # kept, but asked about each time: an edit is seen at the next request
_TAG = re.compile(r'(?:W/)?("[^"]*")')


async def file_answer(file: File, request: Headers, status: int = 200) -> Response:
    """The file, a part of it, or 304."""
    kind = media_type(file.path)
    facts = file.stat
    tag = f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"'
    headers = {"cache-control": DEVELOPMENT, "last-modified": formatdate(facts.st_mtime, usegmt=True), "etag": tag}
    packed = False
    if is_compressible(kind):
        headers["vary"] = "Accept-Encoding"
        packed = facts.st_size >= SMALL_BYTES and "range" not in request and accepts_gzip(request)
    if packed:
        headers["etag"] = f"W/{tag}"
    if status == 200 and is_unchanged(request, tag, facts.st_mtime):
        return Response(status_code=304, headers=headers)
    if packed:
        headers["content-encoding"] = "gzip"
        return await _packed_file(file, kind, status, headers)
    if facts.st_size <= CHUNK_BYTES and "range" not in request:
        headers["accept-ranges"] = "bytes"
        return Response(await asyncio.to_thread(Path(file.path).read_bytes), status, headers, media_type=kind)
    return FileResponse(file.path, status_code=status, headers=headers, media_type=kind, stat_result=facts)


async def page_answer(
    body: bytes, kind: str, request: Headers, *, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """A page made in memory. Its ETag is weak: what is compared is the page before compression."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
    headers = {"cache-control": DEVELOPMENT, **(headers or {}), "etag": f"W/{tag}"}
    headers["vary"] = ", ".join(filter(None, [headers.get("vary"), "Accept-Encoding"]))
    if status == 200 and is_unchanged(request, tag, None):
        return Response(status_code=304, headers=headers)
    if len(body) >= SMALL_BYTES and accepts_gzip(request):
        headers["content-encoding"] = "gzip"
        body = await asyncio.to_thread(gzip.compress, body, LEVEL, mtime=0)
    return Response(body, status, headers, media_type=kind)


def is_unchanged(request: Headers, tag: str, modified_s: float | None) -> bool:
    """Whether the client's copy is good (RFC 9110 13.2.2): If-None-Match decides, If-Modified-Since only without it."""
    wanted = request.get("if-none-match")
    if wanted is not None:
        return wanted.strip() == "*" or tag in _TAG.findall(wanted)
    since = request.get("if-modified-since")
    if since is None or modified_s is None:
        return False
    try:
        return int(modified_s) <= parsedate_to_datetime(since).timestamp()
    except (ValueError, OverflowError):
        return False  # RFC 9110 13.1.3: a date that cannot be read is ignored


def accepts_gzip(request: Headers) -> bool:
    """Whether gzip is named, or meant by `*`, with a weight above 0 (RFC 9110 12.5.3)."""
    weights: dict[str, bool] = {}
    for part in request.get("accept-encoding", "").lower().split(","):
        coding, *parameters = (word.strip() for word in part.split(";"))
        weights[coding] = not any(re.fullmatch(r"q=0(\.0{0,3})?", word) for word in parameters)
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", False)))


async def _packed_file(file: File, kind: str, status: int, headers: dict[str, str]) -> Response:
    if file.stat.st_size > WHOLE_BYTES:
        return StreamingResponse(_packed_chunks(file.path), status, headers, media_type=kind)
    body = await asyncio.to_thread(_packed_whole, file.path)
    return Response(body, status, headers, media_type=kind)


def _packed_whole(path: str) -> bytes:
    return gzip.compress(Path(path).read_bytes(), LEVEL, mtime=0)


async def _packed_chunks(path: str) -> AsyncIterator[bytes]:
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS)  # 16: with a gzip frame
    with open(path, "rb") as file:  # noqa: ASYNC230 - a local open takes microseconds; reading is done in the thread

        def step() -> bytes | None:
            chunk = file.read(CHUNK_BYTES)
            return packer.compress(chunk) if chunk else None

        while (packed := await asyncio.to_thread(step)) is not None:
            if packed:
                yield packed
    yield packer.flush()

"""The ASGI application of one served directory: asks what a path means, and answers with the file or a page about it.

It answers GET and HEAD alone, and it never writes.
"""

from __future__ import annotations

import asyncio
from email.utils import formatdate
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from homeport.model.app import Serve
from homeport.targets import directory_listing as pages
from homeport.targets import directory_reload as reload
from homeport.targets.directory_answers import file_answer, page_answer
from homeport.targets.directory_paths import File, Found, Listing, Redirect, Refused, look_up
from homeport.targets.directory_types import media_type

LARGEST_PAGE_BYTES = 16 * 1024 * 1024  # above this a page is not held in memory to get its script tag


class DirectoryApp:
    """Serves `serve.directory`."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self._changes = reload.Changes(serve.directory) if serve.reload else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(raw=message["headers"])["date"] = formatdate(usegmt=True)
            await send(message)

        response = await self._answer(scope)
        await response(scope, receive, send_dated)

    async def close(self) -> None:
        if self._changes is not None:
            await self._changes.close()

    async def _answer(self, scope: Scope) -> Response:
        request = Headers(scope=scope)
        if scope["method"] not in ("GET", "HEAD"):
            why = f"A served directory answers GET and HEAD, not {scope['method']}."
            return await self._refuse(Refused(405, why), request, {"allow": "GET, HEAD"})
        raw_path: bytes = scope["raw_path"]
        if self._changes is not None and raw_path.startswith(reload.PREFIX.encode()):
            return await self._reload_part(self._changes, raw_path, scope["query_string"], request)
        spa = self._serve.spa and wants_page(request)
        listing = self._serve.listing and not self._serve.spa
        found = await asyncio.to_thread(look_up, self._serve.directory, raw_path, spa=spa, listing=listing)
        try:
            return await self._answer_with(found, raw_path, scope["query_string"], request)
        except FileNotFoundError:
            return await self._refuse(Refused(404, "The file was deleted just now."), request)

    async def _answer_with(self, found: Found, raw_path: bytes, query: bytes, request: Headers) -> Response:
        if isinstance(found, Redirect):
            location = found.location + (f"?{query.decode('latin-1')}" if query else "")
            # Not a permanent one: browsers keep those, and the next project on this address has other directories.
            return RedirectResponse(location, 307, {"cache-control": "no-cache"})
        if isinstance(found, Listing):
            return await self._list(found, raw_path, request)
        if isinstance(found, Refused):
            if found.page is not None and not wants_json(request):
                return await self._file(found.page, raw_path, request, found.status)
            return await self._refuse(found, request, raw_path=raw_path)
        return await self._file(found, raw_path, request, 200)

    async def _file(self, file: File, raw_path: bytes, request: Headers, status: int) -> Response:
        kind = media_type(file.path)
        is_page = kind.startswith("text/html") and file.stat.st_size <= LARGEST_PAGE_BYTES
        if self._changes is None or not is_page or not is_document(request):
            return await file_answer(file, request, status)
        self._changes.watch()
        version = self._changes.version  # before the file is read: a change in between is told
        page = await asyncio.to_thread(Path(file.path).read_bytes)
        body = reload.with_script(page, raw_path, version)
        headers = {"vary": "Sec-Fetch-Dest", "last-modified": formatdate(file.stat.st_mtime, usegmt=True)}
        return await page_answer(body, kind, request, status=status, headers=headers)

    async def _list(self, listing: Listing, raw_path: bytes, request: Headers) -> Response:
        if wants_json(request):
            return await page_answer(pages.listing_json(listing), pages.JSON, request, headers={"vary": "Accept"})
        body = self._reloading(pages.listing_html(listing), raw_path)
        headers = {"vary": "Accept", "content-security-policy": pages.security_policy()}
        return await page_answer(body, pages.HTML, request, headers=headers)

    def _reloading(self, page: bytes, raw_path: bytes) -> bytes:
        if self._changes is None:
            return page
        self._changes.watch()
        return reload.with_script(page, raw_path, self._changes.version)

    async def _refuse(
        self, refused: Refused, request: Headers, headers: dict[str, str] | None = None, raw_path: bytes = b"/"
    ) -> Response:
        status, why = refused.status, refused.why
        headers = {"vary": "Accept", "x-content-type-options": "nosniff", **(headers or {})}
        if wants_json(request):
            return await page_answer(
                pages.refusal_json(status, why), pages.JSON, request, status=status, headers=headers
            )
        if "text/html" not in request.get("accept", ""):
            text = f"{why}\n".encode("utf-8", "replace")
            return await page_answer(text, "text/plain; charset=utf-8", request, status=status, headers=headers)
        headers["content-security-policy"] = pages.security_policy()
        body = self._reloading(pages.refusal_html(status, why), raw_path)
        return await page_answer(body, pages.HTML, request, status=status, headers=headers)

    async def _reload_part(self, changes: reload.Changes, raw_path: bytes, query: bytes, request: Headers) -> Response:
        if raw_path == reload.SCRIPT.encode():
            return await page_answer(reload.script(), "text/javascript; charset=utf-8", request)
        if raw_path == reload.EVENTS.encode():
            seen = query.decode("latin-1").removeprefix("v=")
            headers = {"cache-control": "no-store"}
            return StreamingResponse(changes.events(seen), headers=headers, media_type="text/event-stream")
        return await self._refuse(Refused(404, "homeport has no such file."), request)


def wants_json(request: Headers) -> bool:
    """Whether the client asks for JSON rather than for a page."""
    accept = request.get("accept", "")
    return "application/json" in accept and "text/html" not in accept


def wants_page(request: Headers) -> bool:
    """Whether the index page is a sensible answer to an unknown path.

    A script's fetch() of a path that does not exist should see the 404, though it accepts anything; curl should not.
    """
    accept = request.get("accept", "*/*")
    if "text/html" in accept:
        return True
    return "*/*" in accept and "sec-fetch-dest" not in request


def is_document(request: Headers) -> bool:
    """Whether HTML is loaded as a page of its own, not as a part of one by a script. Old browsers do not say."""
    return request.get("sec-fetch-dest", "document") in ("document", "iframe", "frame")

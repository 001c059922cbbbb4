"""The demo's JSON API: list, item, create, and endpoints that are slow, broken, or never end.

Pages on loopback may call it from any port and any name; pages from elsewhere may not read its answers.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from homeport.demo.harbour import Harbour, mistakes
from homeport.demo.serving import run

LOOPBACK_PAGES = r"https?://(localhost|127\.0\.0\.1|\[::1\]|([a-z0-9-]+\.)+localhost)(:[0-9]+)?"
LONGEST_MS = 10_000
MOST_EVENTS = 1000


def make_app() -> Starlette:
    harbour = Harbour()

    async def about(request: Request) -> Response:
        paths = ["/items", "/items/1", "/slow?ms=1200", "/broken", "/events?count=5"]
        return JSONResponse({"app": "homeport demo API", "try": paths})

    async def items(request: Request) -> Response:
        found = harbour.list()
        return JSONResponse({"items": found, "count": len(found)})

    async def item(request: Request) -> Response:
        found = harbour.get(request.path_params["number"])
        if found is None:
            return JSONResponse({"error": f"no ship has the number {request.path_params['number']}"}, 404)
        return JSONResponse(found)

    async def create(request: Request) -> Response:
        try:
            wanted = await request.json()
        except ValueError:
            return JSONResponse({"error": "the body is not JSON"}, 400)
        wrong = mistakes(wanted)
        if wrong:
            return JSONResponse({"error": "the ship cannot be added", "fields": wrong}, 422)
        ship = harbour.add(wanted)
        return JSONResponse(ship, 201, {"Location": f"items/{ship['id']}"})

    return Starlette(
        routes=[
            Route("/", about),
            Route("/items", items),
            Route("/items", create, methods=["POST"]),
            Route("/items/{number:int}", item),
            Route("/slow", slow),
            Route("/broken", broken),
            Route("/events", events),
        ],
        middleware=[
            Middleware(
                CORSMiddleware,
                allow_origin_regex=LOOPBACK_PAGES,
                allow_methods=["GET", "POST"],
                allow_headers=["Content-Type"],
            )
        ],
    )


async def slow(request: Request) -> Response:
    wait_ms = _number(request, "ms", 1200, LONGEST_MS)
    await asyncio.sleep(wait_ms / 1000)
    return JSONResponse({"waited_ms": wait_ms})


async def broken(request: Request) -> Response:
    return JSONResponse({"error": "the crane is stuck", "note": "this endpoint always fails"}, 500)


async def events(request: Request) -> Response:
    """Server-sent events: the tide, `count` times, every `ms` milliseconds."""
    count, pause_ms = _number(request, "count", 10, MOST_EVENTS), _number(request, "ms", 1000, LONGEST_MS)

    async def stream() -> AsyncIterator[str]:
        for number in range(1, count + 1):
            tide = {"number": number, "of": count, "at": datetime.now(UTC).isoformat(timespec="milliseconds")}
            yield f"id: {number}\nevent: tide\ndata: {json.dumps(tide)}\n\n"
            await asyncio.sleep(pause_ms / 1000 if number < count else 0)

    return StreamingResponse(stream(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})


def _number(request: Request, name: str, default: int, limit: int) -> int:
    text = request.query_params.get(name, "")
    return min(int(text), limit) if text.isascii() and text.isdecimal() else default


if __name__ == "__main__":
    run(make_app())

"""The demo's page: static files, a WebSocket that answers each message, and an upload that counts its bytes."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from homeport.demo.serving import run

PAGES = Path(__file__).parent / "web_pages"


def make_app() -> Starlette:
    return Starlette(
        routes=[
            Route("/config.json", config),
            Route("/upload", upload, methods=["POST"]),
            WebSocketRoute("/live", live),
            Mount("/", StaticFiles(directory=PAGES, html=True)),
        ]
    )


async def config(request: Request) -> Response:
    """What the page must know: where its neighbours are. The path form works on the plain address without them."""
    found = {
        "url": os.environ.get("HOMEPORT_URL", ""),
        "api": os.environ.get("HOMEPORT_API_DEMO_URL", "/@api.demo"),
        "port": os.environ.get("PORT", ""),
        "pid": os.getpid(),
        "python": ".".join(map(str, sys.version_info[:3])),
    }
    return JSONResponse(found, headers={"Cache-Control": "no-store"})


async def upload(request: Request) -> Response:
    count, digest = 0, hashlib.sha256()
    async for chunk in request.stream():
        count += len(chunk)
        digest.update(chunk)
    return JSONResponse({"bytes": count, "sha256": digest.hexdigest()}, 201)


async def live(socket: WebSocket) -> None:
    """Answers each message with the same text; the page measures how long that took."""
    await socket.accept()
    try:
        while True:
            await socket.send_text(await socket.receive_text())
    except WebSocketDisconnect:
        pass


if __name__ == "__main__":
    run(make_app())

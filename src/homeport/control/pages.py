"""The dashboard's files, from the package to the browser. They hold no data, so they need no token.

Only files that lie in the package's folder are served, by their name alone; nothing is listed.
"""

from __future__ import annotations

import hashlib
import os

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

FOLDER = os.path.join(os.path.dirname(__file__), "dashboard")
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
}


async def page(request: Request) -> Response:
    path = request.path_params["path"] or "index.html"
    found = read(FOLDER, path)
    if found is None:
        raise HTTPException(404)
    data, media_type = found
    # Revalidated every time: an engine of another version may answer tomorrow.
    etag = f'"{hashlib.sha256(data).hexdigest()[:24]}"'
    headers = {"etag": etag, "cache-control": "no-cache"}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=media_type, headers=headers)


def read(folder: str, path: str) -> tuple[bytes, str] | None:
    """The bytes and the media type of a file below the folder, or None."""
    parts = path.split("/")
    media_type = TYPES.get(os.path.splitext(path)[1])
    # Each part is a plain name: not "", ".", "..", hidden, nor with a separator or drive of another system.
    if media_type is None or any(not part or part[0] == "." or set(part) & set("\\:\0") for part in parts):
        return None
    try:
        with open(os.path.join(folder, *parts), "rb") as file:
            return file.read(), media_type
    except OSError:
        return None

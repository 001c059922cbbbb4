"""What the control API answers with: structs as JSON, errors as {"error": {code, message, hint}}, bytes as downloads.

The one place where HomeportError becomes a status; it never decides whether something is an error.
"""

from __future__ import annotations

import logging
import re
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from homeport.model.errors import HomeportError

NEVER_STORED = {"cache-control": "no-store"}
# What a browser may be told about a recorded body: never a type that it would run.
_HARMLESS = re.compile(r"(image/(png|jpeg|gif|webp|avif)|text/plain|application/json|audio/[\w.+-]+|video/[\w.+-]+)")


def answer(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status_code=status, media_type="application/json", headers=NEVER_STORED)


def refuse(error: HomeportError) -> Response:
    body = {"error": {"code": error.code, "message": error.message, "hint": error.hint}}
    response = answer(body, error.http_status)
    if error.code == "unauthorised":
        response.headers["www-authenticate"] = "Bearer"
    return response


def download(data: bytes, media_type: str, name: str) -> Response:
    """Recorded bytes: an app's page must never run on the dashboard's origin, so it is saved, not shown."""
    plain = media_type.partition(";")[0].strip().lower()
    headers = {
        **NEVER_STORED,
        "content-disposition": f'attachment; filename="{name}"',
        "content-security-policy": "sandbox; default-src 'none'",
        "x-homeport-type": re.sub(r"[^\x20-\x7e]", "?", media_type),
    }
    known = plain if _HARMLESS.fullmatch(plain) else "application/octet-stream"
    return Response(data, headers={**headers, "content-type": known})


async def on_known_error(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HomeportError):
        raise error
    return refuse(error)


async def on_http_error(_request: Request, error: Exception) -> Response:
    """Starlette's own: no such path, wrong method."""
    status = getattr(error, "status_code", 404)
    wrong_method = status == 405
    known = HomeportError(
        "bad-usage" if wrong_method else "not-found",
        "this path does not take that method" if wrong_method else "there is nothing at this path",
        "docs/api.md",
    )
    response = refuse(known)
    response.status_code = status
    response.headers.update(getattr(error, "headers", None) or {})
    return response


async def on_surprise(_request: Request, error: Exception) -> Response:
    logging.getLogger(__name__).error("the control API failed", exc_info=error)
    return refuse(HomeportError("internal", f"homeport made a mistake: {type(error).__name__}", "see engine.log"))

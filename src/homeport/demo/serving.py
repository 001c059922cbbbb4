"""How the demo's two web apps run: uvicorn on the HOST and PORT that they were given, with one log line per request."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.applications import Starlette


def run(app: Starlette) -> None:
    import uvicorn

    uvicorn.run(
        app,
        host=os.environ.get("HOST", "127.0.0.1"),
        port=int(os.environ.get("PORT", "8000")),
        ws="websockets-sansio",
        lifespan="off",
        log_level="info",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,  # the live connection and the stream of events would be waited for
    )

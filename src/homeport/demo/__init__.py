"""The demo: three small apps that come with homeport, so that one command on a fresh machine shows what it does.

`specs` says how to run them; `visit` makes a dozen varied requests through the door. The apps know nothing of the
engine: they read HOST, PORT and their neighbours' URLs from the environment, as anybody's apps would.
"""

from __future__ import annotations

import os
import sys

from homeport.demo.tour import visit
from homeport.model.app import AppSpec

WEB, API, UDP = "demo", "api.demo", "udp.demo"

__all__ = ["API", "UDP", "WEB", "specs", "visit"]


def specs(folder: str = "") -> list[AppSpec]:
    """The page (which answers on the plain address), the API that it calls, and the UDP echo."""
    folder = os.path.abspath(folder or os.path.dirname(__file__))
    return [
        _spec(API, "api", folder),
        _spec(UDP, "udp", folder),
        _spec(WEB, "web", folder, needs=[API], default=True),
    ]


def _spec(name: str, module: str, folder: str, needs: list[str] | None = None, default: bool = False) -> AppSpec:
    return AppSpec(
        name=name,
        project="demo",
        folder=folder,
        # -P: a file of the user's that is called like one of our imports does not get in the way.
        command=[sys.executable, "-P", "-m", f"homeport.demo.{module}"],
        env=dict(os.environ),
        needs=needs or [],
        default=default,
        stop_timeout_s=5.0,
    )

"""URLs of the door and the routes behind them, as the doctor needs to know them. Pure: asks no engine."""

from __future__ import annotations

from homeport.doctor.facts import Target
from homeport.model.route import RouteState
from homeport.model.status import Status


def name_behind(target: Target, status: Status) -> str:
    """The route that a URL of the door leads to, `http://NAME.localhost:62893/` or `.../@NAME/`; '' for others."""
    engine = status.engine
    if engine is None or f":{target.port}" not in {door[door.rfind(":") :] for door in engine.doors}:
        return ""
    below, at, rest = target.path.partition("/@")
    name = rest.partition("/")[0] if at and not below else target.host.removesuffix(".localhost")
    return name if any(route.name == name for route in status.routes) else ""


def door_url(route: RouteState | None) -> str:
    """Where a browser opens it; '' where it has no such place."""
    return route.url if route and route.url.startswith("http") else ""


def everywhere(route: RouteState | None) -> str:
    """The URL that needs no name: every client reaches it."""
    return next((url for url in route.urls if "/@" in url), "") if route else ""

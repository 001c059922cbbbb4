"""URLs of the door and the routes behind them, as the doctor needs to know them. Pure: asks no engine."""

from __future__ import annotations

from homeport.doctor.facts import Target
from homeport.model.access import PUBLIC
from homeport.model.exposure import Exposed
from homeport.model.finding import Finding
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


def explain_exposures(routes: list[RouteState], name: str = "") -> tuple[Finding, ...]:
    """What other computers reach: of one route, or all. No fault, and nothing to forget."""
    found = [route for route in routes if route.exposed is not None and name in ("", route.name)]
    return tuple(_explain(route.name, route.exposed) for route in found if route.exposed is not None)


def _explain(name: str, exposed: Exposed) -> Finding:
    ends = f"It closes at {exposed.ends}." if exposed.ends else "It stays so until it is closed."
    who = "Everybody there may use it" if exposed.access == PUBLIC else f"Whoever has a {exposed.access} may use it"
    return Finding(
        code="route-exposed",
        level="warning",
        what=f"{name} is open to other computers at {exposed.url}",
        why=f"{who}. {ends}",
        next=f"homeport expose {name} --close",
    )


def door_url(route: RouteState | None) -> str:
    """Where a browser opens it; '' where it has no such place."""
    return route.url if route and route.url.startswith("http") else ""


def everywhere(route: RouteState | None) -> str:
    """The URL that needs no name: every client reaches it."""
    return next((url for url in route.urls if "/@" in url), "") if route else ""

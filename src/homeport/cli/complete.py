"""What TAB offers: apps, routes, exchanges and filter words of the engine that runs. Silent and quick, or nothing.

It asks over the control socket by hand, as `homeport status` does, and never starts an engine.
"""

from __future__ import annotations

from typing import Any

import rich_click as click
from click.shell_completion import CompletionItem

FILTER_KEYS = {
    "method:": "GET, POST …",
    "status:": "404, 5xx, >=400",
    "route:": "the name of a route or an app",
    "path:": "part of the path",
    "scheme:": "http, https",
    "version:": "1.1, 2",
    "host:": "part of the host",
    "type:": "json, html, image …",
    "client:": "the process that asked",
    "ending:": "complete, client-gone, upstream-gone …",
    "conditions:": "any, 3g, loss …: the network that was set",
    "kind:": "http, upgrade, tcp, udp",
    "since:": "5m, 1h, 2d",
    "duration:": ">100, in milliseconds",
    "size:": ">1mb",
    "body:": "a word in a body",
    "header:": "a word in a head",
}


def complete_app(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    found = _ask("/api/status").get("apps", [])
    return _matching([(app["route"], app["state"]) for app in found], incomplete)


def complete_route(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    routes = _ask("/api/status").get("routes", [])
    return _matching([(r["name"], r["target"]) for r in routes if r["kind"] not in ("app", "control")], incomplete)


def complete_lease(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    found = [lease for lease in _ask("/api/leases").get("list", []) if lease["kind"] != "app"]
    return _matching([(lease["name"] or str(lease["port"]), lease["folder"]) for lease in found], incomplete)


def complete_exchange(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    found = _ask("/api/requests?limit=30").get("list", [])
    return _matching([(str(x["id"]), f"{x['method']} {x['path']} {x['status']}") for x in found], incomplete)


def complete_filter(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    negation = "-" if incomplete.startswith("-") else ""
    if incomplete.removeprefix(negation).startswith("route:"):
        routes = _ask("/api/status").get("routes", [])
        return _matching([(f"{negation}route:{r['name']}", "") for r in routes], incomplete)
    return _matching([(negation + key, about) for key, about in FILTER_KEYS.items()], incomplete)


def _ask(path: str) -> dict[str, Any]:
    from homeport.cli.quick import fetch

    answer = fetch(path)
    return answer if isinstance(answer, dict) else {"list": answer or []}


def _matching(values: list[tuple[str, str]], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(value, help=about) for value, about in values if value.startswith(incomplete)]

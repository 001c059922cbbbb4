"""The route follows the app: which of the addresses that a process tree listens on gets the requests.

The order: where it was told to listen; the address that its log names first (`Local: http://localhost:5173/`); where
it listened before; the first seen, the port with the lowest number first. Never one of its further ports, and a
debugger's port only when there is nothing else. Nothing is probed: a request that nobody made would show in its log.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from homeport.machine.interface import Listener
from homeport.model.endpoint import Endpoint
from homeport.targets.command import Given

# Node's inspector, debugpy, JDWP, Delve, Vite's HMR, LiveReload: they listen beside the app and are not the app.
DEBUGGERS = frozenset({9229, 9230, 5678, 5005, 2345, 24678, 35729})

_MENTIONED = re.compile(r"https?://(?:\[[0-9a-f:.]+\]|[\w.-]+|\*):(\d{2,5})\b", re.IGNORECASE)
_LOOPBACK = {"127.0.0.1": 0, "0.0.0.0": 1, "::ffff:127.0.0.1": 1, "::": 2, "::1": 3}


def mentioned_ports(line: str) -> list[int]:
    """The ports of the URLs in a line of a log."""
    return [int(port) for port in _MENTIONED.findall(line)] if "://" in line else []


def choose(
    listeners: Sequence[Listener],
    given: Given,
    *,
    mentioned: Sequence[int] = (),
    current: Endpoint | None = None,
) -> Endpoint | None:
    """Where requests go; None when nothing that could take them listens."""
    if given.socket and any(listener.endpoint.path == given.socket for listener in listeners):
        return Endpoint(path=given.socket)
    offered = [
        listener
        for listener in listeners
        if not listener.endpoint.is_unix and listener.endpoint.port not in given.ports.values()
    ]
    ports = dict.fromkeys(listener.endpoint.port for listener in offered)
    wanted = [given.port, *mentioned, current.port if current else None, *_first_seen(ports)]
    port = next((port for port in wanted if port in ports), None)
    if port is None:
        return None
    return dial([listener for listener in offered if listener.endpoint.port == port])


def dial(listeners: Iterable[Listener]) -> Endpoint:
    """The address to connect to, given all the listeners of one port: IPv4 loopback where that is answered."""
    best = min(listeners, key=_distance)
    host, port = best.endpoint.host, best.endpoint.port
    if host in ("0.0.0.0", "::ffff:127.0.0.1") or (host == "::" and not best.v6only):
        return Endpoint("127.0.0.1", port)
    return Endpoint("::1" if host == "::" else host, port)


def exposed(listeners: Iterable[Listener]) -> list[Endpoint]:
    """The addresses that other computers can reach."""
    return [listener.endpoint for listener in listeners if not _is_private(listener.endpoint)]


def notice(name: str, given: Given, endpoint: Endpoint | None, listeners: Collection[Listener]) -> str:
    """What is worth saying about where it listens: that it is elsewhere, and that it is exposed."""
    sentences = []
    if endpoint and endpoint.port and endpoint.port != given.port:
        wanted = "the socket that it was given" if given.socket else str(given.port)
        sentences.append(f"{name} listens on {endpoint.port} instead of {wanted}; the route follows.")
    elsewhere = exposed(listeners)
    if elsewhere and Endpoint(given.host).is_loopback:
        places = " and ".join(sorted({str(place) for place in elsewhere}))
        sentences.append(f"{name} listens on {places}: other computers can reach it. HOST told it {given.host}.")
    return " ".join(sentences)


def _first_seen(ports: Iterable[int]) -> list[int]:
    return sorted(ports, key=lambda port: (port in DEBUGGERS, port))


def _distance(listener: Listener) -> int:
    host = listener.endpoint.host
    return 4 if host == "::" and listener.v6only else _LOOPBACK.get(host, 5)


def _is_private(endpoint: Endpoint) -> bool:
    return endpoint.is_loopback or endpoint.host == "::ffff:127.0.0.1"

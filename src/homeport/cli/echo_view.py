"""The lines of `homeport echo`: where it listens, how to talk to it, each step, the sum. Pure: facts in, lines out."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from homeport.cli.peer_text import hex_rows, shown, shown_bytes
from homeport.cli.table import cut
from homeport.cli.terminal import Paint
from homeport.cli.words import clock, duration, plural, size
from homeport.model.endpoint import Endpoint
from homeport.play.event import Event

_NAMES = {"tcp": "TCP", "udp": "UDP", "http": "HTTP", "ws": "WebSocket"}
_PIPED_CHARS = 4096  # of one message, where no terminal sets a width
ARROWS = {"in": "←", "out": "→", "open": "+", "close": "-"}
PLAIN_ARROWS = {"in": "<", "out": ">", "open": "+", "close": "-"}


def listening_lines(endpoints: Sequence[Endpoint], kinds: Collection[str], paint: Paint) -> list[str]:
    """Where it listens, and a command for each kind, ready to be copied."""
    places = " and ".join(str(endpoint) for endpoint in endpoints)
    spoken = ", ".join(name for kind, name in _NAMES.items() if kind in kinds)
    lines = [f"echo listens on {paint(places, 'bold')} ({spoken})"]
    return lines + [f"  {paint('try:', 'dim')} {command}" for command in commands(endpoints[0], kinds)]


def commands(endpoint: Endpoint, kinds: Collection[str]) -> list[str]:
    if endpoint.is_unix:
        wanted = {
            "tcp": f"homeport connect {endpoint}",
            "http": f"curl --unix-socket {endpoint.path} http://localhost/",
        }
        return [command for kind, command in wanted.items() if kind in kinds]
    wildcards = {"0.0.0.0": "127.0.0.1", "::": "::1"}
    place = Endpoint(wildcards.get(endpoint.host, endpoint.host), endpoint.port)
    wanted = {
        "tcp": f"homeport connect {place}",
        "udp": f"homeport connect udp://{place}",
        "http": f"curl http://{place}/",
        "ws": f"homeport connect ws://{place}/",
    }
    return [command for kind, command in wanted.items() if kind in kinds]


def step_lines(event: Event, paint: Paint, width: int | None, *, as_hex: bool, arrows: dict[str, str]) -> list[str]:
    """One line, and a hex dump below it where that is wanted."""
    number = f"#{event.connection}" if event.connection else ""
    start = f"{clock(event.at, millis=True)}  {number:>4} {event.protocol:4} {arrows[event.event]} "
    text = _words(event)
    took = f"  {duration(event.ms)}" if event.event == "out" and event.ms is not None else ""
    room = _PIPED_CHARS if width is None else max(width - len(start) - len(took), 20)
    styles = {"in": ("cyan",), "out": ("green",)}.get(event.event, ("dim",))
    lines = [f"{paint(start, *styles)}{cut(text, room)}{paint(took, 'dim')}"]
    if as_hex and event.data:
        lines += [f"    {row}" for row in hex_rows(event.data)]
    return lines


def _words(event: Event) -> str:
    if event.event == "open":
        return f"{event.peer or 'a client'} connected"
    if event.event == "close":
        after = f" after {duration(event.ms)}" if event.ms is not None else ""
        return f"closed{after}: {shown(event.said)}"
    words = [event.kind] if event.kind else []
    if event.said:
        words.append(shown(event.said))
    elif event.data is not None:
        peer = f"{event.peer} " if event.protocol == "udp" and event.event == "in" else ""
        words.append(f"{peer}{size(len(event.data))}  {shown_bytes(event.data[:_PIPED_CHARS])}")
    return " ".join(words)


def sum_line(connections: int, datagrams: int, in_bytes: int, out_bytes: int) -> str:
    return (
        f"echoed {plural(connections, 'connection')} and {plural(datagrams, 'datagram')}: "
        f"{size(in_bytes)} in, {size(out_bytes)} out"
    )

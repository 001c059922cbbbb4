"""What passed on a UDP route, as lines under the routes of `homeport status`. Pure; it takes the API's JSON."""

from __future__ import annotations

from homeport.cli.terminal import Paint
from homeport.cli.words import plural, size

TYPE_CHECKING = False  # see homeport.cli
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

CLIENTS_SHOWN = 5
_TROUBLES = {
    "refused": "refused by the upstream",
    "overflowed": "too fast for us",
    "turned_away": "of newcomers for whom there was no room",
}


def udp_lines(route: Json, paint: Paint) -> list[str]:
    """The route in one line, and each of its busiest clients in another."""
    udp = route["udp"]
    facts = [plural(udp["active"], "client"), *_ways(udp)]
    facts += [f"{udp[key]} {words}" for key, words in _TROUBLES.items() if udp.get(key)]
    lines = [f"{paint(route['name'], 'bold')}: {', '.join(facts)}"]
    shown = udp.get("clients") or []
    lines += [f"  {client['client']}: {', '.join(_ways(client))}" for client in shown[:CLIENTS_SHOWN]]
    hidden = udp["active"] - min(len(shown), CLIENTS_SHOWN)
    return lines + ([f"  and {hidden} more"] if hidden > 0 else [])


def _ways(state: Json) -> list[str]:
    return [_way("up", state["up"]), _way("down", state["down"])]


def _way(name: str, counts: Json) -> str:
    words = f"{name} {plural(counts['datagrams'], 'datagram')} ({size(counts['bytes'])})"
    changes = [f"{counts[key]} {key}" for key in ("dropped", "duplicated", "reordered") if counts[key]]
    if counts.get("delay_p50_ms") is not None:
        changes.append(f"delay {counts['delay_p50_ms']:.1f} ms, p99 {counts['delay_p99_ms']:.1f}")
    return f"{words} [{', '.join(changes)}]" if changes else words

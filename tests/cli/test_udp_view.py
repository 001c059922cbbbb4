"""What `homeport status` says under its routes about datagrams."""

from __future__ import annotations

import msgspec

from homeport.cli.terminal import Paint
from homeport.cli.udp_view import udp_lines
from homeport.model.udp import DatagramCounts, UdpClientState, UdpState


def lines(state: UdpState) -> list[str]:
    return udp_lines({"name": "game", "udp": msgspec.to_builtins(state)}, Paint(False))


def test_a_route_that_nobody_used() -> None:
    state = UdpState(up=DatagramCounts(), down=DatagramCounts())
    assert lines(state) == ["game: 0 clients, up 0 datagrams (0 B), down 0 datagrams (0 B)"]


def test_what_was_changed_is_said_and_what_was_not_is_left_out() -> None:
    up = DatagramCounts(datagrams=100, bytes=6400, dropped=3, delay_p50_ms=40.04, delay_p99_ms=49.9, delay_max_ms=50.0)
    down = DatagramCounts(datagrams=1, bytes=1, duplicated=2, reordered=1)
    client = UdpClientState(client="127.0.0.1:4000", idle_s=0.5, up=up, down=down)
    state = UdpState(active=7, up=up, down=down, refused=2, overflowed=9, clients=[client] * 6)
    ways = "up 100 datagrams (6.4 kB) [3 dropped, delay 40.0 ms, p99 49.9]"
    ways += ", down 1 datagram (1 B) [2 duplicated, 1 reordered]"
    assert lines(state) == [
        f"game: 7 clients, {ways}, 2 refused by the upstream, 9 too fast for us",
        *[f"  127.0.0.1:4000: {ways}"] * 5,
        "  and 2 more",
    ]

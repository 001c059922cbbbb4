"""A Pump on the engine's loop, for the conditions of HTTP routes and of TCP routes with TLS."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from homeport.gateway.pump import Pump
from homeport.streams.poller import READ

if TYPE_CHECKING:
    from homeport.gateway.tcp_loop import Handler, Watched


class EngineCalls:
    """A Pump's view of the engine's loop. uvloop's own timers count whole milliseconds and ring early."""

    def watch(self, sock: Watched, handler: Handler, *, reading: bool, writing: bool) -> bool:
        asyncio.get_running_loop().add_reader(sock.fileno(), handler, READ)
        return False

    def release(self, sock: Watched) -> None:
        asyncio.get_running_loop().remove_reader(sock.fileno())
        sock.close()

    def later(self, delay_s: float, call: Callable[[], object]) -> None:
        asyncio.get_running_loop().call_later(max(0.0, delay_s), call)


def engine_pump() -> Pump:
    """To be closed on the loop, when its routes are gone."""
    return Pump(EngineCalls())

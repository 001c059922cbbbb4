"""What only the gateway knows about what passes, for the meter: see homeport.app.meter.Carried. It changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from homeport.conditions.plan import SharedPair
    from homeport.gateway.door import Door
    from homeport.gateway.stream_relay import StreamRelay
    from homeport.gateway.tcp import TcpRelay
    from homeport.gateway.udp import UdpRelay


class Carried:
    def __init__(self, door: Door, tcp: TcpRelay, streams: StreamRelay, udp: UdpRelay) -> None:
        self._door, self._tcp, self._streams, self._udp = door, tcp, streams, udp

    def datagram_bytes(self) -> Mapping[str, tuple[int, int]]:
        return {name: self._udp.bytes_passed(name) for name in self._udp.names()}

    def held_bytes(self) -> Mapping[str, tuple[int, int]]:
        streams = {**self._tcp.conditioned(), **self._streams.conditioned()}
        held = {name: conditions.held_bytes() for name, conditions in streams.items()}
        for route in self._door.routes:
            if route.conditions is not None:  # what comes back is counted behind them
                held[route.name] = route.conditions.held_up_bytes(), 0
        return held

    def take_delays(self) -> Mapping[str, tuple[Sequence[float], Sequence[float]]]:
        taken: dict[str, tuple[list[float], list[float]]] = {}
        for name, shared in self._shared():
            up, down = shared.take_delays()
            if up or down:
                all_up, all_down = taken.setdefault(name, ([], []))
                all_up += up
                all_down += down
        return taken

    def stop_delays(self) -> None:
        for _, shared in self._shared():
            shared.stop_delays()

    def _shared(self) -> Iterator[tuple[str, SharedPair]]:
        for name, conditions in {**self._tcp.conditioned(), **self._streams.conditioned()}.items():
            yield from ((name, shared) for shared in conditions.shared())
        for name in self._udp.names():
            yield from ((name, shared) for shared in self._udp.shared(name))
        for route in self._door.routes:
            if route.conditions is not None:
                yield from ((route.name, shared) for shared in route.conditions.shared())

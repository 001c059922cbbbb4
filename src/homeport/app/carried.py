"""What only the gateway knows about what passes, for the meter: see homeport.app.meter.Carried. It changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from homeport.gateway.udp import UdpRelay


class Carried:
    def __init__(self, udp: UdpRelay) -> None:
        self._udp = udp

    def datagram_bytes(self) -> Mapping[str, tuple[int, int]]:
        return {name: self._udp.bytes_passed(name) for name in self._udp.names()}

    def held_bytes(self) -> Mapping[str, tuple[int, int]]:
        return {}

    def take_delays(self) -> Mapping[str, tuple[Sequence[float], Sequence[float]]]:
        return {}

    def stop_delays(self) -> None:
        pass

"""The server: the only one who knows where the boats are. `python3 server.py [PORT]`

Every steering that arrives moves its boat by one tick, and 20 times a second everybody is told where everybody is.
What is lost on the way never happened.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import sys
import time
from typing import Any

from messages import Boat, Snapshot, Steerings, pack_snapshot, read_steerings
from world import CELL, REACH, STILL, TICKS_PER_S, buoy, distance, start, step

SILENT_S = 3.0  # then a player has left
PORT = 7777


class Harbour:
    """It never waits, and knows nothing of sockets."""

    def __init__(self) -> None:
        self.tick = 0
        self.boats: dict[str, Boat] = {}
        self.players: dict[str, tuple[Any, float]] = {}  # the address, and when it was last heard of

    def steered(self, what: Steerings, where: Any, now_s: float) -> None:
        boat = self.boats.get(what.name)
        if boat is None or boat.match != what.match:
            boat = Boat(what.name, what.match, 0, 0, start(what.name), STILL)
        for number, steer in enumerate(what.steers, what.first):
            if number <= boat.seen:
                continue  # it came before, or came too late
            place = step(boat.place, steer)
            near = distance(place, buoy(boat.name, boat.fetched)) <= REACH / CELL
            boat = Boat(boat.name, boat.match, number, boat.fetched + near, place, steer)
        self.boats[what.name] = boat
        self.players[what.name] = where, now_s

    def snapshot(self, now_s: float) -> Snapshot:
        self.tick += 1
        for name, (_, heard_s) in list(self.players.items()):
            if now_s - heard_s > SILENT_S:
                del self.players[name], self.boats[name]
        return Snapshot(self.tick, dict(self.boats))


def main() -> None:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    port = int(sys.argv[1]) if sys.argv[1:] else PORT
    try:
        sock.bind(("127.0.0.1", port))
    except OSError as error:
        sys.exit(f"port {port} is not to be had: {error.strerror}")
    sock.setblocking(False)
    print(f"the harbour is open at 127.0.0.1:{sock.getsockname()[1]}", flush=True)
    harbour = Harbour()
    next_s = time.monotonic()
    while True:
        select.select([sock], [], [], max(0.0, next_s - time.monotonic()))
        with contextlib.suppress(OSError):  # all that has come, before anybody is told
            while True:
                hear(harbour, *sock.recvfrom(2048))
        if (now_s := time.monotonic()) >= next_s:
            next_s = max(next_s + 1 / TICKS_PER_S, now_s)
            data = pack_snapshot(harbour.snapshot(now_s))
            for where, _ in harbour.players.values():
                with contextlib.suppress(OSError):
                    sock.sendto(data, where)


def hear(harbour: Harbour, data: bytes, where: Any) -> None:
    with contextlib.suppress(struct.error):
        harbour.steered(read_steerings(data), where, time.monotonic())


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()

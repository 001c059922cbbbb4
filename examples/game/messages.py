"""The two datagrams of the game.

A player sends what it steered in the last ticks; the server answers with where every boat is and which of the
player's steerings it has seen.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from world import Place, Steer

MOST_STEERINGS = 200  # in one datagram
_STEERINGS = struct.Struct("!cIIB")  # whose, of which match, the number of the first, how many; then two bytes each
_STEERING = struct.Struct("!bb")
_SNAPSHOT = struct.Struct("!IB")  # the server's tick, how many boats
_BOAT = struct.Struct("!cIIHiibb")


class Boat(NamedTuple):
    """As the server knows it. `seen` is the number of the last steering that moved it; `match` tells who steers now
    from who did before."""

    name: str
    match: int
    seen: int
    fetched: int
    place: Place
    steer: Steer


class Steerings(NamedTuple):
    name: str
    match: int
    first: int
    steers: list[Steer]


class Snapshot(NamedTuple):
    tick: int
    boats: dict[str, Boat]


def pack_steerings(what: Steerings) -> bytes:
    head = _STEERINGS.pack(what.name.encode(), what.match, what.first, len(what.steers))
    return head + b"".join(_STEERING.pack(*one) for one in what.steers)


def read_steerings(data: bytes) -> Steerings:
    """Raises struct.error for anything else."""
    name, match, first, count = _STEERINGS.unpack_from(data)
    steers = [Steer(*_STEERING.unpack_from(data, _STEERINGS.size + 2 * number)) for number in range(count)]
    return Steerings(name.decode("ascii", "replace"), match, first, steers)


def pack_snapshot(snapshot: Snapshot) -> bytes:
    boats = [
        _BOAT.pack(boat.name.encode(), boat.match, boat.seen, boat.fetched, *boat.place, *boat.steer)
        for boat in snapshot.boats.values()
    ]
    return _SNAPSHOT.pack(snapshot.tick, len(boats)) + b"".join(boats)


def read_snapshot(data: bytes) -> Snapshot:
    tick, count = _SNAPSHOT.unpack_from(data)
    boats = {}
    for number in range(count):
        name, match, seen, fetched, x, y, dx, dy = _BOAT.unpack_from(data, _SNAPSHOT.size + number * _BOAT.size)
        boats[name.decode()] = Boat(name.decode(), match, seen, fetched, Place(x, y), Steer(dx, dy))
    return Snapshot(tick, boats)

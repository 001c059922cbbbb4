"""The harbour, and how a boat moves in it: the same for the server and for the players who predict it.

Whole numbers only, in hundredths of a terminal's column, so that both come to exactly the same place.
"""

from __future__ import annotations

import math
import random
from typing import NamedTuple

TICKS_PER_S = 20
CELL = 100
COLUMNS, ROWS = 40, 14
WIDTH, HEIGHT = COLUMNS * CELL, ROWS * 2 * CELL  # a row is as high as two columns are wide
STEP = 80  # of a boat in one tick
REACH = 2 * CELL  # how near a boat has to come to its buoy


class Place(NamedTuple):
    x: int
    y: int

    @property
    def cell(self) -> tuple[int, int]:
        """Column and row."""
        return min(self.x // CELL, COLUMNS - 1), min(self.y // (2 * CELL), ROWS - 1)


class Steer(NamedTuple):
    """-1, 0 or 1 each way: what a player asks for in one tick."""

    dx: int
    dy: int


STILL = Steer(0, 0)


def start(name: str) -> Place:
    return Place(WIDTH // 4 if name == "A" else 3 * WIDTH // 4, HEIGHT // 2)


def step(boat: Place, steer: Steer) -> Place:
    """Where it is one tick later; the walls stop it."""
    return Place(
        min(max(boat.x + steer.dx * STEP, 0), WIDTH - 1),
        min(max(boat.y + steer.dy * STEP, 0), HEIGHT - 1),
    )


def distance(one: Place, other: Place) -> float:
    """In columns."""
    return math.hypot(one.x - other.x, one.y - other.y) / CELL


def buoy(name: str, fetched: int) -> Place:
    """Where the next one lies: the same in every match, so that two matches can be compared."""
    chance = random.Random(f"{name}/{fetched}")
    return Place(int(chance.random() * (WIDTH - 4 * CELL)) + 2 * CELL, int(chance.random() * (HEIGHT - 800)) + 400)


def towards(boat: Place, goal: Place) -> Steer:
    """What a player without a keyboard does."""
    return Steer(_sign(goal.x - boat.x), _sign(goal.y - boat.y))


def _sign(difference: int) -> int:
    return 0 if abs(difference) < STEP else 1 if difference > 0 else -1

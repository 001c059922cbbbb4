"""Chance that can be repeated: the same seed gives the same numbers on every machine and Python version.

Of `random.Random` only `random()` and seeding with a whole number are used: the documentation promises that these two
never change, and promises nothing of gauss(), randrange() and seeds of text. Names become the number by SHA-256. Each
condition forks dice of its own, so that adding jitter does not change which datagrams are lost.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable


class Dice:
    """`random()` is in [0, 1)."""

    __slots__ = ("_path", "random")

    random: Callable[[], float]

    def __init__(self, path: str) -> None:
        self._path = path

    def __getattr__(self, name: str) -> Callable[[], float]:
        """Made at the first throw: seeding takes 15 us, and most dice are only forked from."""
        if name != "random":
            raise AttributeError(name)
        path = self._path
        seed = int.from_bytes(hashlib.sha256(path.encode("utf-8", "surrogatepass")).digest(), "big")
        self.random = random.Random(seed).random  # noqa: S311 - chance, no secret
        return self.random

    def fork(self, name: str) -> Dice:
        """Dice that do not depend on how often these were thrown."""
        return Dice(f"{self._path}/{name}")

    def happens(self, share: float) -> bool:
        """Throws even where the answer is certain: what comes later stays the same when a share changes."""
        return self.random() < share

    def below(self, limit: int) -> int:
        """A whole number in [0, limit), for limits that a float can count (2**53)."""
        return int(self.random() * limit)

"""How much of what costs us work and brings nothing a client of HTTP/2 may do. It counts, and ends nothing itself."""

from __future__ import annotations

# Allowances: how much at once, and how much a second after that. A browser that leaves a page takes back a hundred.
RESETS = (500, 100)  # CVE-2023-44487, and those that make us reset streams: CVE-2025-8671
CHATTER = (1000, 200)


class Allowance:
    """Fills up with time, is spent by the peer."""

    def __init__(self, burst: int, per_s: int) -> None:
        self._burst, self._per_s = burst, per_s
        self._left = float(burst)
        self._at_s = 0.0

    def spend(self, now_s: float) -> bool:
        """Whether there was something left."""
        self._left = min(self._burst, self._left + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        self._left -= 1
        return self._left >= 0

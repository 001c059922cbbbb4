"""The demo's data: the ships in a small harbour, and what makes a new one valid. In memory alone; it forgets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

BERTHS = 12
LIMIT = 50  # ships; a demo that runs for a week stays small


@dataclass(slots=True)
class Ship:
    id: int
    name: str
    origin: str
    berth: int
    state: str


class Harbour:
    """The ships, oldest first. Its one owner is the API."""

    def __init__(self) -> None:
        self._last = 0
        self._ships: dict[int, Ship] = {}
        for name, origin, berth, state in (
            ("Wandering Albatross", "Bergen", 1, "moored"),
            ("Second Wind", "Porto", 3, "moored"),
            ("Quiet Signal", "Tallinn", 4, "loading"),
            ("Half Past Tide", "Cork", 7, "arriving"),
            ("Blue Hour", "Split", 9, "arriving"),
        ):
            self.add({"name": name, "origin": origin, "berth": berth, "state": state})

    def list(self) -> list[dict[str, object]]:
        return [asdict(ship) for ship in self._ships.values()]

    def get(self, number: int) -> dict[str, object] | None:
        ship = self._ships.get(number)
        return asdict(ship) if ship else None

    def add(self, wanted: Mapping[str, object]) -> dict[str, object]:
        """`wanted` has no mistakes. The oldest arrival leaves when the harbour is full."""
        self._last += 1
        ship = Ship(
            id=self._last,
            name=str(wanted["name"]).strip(),
            origin=str(wanted.get("origin") or "unknown").strip(),
            berth=int(str(wanted["berth"])),
            state=str(wanted.get("state") or "arriving"),
        )
        self._ships[ship.id] = ship
        if len(self._ships) > LIMIT:
            self._ships.pop(next(iter(self._ships)))
        return asdict(ship)


def mistakes(wanted: object) -> list[dict[str, str]]:
    """What is wrong with a new ship, by field."""
    if not isinstance(wanted, dict):
        return [{"field": "", "message": "send a JSON object"}]
    found = []
    name = wanted.get("name")
    if not isinstance(name, str) or not name.strip():
        found.append({"field": "name", "message": "a ship needs a name"})
    elif len(name) > 60:
        found.append({"field": "name", "message": "at most 60 characters"})
    berth = wanted.get("berth")
    if not isinstance(berth, int) or isinstance(berth, bool) or not 1 <= berth <= BERTHS:
        found.append({"field": "berth", "message": f"a number from 1 to {BERTHS}"})
    return found

"""Draws what each player sees, side by side, as text with colours. It knows nothing of networks."""

from __future__ import annotations

from player import Errors, Player
from world import COLUMNS, ROWS, Place

RED, GREEN, BLUE, AMBER, DIM, PLAIN = "\x1b[91m", "\x1b[92m", "\x1b[94m", "\x1b[93m", "\x1b[2m", "\x1b[0m"
COLOURS = {"A": GREEN, "B": BLUE}
BARS = " ▁▂▃▄▅▆▇█"
LARGEST_BAR = 6.0  # columns
SHOWN_TICKS = 10  # a jump stays visible for so long
_Cells = dict[tuple[int, int], str]


class View:
    """One player's screen."""

    def __init__(self, player: Player, address: str) -> None:
        self._player, self._address = player, address
        self._trail: list[tuple[int, int]] = []
        self._left = 0

    def lines(self) -> list[str]:
        player = self._player
        if player.jumped is not None:
            self._trail, self._left = _between(*player.jumped), SHOWN_TICKS
            player.jumped = None
        self._left = max(0, self._left - 1)
        cells: _Cells = {player.goal.cell: f"{AMBER}o{PLAIN}"}
        if player.known is not None:
            cells[player.known.place.cell] = f"{DIM}{player.name.lower()}{PLAIN}"
        if self._left:
            cells |= dict.fromkeys(self._trail, f"{RED}*{PLAIN}")
        for boat in player.others.values():
            cells[boat.place.cell] = f"{COLOURS.get(boat.name, '')}{boat.name}{PLAIN}"
        cells[player.place.cell] = f"{COLOURS.get(player.name, '')}{player.name}{PLAIN}"
        title = f" {player.name} sees this, from {self._address} "
        return [
            f"┌{title:─^{COLUMNS}}┐",
            *(f"│{''.join(cells.get((column, row), ' ') for column in range(COLUMNS))}│" for row in range(ROWS)),
            f"└{'─' * COLUMNS}┘",
            _chart(player.own),
            _figures("own boat", player.own),
            _chart(player.other),
            _figures("other boat", player.other),
            f"{f' snapshots {player.received}, missing {player.missed}, buoys {_fetched(player)}':<{COLUMNS + 2}}",
        ]


def frame(views: list[View]) -> str:
    return "\n".join("  ".join(parts) for parts in zip(*(view.lines() for view in views), strict=True)) + "\n"


def _fetched(player: Player) -> int:
    return player.known.fetched if player.known else 0


def _between(begin: Place, end: Place) -> list[tuple[int, int]]:
    (x, y), (to_x, to_y) = begin.cell, end.cell
    steps = max(abs(to_x - x), abs(to_y - y), 1)
    return [(x + (to_x - x) * number // steps, y + (to_y - y) * number // steps) for number in range(steps + 1)]


def _chart(errors: Errors) -> str:
    bars = "".join(BARS[min(8, round(error / LARGEST_BAR * 8 + 0.49))] for error in errors.recent)
    return f" {RED}{bars:>{COLUMNS}}{PLAIN} "


def _figures(what: str, errors: Errors) -> str:
    return f"{f' {what}: {errors.jumps} jumps, largest {errors.largest:.1f}':<{COLUMNS + 2}}"

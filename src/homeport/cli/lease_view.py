"""The table of `homeport leases`. Pure: states in, lines out."""

from __future__ import annotations

from collections.abc import Sequence

from homeport.cli.table import Cell, Column, lines
from homeport.cli.terminal import Paint
from homeport.cli.words import visible
from homeport.model.lease import LeaseState

_COLUMNS = (
    Column("port", right=True),
    Column("name"),
    Column("for"),
    Column("until"),
    Column("folder", flexible=True),
)
_ENDS = {"app": "the app stops", "portserver": "it ends", "lease": "it ends"}


def lease_lines(states: Sequence[LeaseState], paint: Paint, width: int | None) -> list[str]:
    return lines(_COLUMNS, [_row(state) for state in states], paint, width)


def name_of(state: LeaseState) -> str:
    """`web`, or `web (2)` for the second port of that name."""
    return visible(state.name) + (f" ({state.number})" if state.number > 1 and state.name else "")


def _row(state: LeaseState) -> list[Cell | str]:
    owners = ", ".join(visible(str(owner)) for owner in state.owners)
    until = "it is released" if state.kind != "app" and not state.owners else _ENDS[state.kind]
    return [
        Cell(str(state.port), "bold"),
        Cell(name_of(state), "green" if state.kind == "app" else "bold"),
        owners,
        until,
        visible(state.folder),
    ]

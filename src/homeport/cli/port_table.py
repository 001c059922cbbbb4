"""The table of `homeport ports`. Pure: rows in, lines out."""

from __future__ import annotations

from collections.abc import Sequence

from homeport.app.ports import PortRow
from homeport.cli.table import Cell, Column, lines
from homeport.cli.terminal import Paint
from homeport.cli.words import visible

TYPE_CHECKING = False  # see homeport.cli
if TYPE_CHECKING:
    from typing import TypeVar

    from homeport.app.ports_watch import Seen

    T = TypeVar("T")

_COLUMNS = (
    Column("proto"),
    Column("address"),
    Column("port", right=True),
    Column("class"),
    Column("service"),
    Column("user"),
    Column("pid", right=True),
    Column("process"),
    Column("app"),
    Column("container"),
    Column("exposed"),
    Column("folder", flexible=True),
)
_CLASS_AT = 3
_WIDE = 120  # columns: below this the class is left out, so that the folder can still be read
_MARKS = {"opened": "+", "closed": "-"}


def table_lines(rows: Sequence[PortRow], paint: Paint, width: int | None) -> list[str]:
    return lines(_shown(_COLUMNS, width), [_shown(_row(row), width) for row in rows], paint, width)


def watched_lines(rows: Sequence[Seen], paint: Paint, width: int | None) -> list[str]:
    """With a mark before what is new and what is gone."""
    columns = (Column("", min_width=1), *_COLUMNS)
    return lines(_shown(columns, width, 1), [_shown(_marked(row), width, 1) for row in rows], paint, width)


def _marked(seen: Seen) -> list[Cell | str]:
    cells = [Cell(_MARKS.get(seen.mark, " ")), *_row(seen.row)]
    if not seen.mark:
        return cells
    style = "green" if seen.mark == "opened" else "dim"
    return [Cell(cell if isinstance(cell, str) else cell.text, style) for cell in cells]


def _row(row: PortRow) -> list[Cell | str]:
    more = f" +{row.processes - 1}" if row.processes > 1 else ""
    return [
        row.protocol,
        row.address,
        Cell(str(row.port), "bold"),
        Cell(f"{row.kind}, ephemeral" if row.is_ephemeral else row.kind, "dim"),
        row.service,
        row.user,
        f"{row.pid}{more}" if row.pid else "",
        visible(row.process),
        Cell(visible(row.app), "green"),
        visible(row.container),
        Cell("exposed", "red") if row.is_exposed else "",
        visible(row.folder),
    ]


def _shown(cells: Sequence[T], width: int | None, before: int = 0) -> list[T]:
    at = _CLASS_AT + before
    return list(cells) if width is None or width >= _WIDE else [*cells[:at], *cells[at + 1 :]]

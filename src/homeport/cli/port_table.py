"""The table of `homeport ports`. Pure: rows in, lines out."""

from __future__ import annotations

from collections.abc import Sequence

from homeport.app.ports import PortRow
from homeport.cli.table import Cell, Column, lines
from homeport.cli.terminal import Paint
from homeport.cli.words import visible

_COLUMNS = (
    Column("proto"),
    Column("address"),
    Column("port", right=True),
    Column("service"),
    Column("user"),
    Column("pid", right=True),
    Column("process"),
    Column("app"),
    Column("exposed"),
    Column("folder", flexible=True),
)


def table_lines(rows: Sequence[PortRow], paint: Paint, width: int | None) -> list[str]:
    return lines(_COLUMNS, [_row(row) for row in rows], paint, width)


def _row(row: PortRow) -> list[Cell | str]:
    more = f" +{row.processes - 1}" if row.processes > 1 else ""
    return [
        row.protocol,
        row.address,
        Cell(str(row.port), "bold"),
        row.service,
        row.user,
        f"{row.pid}{more}" if row.pid else "",
        visible(row.process),
        Cell(visible(row.app), "green"),
        Cell("exposed", "yellow") if row.is_exposed else "",
        visible(row.folder),
    ]

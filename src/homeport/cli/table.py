"""Aligned columns of text: what `status`, `requests` and `watch` print. No boxes, so that it greps and copies well.

Pure: rows in, lines out. Where a width is given, the one flexible column is cut to fit; piped output is never cut.
"""

from __future__ import annotations

import unicodedata

from homeport.cli.terminal import Paint

TYPE_CHECKING = False  # see homeport.cli
if TYPE_CHECKING:
    from collections.abc import Sequence

    Row = Sequence["Cell | str"]

GAP = "  "
ELLIPSIS = "…"

# Slotted by hand: importing dataclasses takes 18 ms (it imports inspect), and `homeport status` starts here.


class Column:
    """`min_width` keeps columns steady where lines come one by one."""

    __slots__ = ("flexible", "min_width", "right", "title")

    def __init__(self, title: str, *, right: bool = False, flexible: bool = False, min_width: int = 0) -> None:
        self.title = title
        self.right = right
        self.flexible = flexible
        self.min_width = min_width


class Cell:
    """Text and the styles that it is painted in."""

    __slots__ = ("styles", "text")

    def __init__(self, text: str, *styles: str) -> None:
        self.text = text
        self.styles = styles


def lines(columns: Sequence[Column], rows: Sequence[Row], paint: Paint, width: int | None = None) -> list[str]:
    """The header and the rows. Columns that are empty in every row are left out."""
    used = [i for i in range(len(columns)) if any(_text(row[i]) for row in rows)]
    shown = [columns[i] for i in used]
    cells: list[Row] = [[row[i] for i in used] for row in rows]
    widths = [
        max(len(column.title), column.min_width, *(columns_of(_text(row[i])) for row in cells))
        for i, column in enumerate(shown)
    ]
    widths = fit(shown, widths, width)
    header: Row = [Cell(column.title, "dim") for column in shown]
    return [line(shown, row, widths, paint) for row in [header, *cells]] if rows else []


def fit(columns: Sequence[Column], widths: list[int], width: int | None) -> list[int]:
    """The same widths, with the flexible column narrowed so that a line fits into `width`."""
    if width is None:
        return widths
    excess = sum(widths) + len(GAP) * (len(widths) - 1) - width
    return [
        max(w - excess, min(w, 8)) if column.flexible and excess > 0 else w
        for column, w in zip(columns, widths, strict=True)
    ]


def line(columns: Sequence[Column], row: Row, widths: Sequence[int], paint: Paint) -> str:
    parts = []
    for i, (column, cell, width) in enumerate(zip(columns, row, widths, strict=True)):
        text = cut(_text(cell), width) if column.flexible else _text(cell)
        fill = " " * max(0, width - columns_of(text))
        text = paint(text, *cell.styles) if isinstance(cell, Cell) else text
        is_last = i == len(columns) - 1
        parts.append(fill + text if column.right else text if is_last else text + fill)
    return GAP.join(parts).rstrip()


def cut(text: str, width: int) -> str:
    """At most `width` columns, with an ellipsis where something is missing."""
    if columns_of(text) <= width:
        return text
    kept, used = [], 0
    for char in text:
        used += columns_of(char)
        if used > width - 1:
            break
        kept.append(char)
    return "".join(kept) + ELLIPSIS


def columns_of(text: str) -> int:
    """How many columns a terminal needs: wide East Asian characters take two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def _text(cell: Cell | str) -> str:
    return cell if isinstance(cell, str) else cell.text

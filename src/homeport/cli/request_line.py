"""One exchange as one aligned line: `requests` prints a table of them, `watch` and `run --requests` one at a time.

Pure: a summary in, text out. Paths and types were chosen by others, so they pass through `visible`.
"""

from __future__ import annotations

from homeport.cli.table import Cell, Column, columns_of, line, lines
from homeport.cli.terminal import Paint
from homeport.cli.words import clock, duration, size, visible
from homeport.model.exchange import COMPLETE, OPEN, ExchangeSummary

# The widths are those of usual values, so that lines which come one by one stand in columns.
_ID = Column("ID", right=True, min_width=5)
_TIME = Column("TIME", min_width=8)
_METHOD = Column("METHOD", min_width=6)
_PATH = Column("PATH", flexible=True)
_STATUS = Column("STATUS", right=True, min_width=3)
_TOOK = Column("TOOK", right=True, min_width=8)
_SIZE = Column("SIZE", right=True, min_width=6)
_ROUTE = Column("ROUTE", min_width=8)
_ENDING = Column("ENDING", min_width=13)
_ENDING_IF_ANY = Column("ENDING")

_WIDE = [_ID, _TIME, _METHOD, _PATH, _STATUS, _TOOK, _SIZE, _ROUTE, _ENDING]
# A narrow line has no column to spare for endings: where there is one, the path before it gives way.
_SLIM = [_ID, _TIME, _METHOD, _PATH, _ENDING_IF_ANY, _STATUS, _TOOK, _ROUTE]
WIDE_FROM = 100  # columns: a narrower terminal has no room for the size and a readable path
UNCUT_PATH = 40  # columns kept for the path where nothing is cut


def request_table(summaries: list[ExchangeSummary], paint: Paint, width: int | None) -> list[str]:
    """A header and a line for each, in the order given."""
    columns = [Column(c.title, right=c.right, flexible=c.flexible) for c in _columns(width)]
    return lines(columns, [_row(summary, columns) for summary in summaries], paint, width)


def request_line(summary: ExchangeSummary, paint: Paint, width: int | None) -> str:
    """One line whose columns stand where those of the other lines stand; the path gives way to what follows it."""
    columns = _columns(width)
    row = _row(summary, columns)
    widths = [max(c.min_width, columns_of(_text(cell))) for c, cell in zip(columns, row, strict=True)]
    path = columns.index(_PATH)
    if width is None:
        widths[path] = max(UNCUT_PATH, widths[path])
    else:
        shown = [i for i, w in enumerate(widths) if w]
        columns, row, widths = [columns[i] for i in shown], [row[i] for i in shown], [widths[i] for i in shown]
        widths[path] = max(8, width - sum(widths) + widths[path] - 2 * (len(widths) - 1))
    return line(columns, row, widths, paint)


def status_styles(status: int) -> tuple[str, ...]:
    return {1: ("cyan",), 2: ("green",), 3: ("cyan",), 4: ("yellow",), 5: ("red",)}.get(status // 100, ("dim",))


def _columns(width: int | None) -> list[Column]:
    return _WIDE if width is None or width >= WIDE_FROM else _SLIM


def _row(summary: ExchangeSummary, columns: list[Column]) -> list[Cell | str]:
    is_open = summary.ending == OPEN
    cells: dict[str, Cell | str] = {
        "ID": Cell(str(summary.id), "dim"),
        "TIME": Cell(clock(summary.started), "dim"),
        "METHOD": Cell(_method(summary), "bold"),
        "PATH": visible(summary.path),
        "STATUS": Cell(str(summary.status or ("…" if is_open else "-")), *status_styles(summary.status)),
        "TOOK": "…" if is_open else duration(summary.duration_ms),
        "SIZE": size(summary.response_bytes),
        "ROUTE": Cell(f"{summary.route}{_network(summary)}", "cyan"),
        "ENDING": Cell("" if summary.ending == COMPLETE else summary.ending, "yellow" if is_open else "red"),
    }
    return [cells[column.title] for column in columns]


def _method(summary: ExchangeSummary) -> str:
    """The method of a WebSocket is always GET, which says nothing; TCP and UDP have none."""
    return {"upgrade": "WS", "tcp": "TCP", "udp": "UDP"}.get(summary.kind) or visible(summary.method) or "?"


def _network(summary: ExchangeSummary) -> str:
    """A word for network conditions: the name of their profile, if they have one."""
    word = summary.conditions.partition(" ")[0]
    return f" ({'net' if '=' in word else visible(word)})" if word else ""


def _text(cell: Cell | str) -> str:
    return cell if isinstance(cell, str) else cell.text

"""`homeport ports --watch`: a table drawn again in its place, or a line for each change where nobody sees a screen.

Ctrl-C ends it with 130. It only draws; what is new comes from homeport.app.ports_watch.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from homeport.app.ports import PortRow
from homeport.app.ports_watch import Change, Picture, Seen
from homeport.cli.port_table import watched_lines
from homeport.cli.session import Session
from homeport.cli.terminal import Terminal
from homeport.cli.words import plural, visible

_SIGNS = {"present": " ", "opened": "+", "closed": "-"}
_STYLES = {"opened": "green", "closed": "red"}


def show(session: Session, batches: Iterable[list[Change]]) -> None:
    """Until it is interrupted."""
    if session.as_json:
        for batch in batches:
            for change in batch:
                session.json_line(change)
    elif session.terminal.is_interactive:
        _draw(session.terminal, batches)
    else:
        for batch in batches:
            for change in batch:
                session.data(line(change, session, time.localtime()))


def line(change: Change, session: Session, at: time.struct_time) -> str:
    """`+ 14:03:21  tcp 127.0.0.1:3000  node (pid 4121)  of ann  from /code/shop`."""
    row = change.row
    host = f"[{row.address}]" if ":" in row.address else row.address
    parts = [f"{row.protocol} {host}:{row.port}", owner(row)]
    parts += [f"of {row.user}"] if row.user else []
    parts += [f"from {visible(row.folder)}"] if row.folder else []
    sign = session.terminal.paint(_SIGNS[change.change], _STYLES.get(change.change, "dim"))
    return f"{sign} {time.strftime('%H:%M:%S', at)}  {'  '.join(parts)}"


def owner(row: PortRow) -> str:
    return f"{visible(row.process) or 'a process'} (pid {row.pid})" if row.pid else "a process that may not be seen"


def _draw(terminal: Terminal, batches: Iterable[list[Change]]) -> None:
    picture, drawn = Picture(), 0
    for batch in batches:
        rows = picture.take(batch, time.monotonic())
        lines = frame(rows, terminal, _height())
        up = f"\x1b[{drawn}F" if drawn else ""
        terminal.data(up + "".join(f"{text}\x1b[K\n" for text in lines) + "\x1b[J", end="")
        drawn = len(lines)


def frame(rows: Sequence[Seen], terminal: Terminal, height: int) -> list[str]:
    """At most `height` lines: the table, and what it leaves out."""
    lines = watched_lines(rows, terminal.paint, terminal.width)
    count = sum(row.mark != "closed" for row in rows)
    if len(lines) > height - 1:
        lines = lines[: height - 2]
        lines.append(terminal.paint(f"… and {len(rows) - len(lines) + 1} more; a FILTER shows fewer", "dim"))
    return [*lines, terminal.paint(f"{plural(count, 'socket')}, Ctrl-C ends", "dim")]


def _height() -> int:
    import shutil

    return max(shutil.get_terminal_size().lines - 1, 4)

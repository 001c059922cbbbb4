"""`homeport status` the quick way: one request, the answer printed as it came.

Gives up (returns None) on whatever is not plain success, so that the long way can explain it. Never starts an engine.
"""

from __future__ import annotations

import json
import os

from homeport.cli.terminal import Terminal

TYPE_CHECKING = False  # see homeport.cli
if TYPE_CHECKING:
    from typing import Any

    from homeport.machine.home import Home

NO_ENGINE: dict[str, Any] = {"engine": None, "apps": [], "routes": []}


def quick_status(*, as_json: bool, no_colour: bool) -> int | None:
    """The exit status, or None where somebody should look closer."""
    status = fetch("/api/status")
    if status is None and nothing_is_left():
        status = NO_ENGINE
    if status is None:
        return None
    from homeport.cli.status_view import status_lines

    terminal = Terminal()
    terminal.no_colour = no_colour
    if as_json:
        terminal.data(json.dumps(status, indent=2, ensure_ascii=False))
    else:
        terminal.data("\n".join(status_lines(status, terminal.paint, terminal.width)))
    return 0


def fetch(path: str) -> Any | None:
    """What GET answers, decoded; None where no engine answers well. Completion uses it too."""
    from homeport.control.call import ask

    try:
        home = _home()
        with open(home.token_file, encoding="ascii") as file:
            token = file.read().strip()
        answer = ask(home.socket, "GET", path, token)
        return json.loads(answer.read()) if answer.status == 200 else None
    except Exception:
        # No engine, an engine that is going, a home that is not ours: the long way says which, in a sentence.
        return None


def nothing_is_left() -> bool:
    """No engine listens here, and none left children behind (the journal of a killed engine says so)."""
    try:
        home = _home()
        return not os.path.exists(home.socket) and _journal_is_empty(home.children)
    except Exception:  # not known, so not said: the long way looks closely and reports
        return False


def _home() -> Home:
    """Raises HomeportError where others may get in: nothing that lies there is believed."""
    from homeport.machine.home import Home

    home = Home.find()
    if os.path.isdir(home.root):
        home.prepare()
    return home


def _journal_is_empty(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return not json.loads(file.read() or b"[]")
    except FileNotFoundError:
        return True

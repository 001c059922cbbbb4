"""`homeport who` without click: the question, the answer, the exit status. Starts and changes nothing."""

from __future__ import annotations

import time

from homeport.app.ports import parse_place, who
from homeport.cli.port_view import story_lines
from homeport.cli.terminal import Terminal
from homeport.machine.ports import Ports, this_computer
from homeport.model.errors import HomeportError

LISTENS, NOBODY, INVALID, INTERNAL = 0, 2, 4, 5


def answer(place: str, terminal: Terminal, *, as_json: bool = False, ports: Ports | None = None) -> int:
    """Print who listens there; returns the exit status. Raises what nobody expected."""
    try:
        host, port = parse_place(place)
    except HomeportError as error:
        paint = terminal.paint_talk
        terminal.say(f"{paint('error:', 'red', 'bold')} {error.message}")
        terminal.say(f"{paint('hint:', 'cyan')} {error.hint or 'homeport who --help'}")
        return INVALID
    story = who(ports or this_computer(), port, host)
    if as_json:
        import json

        from homeport.model.fact import plain

        terminal.data(json.dumps(plain(story), indent=2, ensure_ascii=False))
    else:
        terminal.data("\n".join(story_lines(story, terminal.paint, time.time())))
    return LISTENS if story.listening else NOBODY

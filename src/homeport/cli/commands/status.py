"""`homeport status`, the long way: whatever `homeport.cli.quick` could not answer."""

from __future__ import annotations

import json

import rich_click as click

from homeport.cli.options import command_options, pass_session
from homeport.cli.quick import NO_ENGINE
from homeport.cli.session import Session
from homeport.cli.status_view import status_lines


@click.command("status", short_help="Show what runs, and what is wrong with it")
@command_options(json=True)
@pass_session
def command(session: Session) -> None:
    """Show what runs: the door, the apps with their addresses, the routes, and what is wrong with them.

    Never starts the engine. What a killed engine left running is ended, and said.

    \b
    Examples:
      homeport status
      homeport status --json | jq -r '.apps[].url'
    """
    import msgspec

    engine = session.maybe_engine()
    if engine is None:
        for sentence in session.leftovers():
            session.say_warning(sentence)
    status = msgspec.to_builtins(engine.engine.status()) if engine else NO_ENGINE
    if session.as_json:
        session.data(json.dumps(status, indent=2, ensure_ascii=False))
    else:
        session.data("\n".join(status_lines(status, session.terminal.paint, session.terminal.width)))

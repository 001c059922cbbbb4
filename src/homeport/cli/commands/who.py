"""`homeport who`, the long way: help, mistakes, and whatever `homeport.cli` could not answer at once."""

from __future__ import annotations

import rich_click as click

from homeport.cli.failure import report
from homeport.cli.options import command_options, pass_session
from homeport.cli.session import Session
from homeport.cli.who import INTERNAL, INVALID, answer


@click.command("who", short_help="Show who holds a port, and why")
@click.argument("place", metavar="PORT|ADDRESS", required=False, default="")
@command_options(json=True)
@pass_session
def command(session: Session, place: str) -> int:
    """Show who listens on a port: which process, since when, from which folder, and why it runs.

    It also names what else is in the way, and which addresses are free to bind. Needs neither the
    engine nor root; root sees the processes of other users as well.

    \b
    Examples:
      homeport who 3000
      homeport who '[::1]:3000'        who answers there, and nowhere else
      homeport who 3000 --json | jq -r '.holders[].process.pid'
    """
    if not place:
        session.say("error: who needs a port\nhint: homeport who 3000")
        return INVALID
    try:
        return answer(place, session.terminal, as_json=session.as_json)
    except BrokenPipeError:
        raise
    except Exception as error:
        report(error, session.terminal)
        return INTERNAL

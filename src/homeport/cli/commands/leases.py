"""`homeport leases`: which ports are leased, and to whom."""

from __future__ import annotations

import rich_click as click

from homeport.cli.options import command_options, pass_session
from homeport.cli.session import Session


@click.command("leases", short_help="List leased ports")
@command_options(json=True)
@pass_session
def command(session: Session) -> None:
    """List leased ports: their names, their folders, and the processes that they belong to.

    Those of apps are among them. Starts no engine: without one, nothing is leased.

    \b
    Examples:
      homeport leases
      homeport leases --json | jq '.[] | select(.kind == "lease") | .port'
    """
    engine = session.maybe_engine()
    states = engine.leases.list() if engine else []
    if session.as_json:
        session.json(states)
        return
    from homeport.cli.lease_view import lease_lines

    for line in lease_lines(states, session.terminal.paint, session.terminal.width):
        session.data(line)
    if not states:
        session.say("no port is leased")

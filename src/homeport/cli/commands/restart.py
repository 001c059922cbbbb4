"""`homeport restart`."""

from __future__ import annotations

import rich_click as click

from homeport.cli.complete import complete_app
from homeport.cli.launch import report_ready
from homeport.cli.names import find_app
from homeport.cli.options import command_options, pass_session
from homeport.cli.session import Session


@click.command("restart", short_help="Restart apps")
@click.argument("names", metavar="NAME...", nargs=-1, required=True, shell_complete=complete_app)
@command_options(json=True)
@pass_session
def command(session: Session, names: tuple[str, ...]) -> int:
    """Stop an app and start it again, with the same port and address. Waits until it is ready.

    \b
    Examples:
      homeport restart web
      homeport restart web worker
    """
    engine = session.running_engine()
    apps = engine.apps.list()
    routes = [find_app(name, apps, session.folder).route for name in names]
    for route in routes:
        engine.apps.restart(route)
    return report_ready(session, [engine.apps.wait(route) for route in routes])

"""`homeport stop`."""

from __future__ import annotations

import rich_click as click

from homeport.cli.app_lines import has_ended
from homeport.cli.complete import complete_app
from homeport.cli.names import find_app, of_folder
from homeport.cli.options import command_options, pass_session
from homeport.cli.session import Session
from homeport.cli.stopping import stop_each
from homeport.model.app import AppState
from homeport.model.errors import HomeportError


@click.command("stop", short_help="Stop apps")
@click.argument("names", metavar="[NAME]...", nargs=-1, shell_complete=complete_app)
@click.option("--all", "everything", is_flag=True, help="Stop the apps of every project.")
@command_options(json=True)
@pass_session
def command(session: Session, names: tuple[str, ...], everything: bool) -> None:
    """Stop apps: those named, or all apps of this folder's project.

    An app gets SIGTERM, and SIGKILL if it still runs after its grace time (10 s unless its
    project says otherwise). The engine ends by itself once nothing needs it.

    \b
    Examples:
      homeport stop               the project in this folder
      homeport stop web worker
      homeport stop --all
    """
    engine = session.running_engine()
    chosen = _choose(engine.apps.list(), names, everything, session)
    states = stop_each(engine, [app.route for app in chosen if not has_ended(app)])
    if session.as_json:
        session.json(states)
    elif states:
        session.say(f"stopped {', '.join(state.route for state in states)}")
    else:
        session.say("nothing to stop")


def _choose(apps: list[AppState], names: tuple[str, ...], everything: bool, session: Session) -> list[AppState]:
    if names:
        return [find_app(name, apps, session.folder) for name in names]
    if everything:
        return apps
    here = of_folder(apps, session.folder)
    if apps and not here:
        others = ", ".join(app.route for app in apps)
        raise HomeportError("not-found", "no app runs from this folder", f"homeport stop --all would stop {others}")
    return here

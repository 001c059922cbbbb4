"""`homeport up`, and plain `homeport`: the project in this folder."""

from __future__ import annotations

import rich_click as click

from homeport.cli.launch import launch
from homeport.cli.options import command_options, launch_options, pass_session
from homeport.cli.projects import load
from homeport.cli.session import Session


@click.command("up", short_help="Run the project in this folder")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@launch_options
@command_options(json=True, door=True)
@pass_session
def command(session: Session, names: tuple[str, ...], detach: bool, requests: bool) -> int:
    """Run the project in this folder: all its apps, or those named and what they need.

    The apps come from homeport.toml (here or above), else from a Procfile, else from what the
    folder holds: a package.json with a dev script, manage.py, an ASGI or WSGI app, index.html.
    When one app ends, the others go on; Ctrl-C stops them all. The exit status is that of the
    first app that failed, else 0.

    \b
    Examples:
      homeport up
      homeport up api worker
      homeport up -d && homeport logs -f
    """
    project = load(session, names)
    session.say(f"{project.name}: {project.words}")
    if project.routes:
        engine = session.engine()
        for route in project.routes:
            engine.routes.add(route)
    if not project.specs:
        return 0
    return launch(session, project.specs, detach=detach, requests=requests)

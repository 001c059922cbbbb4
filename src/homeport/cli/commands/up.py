"""`homeport up`, and plain `homeport`: the project in this folder."""

from __future__ import annotations

import rich_click as click

from homeport.cli.launch import launch
from homeport.cli.options import command_options, launch_options, pass_session
from homeport.cli.projects import load
from homeport.cli.session import Session
from homeport.model.errors import HomeportError
from homeport.model.route import RouteSpec


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
    added = _add_routes(session, project.routes)
    if not project.specs:
        return 0
    try:
        return launch(session, project.specs, detach=detach, requests=requests)
    finally:
        if not detach:
            _remove_routes(session, added)


def _add_routes(session: Session, routes: list[RouteSpec]) -> list[str]:
    """The project's own routes; those that stand already are left alone. Returns the names of the new ones."""
    if not routes:
        return []
    engine = session.engine()
    standing = {state.name: state.target for state in engine.routes.list()}
    new = [route for route in routes if standing.get(route.name) != route.target]
    for route in new:
        state = engine.routes.add(route)
        session.say(f"route {state.name}: {state.listen or state.url} → {state.target}")
    return [route.name for route in new]


def _remove_routes(session: Session, names: list[str]) -> None:
    engine = session.maybe_engine() if names else None
    if engine is None:
        return
    for name in names:
        try:
            engine.routes.remove(name)
        except HomeportError:
            pass  # somebody else did, or the engine ends

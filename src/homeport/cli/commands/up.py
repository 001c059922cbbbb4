"""`homeport up`, and plain `homeport`: the project in this folder."""

from __future__ import annotations

import rich_click as click

from homeport.cli.launch import launch
from homeport.cli.options import command_options, launch_options, pass_session
from homeport.cli.projects import load
from homeport.cli.session import Session
from homeport.model.errors import HomeportError
from homeport.model.route import RouteSpec, RouteState


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
    """The project's own routes; those that stand already for the same visitors are left alone. Answers with the new."""
    if not routes:
        return []
    engine = session.engine()
    standing = {state.name: state for state in engine.routes.list()}
    new = []
    for route in routes:
        state = standing.get(route.name)
        if state is None or state.target != route.target:
            new.append(route.name)
        elif _lets_in_others(route, state):
            engine.routes.remove(route.name)
        else:
            continue
        state = engine.routes.add(route)
        session.say(f"route {state.name}: {state.listen or state.url} → {state.target}")
    return new


def _lets_in_others(route: RouteSpec, state: RouteState) -> bool:
    """Whether the file says by now that others may come in. A state does not show passwords, so they may differ."""
    return bool(route.access.basic) or (state.access, state.cross_site) != (str(route.access), route.cross_site)


def _remove_routes(session: Session, names: list[str]) -> None:
    engine = session.maybe_engine() if names else None
    if engine is None:
        return
    for name in names:
        try:
            engine.routes.remove(name)
        except HomeportError:
            pass  # somebody else did, or the engine ends

"""`homeport logs`: what apps wrote, across their restarts."""

from __future__ import annotations

from collections.abc import Callable

import rich_click as click

from homeport.cli.complete import complete_app
from homeport.cli.feed import Feed, FeedEnded
from homeport.cli.log_lines import LogLines
from homeport.cli.names import find_app, of_folder
from homeport.cli.options import command_options, pass_session
from homeport.cli.seams import Engine
from homeport.cli.session import Session
from homeport.model.errors import HomeportError
from homeport.model.log import LogLine

TICK_S = 0.5


@click.command("logs", short_help="Show what apps wrote")
@click.argument("name", required=False, shell_complete=complete_app)
@click.option("-f", "--follow", is_flag=True, help="Go on with new lines as they come.")
@click.option("-n", "--lines", default=200, show_default=True, help="How many of the last lines.")
@click.option("-t", "--times", is_flag=True, help="Begin each line with its time.")
@command_options(json=True, door=True)
@pass_session
def command(session: Session, name: str | None, follow: bool, lines: int, times: bool) -> None:
    """Show the log lines of an app, or of all apps of this folder's project.

    \b
    Examples:
      homeport logs web
      homeport logs -f            all apps here, as they write
      homeport logs -n 1000 web | grep -i error
    """
    engine = session.engine()
    routes = _routes(session, engine, name)
    feed = Feed(engine, ("log",), apps=tuple(routes)) if follow else None
    found = _last(engine, routes, lines)
    names = routes or sorted({line.app for line in found})
    logs = LogLines(session.terminal, names, times=times, always_named=not routes and follow)
    show = session.json_line if session.as_json else logs.show
    for line in found:
        show(line)
    if feed is not None:
        _follow(feed, max((line.id for line in found), default=0), show)


def _routes(session: Session, engine: Engine, name: str | None) -> list[str]:
    """Whose lines; [] stands for everybody's. An app of an earlier engine is known by its lines alone."""
    apps = engine.apps.list()
    if name is None:
        return [app.route for app in of_folder(apps, session.folder)]
    try:
        return [find_app(name, apps, session.folder).route]
    except HomeportError:
        if engine.logs.list(app=name, limit=1):
            return [name]
        raise


def _last(engine: Engine, routes: list[str], count: int) -> list[LogLine]:
    """The last lines of these apps together, oldest first."""
    found = [line for route in routes or [""] for line in engine.logs.list(app=route or None, limit=count)]
    return sorted(found, key=lambda line: line.id)[-count:]


def _follow(feed: Feed, last_id: int, show: Callable[[LogLine], None]) -> None:
    """Lines that came between subscribing and reading the last ones are in both; they are shown once."""
    try:
        while True:
            line = feed.next(TICK_S)
            if isinstance(line, LogLine) and (line.id == 0 or line.id > last_id):
                show(line)
    except FeedEnded:
        pass

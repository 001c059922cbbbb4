"""`homeport open`: the dashboard or an app in the browser."""

from __future__ import annotations

import os
import sys

import rich_click as click

from homeport.cli.app_lines import shown_urls
from homeport.cli.complete import complete_app
from homeport.cli.names import find_app
from homeport.cli.options import command_options, pass_session
from homeport.cli.seams import Engine
from homeport.cli.session import Session
from homeport.model.access import ANYONE_LOCAL

DASHBOARD = "dashboard"


@click.command("open", short_help="Open the dashboard or an app in the browser")
@click.argument("name", default=DASHBOARD, shell_complete=complete_app)
@click.option("--print", "only_print", is_flag=True, help="Print the address instead of opening it.")
@click.option(
    "--own-port", is_flag=True, help="The dashboard on a port of its own, without the name homeport.localhost."
)
@command_options(json=True, door=True)
@pass_session
def command(session: Session, name: str, only_print: bool, own_port: bool) -> None:
    """Open the dashboard in the browser, or the app NAME.

    The dashboard's link carries a key that works once and for one minute; the browser stays
    logged in as long as the engine runs. So does the link of a route with --access token.
    Where there is no browser, or stdout is not a terminal, the address is printed. Safari does
    not resolve homeport.localhost: use --own-port.

    \b
    Examples:
      homeport open               the dashboard
      homeport open web
      homeport open --print
    """
    url = _url(session, session.engine(), name, own_port)
    if session.as_json:
        session.json({"url": url})
    elif only_print or not session.terminal.is_interactive or not _open(url):
        session.data(url)
    else:
        session.say(f"opened {name} in the browser")


def _url(session: Session, engine: Engine, name: str, own_port: bool) -> str:
    apps = engine.apps.list()
    if name != DASHBOARD or any(app.route == DASHBOARD for app in apps):
        guarded = [route.name for route in engine.routes.list() if route.access != ANYONE_LOCAL]
        if name in guarded:
            return engine.routes.link(name)
        app = find_app(name, apps, session.folder)
        return engine.routes.link(app.route) if app.route in guarded else shown_urls(app)[0]
    return engine.engine.dashboard_port() if own_port else engine.engine.enter_link()


def _open(url: str) -> bool:
    """True where a graphical browser took it. A text browser would take over the terminal."""
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        if "BROWSER" not in os.environ and "WSL_DISTRO_NAME" not in os.environ:
            return False
    import webbrowser

    try:
        return webbrowser.open(url)
    except webbrowser.Error:
        return False

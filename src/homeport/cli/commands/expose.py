"""`homeport expose`: open a route to other computers for a while, and close it again."""

from __future__ import annotations

import rich_click as click

from homeport.cli.complete import complete_route
from homeport.cli.expose_option import exposed_for
from homeport.cli.expose_view import show_exposed
from homeport.cli.options import command_options, pass_session
from homeport.cli.seams import Engine
from homeport.cli.session import Session
from homeport.cli.status_view import exposed_text
from homeport.model.exposure import Exposed

ACCESS_HELP = "Who may use it there: token, basic:FILE or public. [the route's own rule]"


@click.command("expose", short_help="Open an app or route to other computers, with a QR code for the phone")
@click.argument("name", required=False, shell_complete=complete_route)
@click.argument("address", required=False, default="")
@click.option("--access", metavar="RULE", multiple=True, help=ACCESS_HELP)
@click.option("--for", "lasts", metavar="TIME", default="", help="Then it closes by itself. [until it is closed]")
@click.option("--close", is_flag=True, help="Close it, and cut off who is using it.")
@command_options(json=True)
@pass_session
def command(session: Session, name: str | None, address: str, access: tuple[str, ...], lasts: str, close: bool) -> None:
    """Open the app or route NAME to other computers, on one ADDRESS of this one and over TLS alone.

    Whoever comes there reaches NAME and nothing else, by a rule that asks for something, or is
    public. It stays open until it is closed, its time is over, its app or the engine ends; never
    is it opened again by itself. With NAME alone, the link and its QR code are made anew; without,
    what is open is listed.

    \b
    Examples:
      homeport expose web 192.168.1.20 --access token
      homeport expose web 192.168.1.20:8443 --access basic:passwords --for 2h
      homeport expose web
      homeport expose web --close
    """
    if name is None:
        _list(session)
        return
    engine = session.running_engine()
    found = _exposed(engine).get(name)
    if close:
        if address or access or lasts:
            raise click.UsageError("--close needs the name of the route, and nothing else")
        _close(session, engine, name)
    elif found is not None and not (address or access or lasts):
        show_exposed(session, engine, name, found)
    else:
        show_exposed(session, engine, name, engine.routes.expose(name, exposed_for(address, lasts, access)))


def _exposed(engine: Engine) -> dict[str, Exposed]:
    return {route.name: route.exposed for route in engine.routes.list() if route.exposed is not None}


def _list(session: Session) -> None:
    import msgspec

    engine = session.maybe_engine()
    found = _exposed(engine) if engine else {}
    if session.as_json:
        session.json([{"route": name, "exposed": exposed} for name, exposed in found.items()])
    elif not found:
        session.say("nothing is open to other computers")
    for name, exposed in {} if session.as_json else found.items():
        session.data(exposed_text(name, msgspec.to_builtins(exposed), session.terminal.paint))


def _close(session: Session, engine: Engine, name: str) -> None:
    closed = engine.routes.unexpose(name)
    if session.as_json:
        session.json({"route": name, "exposed": closed})
    else:
        session.say(f"{name} is closed to other computers; {closed.address} does not listen any more")

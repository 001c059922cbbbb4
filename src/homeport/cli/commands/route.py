"""`homeport route`: a name for something that already runs."""

from __future__ import annotations

import os

import rich_click as click

from homeport.cli.access_option import access_options, read_access
from homeport.cli.complete import complete_route
from homeport.cli.expose_option import expose_options, read_expose
from homeport.cli.expose_view import show_exposed
from homeport.cli.options import command_options, pass_session
from homeport.cli.session import Session
from homeport.cli.status_view import route_lines
from homeport.model.access import CrossSite
from homeport.model.route import Https, RouteSpec, RouteState, Tls

HTTPS_HELP = "Beside plain http, instead of it, or not at all. [also]"
TLS_HELP = "For a tcp target: TLS ends here, or is passed on by the name in it. [no TLS]"
CLIENT_CA_HELP = "With --tls terminate: clients need a certificate of a CA in FILE."
VERIFY_HELP = "For an https target: not at all, or by the certificates in FILE. [the system's, and ours]"


@click.command("route", short_help="Give something that already runs a name")
@click.argument("name", required=False, shell_complete=complete_route)
@click.argument("target", required=False)
@click.option("--listen", metavar="PORT", default="", help="A port of its own; a tcp: or udp: target needs one.")
@click.option("--default", is_flag=True, help="Answer on the plain address too.")
@click.option("--https", type=click.Choice(["also", "only", "off"]), default="also", help=HTTPS_HELP)
@click.option("--h2", is_flag=True, help="The target speaks HTTP/2, as gRPC does.")
@click.option("--verify", metavar="off|FILE", default="", help=VERIFY_HELP)
@click.option("--tls", type=click.Choice(["terminate", "pass"]), help=TLS_HELP)
@click.option("--client-ca", metavar="FILE", default="", help=CLIENT_CA_HELP)
@click.option("--subdomains", is_flag=True, help="Names below it lead there too: a.NAME.localhost.")
@access_options
@expose_options
@click.option("--remove", is_flag=True, help="Remove the route NAME.")
@command_options(json=True, door=True)
@pass_session
def command(
    session: Session,
    name: str | None,
    target: str | None,
    listen: str,
    default: bool,
    https: Https,
    h2: bool,
    verify: str,
    tls: Tls | None,
    client_ca: str,
    subdomains: bool,
    access: tuple[str, ...],
    cross_site: CrossSite,
    expose: str | None,
    lasts: str,
    remove: bool,
) -> None:
    """Give something that already runs a name behind the door. Without NAME, list the routes.

    TARGET is a URL, the path of a Unix socket, or a TCP or UDP address. The route stays until it is
    removed or `homeport down` ends the engine; should the engine be killed, the next one opens it again.

    \b
    Examples:
      homeport route api http://127.0.0.1:8080           http://api.localhost:62893
      homeport route app unix:/run/app.sock --default    http://127.0.0.1:62893
      homeport route old https://127.0.0.1:8443 --verify off
      homeport route rpc 127.0.0.1:50051 --h2
      homeport route db tcp:127.0.0.1:5432 --listen 62900
      homeport route db tcp:127.0.0.1:5432 --listen 62900 --tls terminate --client-ca ca.pem
      homeport route game udp:127.0.0.1:7777 --listen 62901
      homeport route admin 8080 --access same-user --access token
      homeport route web 3000 --expose 192.168.1.20 --access token
      homeport route --remove api
    """
    if remove:
        _remove(session, name, target)
    elif name is None:
        _list(session)
    elif target is None:
        raise click.UsageError(f"route {name!r} needs a target, such as http://127.0.0.1:8080")
    else:
        spec = RouteSpec(
            name=name,
            target=_with_scheme(target),
            listen=listen,
            default=default,
            https=https,
            h2=h2,
            access=read_access(access),
            cross_site=cross_site,
            tls=tls or "",
            client_ca=os.path.abspath(client_ca) if client_ca else "",
            verify=verify if verify in ("", "off") else os.path.abspath(verify),
            subdomains=subdomains,
            expose=read_expose(expose, lasts, access),
        )
        engine = session.engine()
        state = engine.routes.add(spec)
        _show(session, state)
        if state.exposed is not None and not session.as_json:
            show_exposed(session, engine, name, state.exposed)


def _with_scheme(target: str) -> str:
    """`8080` and `127.0.0.1:8080` are what people type for http://127.0.0.1:8080."""
    if target.startswith(("http://", "https://", "unix:", "tcp:", "udp:")):
        return target
    if target.startswith("/"):
        return f"unix:{target}"
    from homeport.model.endpoint import parse_endpoint

    return f"http://{parse_endpoint(target)}"


def _remove(session: Session, name: str | None, target: str | None) -> None:
    if name is None or target is not None:
        raise click.UsageError("--remove needs the name of the route, and nothing else")
    session.running_engine().routes.remove(name)
    session.say(f"route {name} is removed")


def _list(session: Session) -> None:
    import msgspec

    engine = session.maybe_engine()
    routes = [route for route in engine.routes.list() if route.kind != "control"] if engine else []
    if session.as_json:
        session.json(routes)
    elif routes:
        session.data(
            "\n".join(route_lines(msgspec.to_builtins(routes), session.terminal.paint, session.terminal.width))
        )
    else:
        session.say("no routes")


def _show(session: Session, state: RouteState) -> None:
    if session.as_json:
        session.json(state)
        return
    address = (
        state.listen if state.kind in ("tcp", "udp") and not state.tls else "  ".join(state.urls[:2] or [state.url])
    )
    session.data(f"{state.name}  {session.terminal.paint(address, 'bold')}  → {state.target}")

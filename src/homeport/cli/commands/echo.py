"""`homeport echo`: a server that sends back what it gets, to test a client with."""

from __future__ import annotations

import rich_click as click

from homeport.cli.options import command_options, pass_session
from homeport.cli.session import Session


@click.command("echo", short_help="Answer with what was sent: TCP, UDP, HTTP, WebSocket")
@click.argument("place", metavar="[ENDPOINT]", required=False, default="127.0.0.1:0")
@click.option("--tcp", is_flag=True, help="Echo bytes over TCP.")
@click.option("--udp", is_flag=True, help="Echo datagrams.")
@click.option("--http", is_flag=True, help="Answer HTTP requests with what they were, as JSON.")
@click.option("--ws", is_flag=True, help="Echo the messages of WebSockets.")
@click.option("--hex", "as_hex", is_flag=True, help="Show the bytes as a hex dump as well.")
@click.option("-q", "--quiet", is_flag=True, help="Say where it listens, and nothing of what passes.")
@click.option("--exposed", is_flag=True, help="Allow an address that other computers may reach.")
@command_options(json=True)
@pass_session
def command(
    session: Session, place: str, tcp: bool, udp: bool, http: bool, ws: bool, as_hex: bool, quiet: bool, exposed: bool
) -> int:
    """Send back whatever comes, and show it: a server to test clients with, until Ctrl-C.

    Without an option it speaks all four on one port: a TCP client that begins with an HTTP request
    gets JSON about it (or a WebSocket), any other its own bytes. Over HTTP, /status/404, /delay/2,
    /bytes/1000 and /stream/5 do what they say. Without ENDPOINT it takes a free port of 127.0.0.1
    and [::1].

    \b
    Examples:
      homeport echo
      homeport echo --http 8080
      homeport echo --udp '[::1]:5353' --hex
      homeport echo --json | jq -c 'select(.event == "in")'
    """
    from homeport.cli.echo_run import run_echo
    from homeport.play.echo import KINDS

    asked = {"tcp": tcp, "udp": udp, "http": http, "ws": ws}
    kinds = frozenset(kind for kind in KINDS if asked[kind]) or frozenset(KINDS)
    return run_echo(session, place, kinds, as_hex=as_hex, is_quiet=quiet, is_exposed=exposed)

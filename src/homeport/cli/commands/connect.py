"""`homeport connect`: a terminal client for anything that listens."""

from __future__ import annotations

import rich_click as click

from homeport.cli.options import command_options, pass_session
from homeport.cli.session import Session


@click.command("connect", short_help="Talk to an endpoint: TCP, TLS, UDP, WebSocket")
@click.argument("where", metavar="ENDPOINT")
@click.option("--hex", "as_hex", is_flag=True, help="Type and see bytes as hex (binary messages on a WebSocket).")
@click.option("--crlf", is_flag=True, help="End each line with CR LF, as HTTP, SMTP and Redis want it.")
@click.option("--tls", is_flag=True, help="Speak TLS, and check the certificate.")
@click.option("--insecure", is_flag=True, help="Do not check the certificate.")
@click.option(
    "--ca", metavar="FILE", type=click.Path(exists=True, dir_okay=False), help="Trust this authority as well."
)
@click.option("--sni", metavar="NAME", default="", help="The name to ask for and to check the certificate against.")
@click.option("--from", "source", metavar="ADDRESS", default="", help="Come from this address of this computer.")
@click.option("--udp", is_flag=True, help="Send datagrams, one for each line.")
@click.option("--ws", metavar="PATH", help="Open a WebSocket on this path.")
@click.option(
    "--wait",
    "wait_s",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    help="End after this silence past our last word.",
)
@click.option(
    "--timeout", "limit_s", metavar="SECONDS", type=click.FloatRange(min=0.001), default=10.0, help="To connect. [10]"
)
@click.option("-v", "--verbose", is_flag=True, help="Say how it went to stderr where stdout is no terminal, too.")
@command_options(json=True)
@pass_session
def command(
    session: Session,
    where: str,
    as_hex: bool,
    crlf: bool,
    tls: bool,
    insecure: bool,
    ca: str | None,
    sni: str,
    source: str,
    udp: bool,
    ws: str | None,
    wait_s: float | None,
    limit_s: float,
    verbose: bool,
) -> int:
    """Talk to whatever listens on ENDPOINT: what you type goes out, what comes is shown.

    ENDPOINT is a port, an address, a Unix socket, or a URL: tcp, tls, udp, ws, wss. For an http or
    https URL it sends one GET. In a script, stdin goes out and the answers come to stdout byte for
    byte; at the end of stdin the connection is half closed, and the rest of the answer awaited.

    \b
    Examples:
      homeport connect 3000
      printf 'PING\\n' | homeport connect --crlf 6379 --wait 0.2
      homeport connect --tls --ca ca.pem localhost:8443
      homeport connect ws://127.0.0.1:3000/chat
    """
    from homeport.cli.connect_run import Manner, run_connect
    from homeport.play.dial import TlsWish
    from homeport.play.place import come_from, parse_place

    if as_hex and crlf:
        raise click.UsageError("--hex and --crlf: typed bytes have no lines to end")
    is_tls = tls or insecure or bool(ca) or bool(sni)
    place = come_from(parse_place(where, tls=is_tls, udp=udp, ws=ws), source)
    wish = TlsWish(is_insecure=insecure, ca_file=ca or "", sni=sni)
    manner = Manner(
        form="hex" if as_hex else "crlf" if crlf else "bytes",
        wish=wish,
        limit_s=limit_s,
        wait_s=wait_s,
        is_verbose=verbose,
    )
    return run_connect(session, place, manner)

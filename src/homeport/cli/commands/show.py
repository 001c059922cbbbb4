"""`homeport show`: one exchange in full."""

from __future__ import annotations

import rich_click as click

from homeport.cli.complete import complete_exchange
from homeport.cli.credentials import is_secret
from homeport.cli.curl import curl_command
from homeport.cli.exchange_view import exchange_lines
from homeport.cli.options import command_options, pass_session
from homeport.cli.seams import Engine
from homeport.cli.session import Session
from homeport.cli.which_exchange import newest, number_in
from homeport.cli.words import size
from homeport.model.errors import HomeportError
from homeport.model.exchange import ExchangeDetail


@click.command("show", short_help="Show one request in full")
@click.argument("exchange_id", metavar="ID", shell_complete=complete_exchange)
@click.option("--body", type=click.Choice(["request", "response"]), help="Print one body, decoded, and nothing else.")
@click.option("--curl", is_flag=True, help="Print the curl command that sends the request again.")
@click.option("--secrets", is_flag=True, help="Show the values of headers that carry credentials.")
@command_options(json=True, door=True)
@pass_session
def command(session: Session, exchange_id: str, body: str | None, curl: bool, secrets: bool) -> None:
    """Show one exchange: heads, bodies, WebSocket messages, and where the time went.

    ID is the number in `homeport requests`, or `last`. On a terminal the values of headers such
    as Authorization and Cookie are hidden; in a pipe and in JSON they are there.

    \b
    Examples:
      homeport show 42
      homeport show last --curl
      homeport show 42 --body response | jq .users
    """
    wanted = number_in(exchange_id)
    engine = session.engine()
    number = wanted or newest(engine)
    if body is not None:
        _print_body(session, engine, number, body)
        return
    detail = engine.traffic.show(number)
    secrets = secrets or not session.terminal.is_interactive
    if curl:
        session.data(curl_command(detail, secrets=secrets))
        if not secrets and _has_secrets(detail):
            session.say("credentials are left out; --secrets puts them in")
    elif session.as_json:
        session.json(detail)
    else:
        session.data("\n".join(exchange_lines(detail, session.terminal.paint, secrets=secrets)))


def _print_body(session: Session, engine: Engine, number: int, side: str) -> None:
    """The bytes as they are; a terminal is spared what is not text."""
    data, media_type = engine.traffic.body(number, side)
    if session.as_json:
        raise click.UsageError("--body prints the body as it is; --json alone has both bodies in it")
    if session.terminal.is_interactive and b"\x00" in data[:1024]:
        hint = f"homeport show {number} --body {side} > FILE"
        raise HomeportError("bad-usage", f"this body is binary ({media_type}, {size(len(data))})", hint)
    buffer = getattr(session.terminal.out, "buffer", None)
    if buffer is None:
        session.terminal.data(data.decode(errors="replace"), end="")
    else:
        session.terminal.out.flush()
        buffer.write(data)
        buffer.flush()


def _has_secrets(detail: ExchangeDetail) -> bool:
    return any(is_secret(name) for name, _ in detail.request.headers)

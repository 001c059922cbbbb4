"""`homeport requests`: what passed, as a table."""

from __future__ import annotations

import rich_click as click

from homeport.cli.complete import complete_filter
from homeport.cli.filter_words import FilterCommand
from homeport.cli.options import command_options, pass_session
from homeport.cli.request_line import request_table
from homeport.cli.session import Session


@click.command("requests", short_help="List recorded requests", cls=FilterCommand)
@click.argument("filter_words", metavar="[FILTER]...", nargs=-1, shell_complete=complete_filter)
@click.option("-n", "--limit", default=50, show_default=True, help="How many, counted from the newest.")
@click.option("--clear", is_flag=True, help="Forget every recorded request.")
@command_options(json=True, door=True)
@pass_session
def command(session: Session, filter_words: tuple[str, ...], limit: int, clear: bool) -> None:
    """List the recorded requests, the newest last.

    FILTER is words that must all match; a - before one means not. A bare word is looked for in
    method, host, path, route and status. Keys: method: status: route: scheme: version: host: path: type:
    client: ending: conditions: kind: since: duration: size: body: header:

    \b
    Examples:
      homeport requests
      homeport requests route:api status:5xx since:10m
      homeport requests method:POST -path:/health body:alice
      homeport requests 'duration:>500' 'size:>1mb'
    """
    engine = session.engine()
    if clear:
        if filter_words:
            raise click.UsageError("--clear forgets everything; it takes no filter")
        engine.traffic.clear()
        session.say("the recording is empty now")
        return
    found = engine.traffic.list(filter=" ".join(filter_words), limit=limit)
    found.sort(key=lambda summary: summary.id)
    if session.as_json:
        session.json(found)
    elif found:
        session.data("\n".join(request_table(found, session.terminal.paint, session.terminal.width)))
    else:
        session.say("no recorded request matches" if filter_words else "no request was recorded yet")

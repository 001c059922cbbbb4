"""`homeport watch`: requests as they pass."""

from __future__ import annotations

import rich_click as click

from homeport.cli.complete import complete_filter
from homeport.cli.feed import Feed, FeedEnded
from homeport.cli.filter_words import FilterCommand
from homeport.cli.options import command_options, pass_session
from homeport.cli.printer import Printer, printer_for
from homeport.cli.seams import Event
from homeport.cli.session import Session
from homeport.model.exchange import ExchangeSummary
from homeport.model.log import LogLine
from homeport.model.status import Lost

TICK_S = 0.5


@click.command("watch", short_help="Show requests as they pass", cls=FilterCommand)
@click.argument("filter_words", metavar="[FILTER]...", nargs=-1, shell_complete=complete_filter)
@click.option("--logs", is_flag=True, help="Show the apps' log lines between the requests.")
@command_options(json=True, door=True)
@pass_session
def command(session: Session, filter_words: tuple[str, ...], logs: bool) -> None:
    """Show requests live, one line each, as soon as they end.

    A request that runs longer (a download, a WebSocket, server-sent events, an app that hangs)
    is shown while it is open and again when it ends. FILTER is that of `homeport requests`.

    \b
    Examples:
      homeport watch
      homeport watch route:api status:>=400
      homeport watch --logs
      homeport watch --json | jq .data.path
    """
    engine = session.engine()
    feed = Feed(engine, ("exchange", "log") if logs else ("exchange",), filter=" ".join(filter_words))
    printer = printer_for(session, [app.route for app in engine.apps.list()] if logs else [], always_named=True)
    state = engine.engine.status().engine
    session.say(f"watching {state.url if state else 'the door'} (Ctrl-C ends)")
    try:
        while True:
            _show(session, printer, feed.next(TICK_S))
    except FeedEnded:
        session.say("the engine has ended")


def _show(session: Session, printer: Printer, event: Event | None) -> None:
    match event:
        case ExchangeSummary():
            printer.exchange(event)
        case LogLine():
            printer.log(event)
        case Lost():
            session.say_warning(f"{event.events} events passed too fast to be shown")

"""`homeport demo`: the product on a fresh machine, with three small apps that come with it."""

from __future__ import annotations

import rich_click as click

from homeport.cli.app_lines import shown_urls
from homeport.cli.feed import Feed
from homeport.cli.foreground import Foreground
from homeport.cli.launch import READY
from homeport.cli.options import command_options, pass_session
from homeport.cli.request_line import request_table
from homeport.cli.seams import Engine
from homeport.cli.session import Session
from homeport.cli.stopping import stop_all
from homeport.model.app import AppSpec, AppState
from homeport.model.errors import HomeportError
from homeport.model.exchange import ExchangeSummary

QUIET_S = 0.5  # without a new exchange: all of them have been recorded
TRY = {
    "{url}": "the page: it calls the API and opens a WebSocket",
    "curl {url}/@api.demo/items": "the API, from another terminal",
    "homeport open": "the dashboard, with every request",
    "homeport status": "what runs",
    "Ctrl-C": "stops the demo",
}


@click.command("demo", short_help="Run the small apps that come with homeport")
@click.option("--once", is_flag=True, help="Make some requests, show what was recorded, and end.")
@command_options(json=True, door=True)
@pass_session
def command(session: Session, once: bool) -> int:
    """Run three small apps that come with homeport: a page with a WebSocket, a JSON API, a UDP echo.

    Every request is shown as it passes. Where stdout is not a terminal, it does what --once does.

    \b
    Examples:
      homeport demo
      homeport demo --once
    """
    from homeport.demo import specs

    engine = session.engine()
    if once or not session.terminal.is_interactive:
        return _once(session, engine, specs())
    _say_what_to_try(session, _url(engine))
    foreground = Foreground(session, engine, specs(), requests=True)
    status = foreground.run()
    return 0 if foreground.was_asked_to_stop else status  # `make demo` would call Ctrl-C an error


def _say_what_to_try(session: Session, url: str) -> None:
    paint = session.terminal.paint_talk
    typed = {words.format(url=url): about for words, about in TRY.items()}
    width = max(map(len, typed))
    for words, about in typed.items():
        session.say(f"  {paint(words, 'bold')}{' ' * (width - len(words))}  {paint(about, 'dim')}")


def _url(engine: Engine) -> str:
    state = engine.engine.status().engine
    if state is None or not state.url:
        raise HomeportError("engine-failed", "the engine has no door", "homeport status")
    return state.url


def _once(session: Session, engine: Engine, specs: list[AppSpec]) -> int:
    feed = Feed(engine, ("exchange",))
    session.say("starting the demo's apps")
    states = engine.apps.start(specs)
    try:
        ready = [state if state.state in READY else engine.apps.wait(state.route) for state in states]
        _check(session, ready)
        found = _visit(session, engine, feed)
    finally:
        stop_all(engine, [[state.route for state in states]])
    _show(session, found)
    return 0


def _check(session: Session, states: list[AppState]) -> None:
    for state in states:
        if state.state not in READY:
            finding = state.finding
            message = finding.what if finding else f"{state.route} is {state.state}"
            raise HomeportError("app-failed", message, finding.next if finding else f"homeport logs {state.route}")
        session.say(f"{state.route} is ready: {'  '.join(shown_urls(state))}")


def _visit(session: Session, engine: Engine, feed: Feed) -> list[ExchangeSummary]:
    """Make the demo's requests; what was recorded of them, oldest first."""
    from homeport.demo import visit

    url = _url(engine)
    session.say(f"making requests through {url}")
    visit(url)
    found: dict[int, ExchangeSummary] = {}
    while (event := feed.next(QUIET_S)) is not None:
        if isinstance(event, ExchangeSummary):
            found[event.id] = event
    return [found[number] for number in sorted(found)]


def _show(session: Session, found: list[ExchangeSummary]) -> None:
    if session.as_json:
        session.json(found)
        return
    session.say("recorded:")
    session.data("\n".join(request_table(found, session.terminal.paint, session.terminal.width)))
    session.say("see one in full with `homeport show ID`; run `homeport demo` in a terminal to look around")

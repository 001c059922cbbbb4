"""Starting apps for `run`, `up`, `serve` and `demo`: in the foreground, or detached once they are ready."""

from __future__ import annotations

from homeport.cli.app_lines import finding_lines, shown_urls
from homeport.cli.expose_view import show_asked_for
from homeport.cli.foreground import Foreground
from homeport.cli.seams import Engine
from homeport.cli.session import Session
from homeport.model.app import AppSpec, AppState

READY = ("ready", "idle")  # idle: starts on the first request, which is what its file asked for


def launch(session: Session, specs: list[AppSpec], *, detach: bool = False, requests: bool = False) -> int:
    """Returns the exit status of the command."""
    engine = session.engine()
    if detach:
        return start_detached(session, engine, specs)
    return Foreground(session, engine, specs, requests=requests).run()


def start_detached(session: Session, engine: Engine, specs: list[AppSpec]) -> int:
    """Start, wait until each is ready or will not be, print the addresses, leave."""
    states = [state if state.state in READY else engine.apps.wait(state.route) for state in engine.apps.start(specs)]
    status = report_ready(session, states)
    show_asked_for(session, engine, specs, states)
    return status


def report_ready(session: Session, states: list[AppState]) -> int:
    """The addresses as data, what is wrong as talk. The exit status is 1 where an app is not ready."""
    if session.as_json:
        session.json(states)
    for state in states:
        _report(session, state)
    return 0 if all(state.state in READY for state in states) else 1


def _report(session: Session, state: AppState) -> None:
    talk = session.terminal.paint_talk
    if state.state in READY and not session.as_json:
        paint = session.terminal.paint
        session.data(f"{state.route}  {'  '.join(paint(url, 'bold') for url in shown_urls(state))}")
    if state.finding:
        for line in finding_lines(state.finding, talk):
            session.say(line)
    elif state.state not in READY:
        session.say(f"{talk('✗', 'red')} {state.route}: {state.state}, exit code {state.exit_code}")
    if state.notice:
        session.say(f"{talk('notice:', 'yellow')} {state.notice}")

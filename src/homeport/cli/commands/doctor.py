"""`homeport doctor`: why something does not answer, and what to do next."""

from __future__ import annotations

import sys

import rich_click as click

from homeport.cli.failure import report as report_mistake
from homeport.cli.options import command_options, pass_session
from homeport.cli.session import Session
from homeport.model.errors import HomeportError

TYPE_CHECKING = False  # see homeport.cli
if TYPE_CHECKING:
    from homeport.model.network import ConditionsState
    from homeport.model.status import Status

DENIED, INVALID, INTERNAL = 3, 4, 5
_STATUSES = {"bad-usage": INVALID, "not-found": INVALID, "needs-root": DENIED}


@click.command("doctor", short_help="Say why something does not answer")
@click.argument("place", metavar="[ENDPOINT|URL|NAME]", required=False, default="")
@click.option(
    "--explain", metavar="TEXT", default=None, help="Explain an error message, pasted as it came; - reads stdin."
)
@click.option("--trace", is_flag=True, help="Trace a connection through the firewall to its deciding rule (root).")
@click.option("--fix", is_flag=True, help="Let the port through the firewall on loopback only, after a yes.")
@click.option("--yes", is_flag=True, help="Do not ask before --fix changes something.")
@click.option("--loopback", is_flag=True, help="Measure loopback itself, and show its limits beside what is normal.")
@command_options(json=True)
@pass_session
def command(
    session: Session, place: str, explain: str | None, trace: bool, fix: bool, yes: bool, loopback: bool
) -> int:
    """Say why something does not answer, and what to do next.

    Walks the path that a client takes: name, address, connection, TLS, HTTP, proxy, with the time
    of each step, and says where it ends. Without an argument it looks at this computer and at
    every app and route. Needs neither the engine nor root; root sees which rule of a firewall it is.

    \b
    Examples:
      homeport doctor
      homeport doctor 3000
      homeport doctor https://localhost:8443/login
      homeport doctor api                               an app or a route of the engine
      homeport doctor --explain "connect ECONNREFUSED ::1:3000"
      homeport doctor --loopback
    """
    try:
        _check(place, explain, needs_place=trace or fix, loopback=loopback)
        if loopback:
            from homeport.cli.loopback_view import show_loopback

            return show_loopback(session)
        return _answer(session, place, explain, trace=trace, fix=fix, yes=yes)
    except BrokenPipeError:
        raise
    except HomeportError as error:
        report_mistake(error, session.terminal)
        return _STATUSES.get(error.code, INTERNAL)
    except Exception as error:
        report_mistake(error, session.terminal)
        return INTERNAL


def _check(place: str, explain: str | None, *, needs_place: bool, loopback: bool) -> None:
    if loopback and (place or explain is not None or needs_place):
        message = "--loopback looks at the whole computer: give it no place and no message"
        raise HomeportError("bad-usage", message, "homeport doctor --loopback")
    if needs_place and not place:
        raise HomeportError("bad-usage", "--fix and --trace need an endpoint", "homeport doctor --fix 127.0.0.1:3000")


def _answer(session: Session, place: str, explain: str | None, *, trace: bool, fix: bool, yes: bool) -> int:
    from homeport.app.doctor import this_doctor
    from homeport.cli.doctor_view import exit_status, overview_lines, report_lines

    doctor = this_doctor(_status(session), trace=trace, networks=_networks(session))
    if explain is not None:
        found = doctor.explain(_text(explain), place)
    else:
        found = doctor.examine(place) if place else doctor.everything()
    if session.as_json and not fix:
        session.json(found)
        return exit_status(found)
    is_overview = explain is None and not place
    paint, width = session.terminal.paint, session.terminal.width
    lines = overview_lines(found, paint, width) if is_overview else report_lines(found, paint, width)
    if not session.as_json:
        session.data("\n".join(lines))
    if fix:
        from homeport.cli.doctor_fix import repair

        return repair(session, found, is_agreed=yes)
    return exit_status(found)


def _status(session: Session) -> Status | None:
    """Of the engine, where one runs and answers: the doctor works without."""
    try:
        engine = session.maybe_engine()
        return engine.engine.status() if engine else None
    except HomeportError as error:
        session.say_warning(f"the engine is left out: {error.message}")
        return None


def _networks(session: Session) -> list[ConditionsState]:
    try:
        engine = session.maybe_engine()
        return engine.conditions.list() if engine else []
    except HomeportError:
        return []  # said already


def _text(explain: str) -> str:
    text = sys.stdin.read() if explain == "-" else explain
    if not text.strip():
        raise HomeportError(
            "bad-usage", "there is no message to explain", 'homeport doctor --explain "EADDRINUSE :::3000"'
        )
    return text

"""`homeport echo` at work: binds, serves, prints each step, and sums up when it is asked to stop."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable

from homeport.cli.echo_view import ARROWS, PLAIN_ARROWS, listening_lines, step_lines, sum_line
from homeport.cli.failure import PipeGone
from homeport.cli.loop_signals import calling
from homeport.cli.session import Session
from homeport.cli.terminal import Terminal
from homeport.model.endpoint import Endpoint, parse_endpoint
from homeport.model.errors import HomeportError
from homeport.play.bind import Bound, bind_echo
from homeport.play.echo import STREAMS, Echo, Kind
from homeport.play.event import Event, as_json


def run_echo(
    session: Session, place: str, kinds: frozenset[Kind], *, as_hex: bool, is_quiet: bool, is_exposed: bool
) -> int:
    """Returns the exit status once it was stopped."""
    endpoint = _parsed(place)
    if endpoint.is_unix:
        kinds -= {"udp"}
    bound = _bind(endpoint, kinds, is_exposed)
    printer = _Printer(session, as_hex=as_hex)
    echo = Echo(kinds, _nothing if is_quiet else printer.show)
    try:
        asyncio.run(_serve(session, echo, bound, kinds, printer))
    finally:
        bound.close()
    if printer.is_reader_gone:
        raise PipeGone
    session.say(sum_line(echo.connections, echo.datagrams, echo.in_bytes, echo.out_bytes))
    return 0


async def _serve(session: Session, echo: Echo, bound: Bound, kinds: frozenset[Kind], printer: _Printer) -> None:
    stopped = asyncio.Event()
    printer.when_reader_gone = stopped.set
    with calling(stopped.set, "SIGINT", "SIGTERM", "SIGHUP"):
        await echo.open(bound)
        _greet(session, bound.endpoints, kinds)
        await stopped.wait()
        await echo.close()


def _greet(session: Session, endpoints: list[Endpoint], kinds: frozenset[Kind]) -> None:
    if session.as_json:
        listening = {"event": "listening", "endpoints": [str(endpoint) for endpoint in endpoints]}
        session.json_line({**listening, "protocols": sorted(kinds)})
        return
    for line in listening_lines(endpoints, kinds, session.terminal.paint_talk):
        session.say(line)


class _Printer:
    """Prints each step. A reader of our output that is gone ends the server; to a connection it would look like its own
    end, since that is a broken pipe as well."""

    def __init__(self, session: Session, *, as_hex: bool) -> None:
        self.is_reader_gone = False
        self.when_reader_gone: Callable[[], None] = lambda: None
        self._session = session
        self._as_hex = as_hex
        self._arrows = arrows_of(session.terminal)

    def show(self, event: Event) -> None:
        if self.is_reader_gone:
            return
        try:
            self._show(event)
        except BrokenPipeError:
            self.is_reader_gone = True
            self.when_reader_gone()

    def _show(self, event: Event) -> None:
        session, terminal = self._session, self._session.terminal
        if session.as_json:
            session.json_line(as_json(event))
            return
        for line in step_lines(event, terminal.paint, terminal.width, as_hex=self._as_hex, arrows=self._arrows):
            session.data(line)


def arrows_of(terminal: Terminal) -> dict[str, str]:
    """Those that the terminal can show."""
    try:
        "".join(ARROWS.values()).encode(terminal.out.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return PLAIN_ARROWS
    return ARROWS


def _nothing(event: Event) -> None:
    pass


def _parsed(place: str) -> Endpoint:
    if "/" in place and "://" not in place and not place.startswith("unix:"):
        place = f"unix:{place}"
    return parse_endpoint(place)


def _bind(endpoint: Endpoint, kinds: frozenset[Kind], is_exposed: bool) -> Bound:
    try:
        return bind_echo(endpoint, streams=bool(kinds & STREAMS), datagrams="udp" in kinds, exposed=is_exposed)
    except OSError as error:
        if error.errno == errno.EADDRINUSE and not endpoint.is_unix:
            from homeport.app.taken import find_taken, told
            from homeport.machine.ports import this_computer

            taken = HomeportError("port-taken", f"{endpoint} is taken", f"homeport who {endpoint.port}")
            needs_udp = "udp" in kinds
            raise told(taken, endpoint, lambda it: find_taken(this_computer(), it, udp=needs_udp)) from None
        if error.errno in (errno.EACCES, errno.EPERM) and endpoint.port:
            message = f"{endpoint} may not be listened on: ports below 1024 belong to root"
            raise HomeportError("bad-usage", message, f"homeport echo {endpoint.port + 8000}") from None
        reason = error.strerror or str(error)
        raise HomeportError("bad-usage", f"cannot listen on {endpoint}: {reason}", "homeport echo") from None

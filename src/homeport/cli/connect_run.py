"""`homeport connect` at work: dials, joins stdin and the other side, shows what passes, and says how it ended."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine

import msgspec

from homeport.cli.connect_errors import unreachable
from homeport.cli.connect_view import Screen, Show, ending_line, opened_line
from homeport.cli.echo_run import arrows_of
from homeport.cli.failure import INTERRUPTED
from homeport.cli.loop_signals import calling
from homeport.cli.peer_text import shown
from homeport.cli.session import Session
from homeport.cli.typed import Form, Shaper, typed
from homeport.model.errors import HomeportError
from homeport.play.connect import Opened, get_request, open_link
from homeport.play.dial import TlsWish
from homeport.play.place import Place
from homeport.play.talk import LEFT, Talk


class Manner(msgspec.Struct, frozen=True, kw_only=True):
    """How it is to be done: the command's options."""

    form: Form = "bytes"
    wish: TlsWish = TlsWish()
    limit_s: float = 10.0
    wait_s: float | None = None
    is_verbose: bool = False


def run_connect(session: Session, place: Place, manner: Manner) -> int:
    """Returns the exit status: 0 where it ended well, 1 where the other side broke off."""
    talkative = (session.terminal.is_interactive or manner.is_verbose) and not session.as_json
    return asyncio.run(_interruptible(_connect(session, place, manner, talkative)))


async def _interruptible(conversation: Coroutine[object, object, int]) -> int:
    """Ctrl-C ends the conversation in order: what is open is closed, and the sum is told."""
    task = asyncio.create_task(conversation, name="connect")
    with calling(task.cancel, "SIGINT"):
        try:
            return await task
        except asyncio.CancelledError:
            return INTERRUPTED


async def _connect(session: Session, place: Place, manner: Manner, talkative: bool) -> int:
    try:
        opened = await open_link(place, manner.wish, manner.limit_s, is_binary=manner.form == "hex")
    except OSError as error:  # TimeoutError and ssl.SSLError among them
        raise unreachable(place, error, manner.limit_s) from None
    show = _show(session, as_hex=manner.form == "hex")
    talk = Talk(opened.link, show, protocol=place.name, peer=opened.peer)
    if session.as_json:
        session.json_line(_told(opened, place))
    if talkative:
        session.say(opened_line(opened, place.name, session.terminal.paint_talk))
        if _is_typed() and place.protocol != "http":
            session.say(session.terminal.paint_talk("Enter sends a line, Ctrl-D ends your side, Ctrl-C leaves", "dim"))
    try:
        await talk.run(_words(session, place, manner), manner.wait_s)
    finally:
        ending = await talk.close()
        if talkative:
            # The terminal has just shown ^C, without an end of line.
            session.say(("\n" if ending.why == LEFT and _is_typed() else "") + ending_line(ending))
    if not ending.is_clean and not talkative and not session.as_json:
        raise HomeportError(
            "unreachable",
            f"the conversation with {place.endpoint} was {ending.why}",
            f"homeport doctor {place.endpoint}",
        )
    return 0 if ending.is_clean else 1


def _words(session: Session, place: Place, manner: Manner) -> AsyncIterator[bytes]:
    """One request for an http URL, else what is typed."""
    if place.protocol == "http":
        return get_request(place)
    form = manner.form
    if place.protocol == "ws" and form != "hex":
        form = "messages"
    elif place.protocol == "udp" and form == "bytes":
        form = "lines"
    return typed(_read_stdin, Shaper(form, _mistake(session)))


def _read_stdin(size: int) -> bytes:
    """Where stdin was closed (`<&-`), descriptor 0 may be something else by now: nothing is read."""
    return os.read(0, size) if sys.stdin is not None else b""


def _is_typed() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def _mistake(session: Session) -> Callable[[str], None]:
    """A typing mistake is forgiven on a terminal, where it can be typed again."""

    def tell(line: str) -> None:
        if not _is_typed():
            raise HomeportError("bad-usage", f"not hex: {shown(line[:60])}", "homeport connect --hex takes 68 65 0a")
        session.say_warning(f"not hex, so nothing was sent: {shown(line[:60])}")

    return tell


def _show(session: Session, *, as_hex: bool) -> Show:
    screen = Screen(session.terminal, arrows_of(session.terminal), as_hex=as_hex, is_typed=_is_typed())
    if session.as_json:
        return screen.as_json
    return screen.on_terminal if session.terminal.is_interactive else screen.as_bytes


def _told(opened: Opened, place: Place) -> dict[str, object]:
    told: dict[str, object] = {"event": "open", "protocol": place.name, "peer": opened.peer}
    if opened.tls:
        told["tls"] = opened.tls
    times = {"connect_ms": opened.connect_ms, "tls_ms": opened.tls_ms, "handshake_ms": opened.handshake_ms}
    return {**told, **{name: round(ms, 3) for name, ms in times.items() if ms is not None}}

"""The engine's end of the recording: it sends batches, asks, listens, and starts the recorder again when it dies.

What was sent and is not yet safe in the store is kept and sent again, so a recorder that is killed loses nothing. The
road never waits: what does not fit is dropped and counted. It knows no SQL and opens no file.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from homeport.model.errors import HomeportError
from homeport.model.exchange import Exchange, ExchangeDetail, ExchangeSummary
from homeport.model.log import LogLine
from homeport.model.settings import Settings
from homeport.model.status import RecordingState
from homeport.recording import channel
from homeport.recording.command import Command
from homeport.recording.link import Link
from homeport.recording.outbox import Outbox
from homeport.recording.process import RecorderProcess
from homeport.recording.questions import Questions
from homeport.recording.subscriptions import OnLost, Seen, Subscriptions
from homeport.recording.tap import LinesTap, RecorderTap

FLUSH_EVERY_S = 0.03
_BACK_OFF_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_STEADY_S = 30.0  # a recorder that lived so long starts the back-off anew
_HELLO_S = 10.0
_LAST_HELLO_S = 2.0
_TOO_FAST = "{} exchanges were not recorded: they passed faster than they could be written"

_T = TypeVar("_T")
_encode = msgspec.msgpack.encode


class Recording:
    """`tap` is given to the road and to the supervisor. Everything else is for the control API."""

    def __init__(self, settings: Settings, command: Command) -> None:
        tap = RecorderTap if settings.recording else LinesTap
        self.tap = tap(
            self._wake, self._greet, self._line, body_limit_bytes=settings.body_limit_bytes if settings.recording else 0
        )
        self._command = command
        self._outbox = Outbox()
        self._subscriptions = Subscriptions(self._watch)
        self._followers: list[Callable[[Sequence[Exchange]], None]] = []
        self._questions = Questions()
        self._link: Link | None = None
        self._process: RecorderProcess | None = None
        self._is_greeted = asyncio.Event()
        self._state = RecordingState()
        self._lost_before = (0, 0)  # exchanges and lines, by recorders that are gone
        self._lost_why = ""
        self._trouble = ""
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._life: asyncio.Task[None] | None = None

    # life

    async def start(self) -> None:
        """Start the recorder; without it the engine runs as well, so this never fails."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._life = asyncio.create_task(self._keep_alive(), name="recorder")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._is_greeted.wait(), _HELLO_S)

    async def close(self) -> None:
        """Hand over the rest and wait until it is stored."""
        self._flush()
        if self._timer is not None:
            self._timer.cancel()
        if self._outbox.backlog_bytes and self._life is not None:
            with contextlib.suppress(TimeoutError):  # a recorder may be on its way
                await asyncio.wait_for(self._is_greeted.wait(), _LAST_HELLO_S)
        life, self._life = self._life, None
        if life is None:
            return
        if self._link is not None:
            self._link.close()
        else:
            life.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await life

    async def _keep_alive(self) -> None:
        """Start a recorder, and another when it dies, waiting longer each time that was soon."""
        failures = 0
        while True:
            began_s = time.monotonic()
            self._trouble = await self._one_life()
            if self._life is None:
                return
            failures = 0 if time.monotonic() - began_s > _STEADY_S else failures
            await asyncio.sleep(_BACK_OFF_S[min(failures, len(_BACK_OFF_S) - 1)])
            failures += 1

    async def _one_life(self) -> str:
        """From the start of a recorder to its end; the sentence that says how it ended."""
        link = Link(self._hear)
        try:
            process = await RecorderProcess.start(self._command)
        except OSError as error:
            return f"the recorder could not be started: {error}"
        try:
            self._link, self._process = link, process
            await link.open(process.sock)
            await link.gone.wait()
        finally:
            self._link = self._process = None
            self._is_greeted.clear()
            link.close()
            status = await process.gone()
            self._forget_recorder()
        return f"the recorder ended ({status}) and is started again"

    def _forget_recorder(self) -> None:
        state = self._state
        self._lost_before = (self._lost_before[0] + state.lost, self._lost_before[1] + state.lost_lines)
        state.lost = state.lost_lines = 0
        self._lost_why = state.lost_why or self._lost_why
        self._questions.give_up()

    # to the recorder

    def _wake(self, is_urgent: bool) -> None:
        """The tap has something. May be called from the relays' thread."""
        if self._loop is None:
            return
        if threading.get_ident() != self._thread:
            self._loop.call_soon_threadsafe(self._wake, is_urgent)
        elif is_urgent:
            self._flush()
        else:
            self._look_in(FLUSH_EVERY_S)

    def _look_in(self, delay_s: float) -> None:
        if self._loop is None or self._loop.is_closed():
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(delay_s, self._flush_and_look_again)

    def _flush_and_look_again(self) -> None:
        self._timer = None
        self._flush()
        next_look_s = self.tap.next_look_s()
        if next_look_s is not None:
            self._look_in(next_look_s)

    def _flush(self) -> None:
        batch = self.tap.take()
        if batch is not None:
            for ended in self._followers:
                ended(batch.closed)
            data = self._outbox.put(batch)
            if data and self._link is not None and self._is_greeted.is_set():
                self._link.send(data)

    def _greet(self, newcomer: channel.Newcomer) -> None:
        if self._link is not None and threading.get_ident() == self._thread:
            self._link.send(channel.frame(channel.NEWCOMER, _encode(newcomer)))

    def _watch(self, watch: channel.Watch) -> None:
        if self._link is not None:
            self._link.send(channel.frame(channel.WATCH, _encode(watch)))

    def _line(self, line: LogLine) -> None:
        self._subscriptions.line(line)

    # from the recorder

    def _hear(self, kind: int, payload: bytes) -> None:
        if kind == channel.STATE:
            report = msgspec.msgpack.decode(payload, type=channel.Report)
            self._outbox.done(report.done)
            self._state = report.state
        elif kind == channel.NEWS:
            self._subscriptions.news(msgspec.msgpack.decode(payload, type=channel.News))
        elif kind == channel.ANSWER:
            self._questions.answered(msgspec.msgpack.decode(payload, type=channel.Answer))
        elif kind == channel.HELLO:
            self._hear_hello(msgspec.msgpack.decode(payload, type=channel.Ready))

    def _hear_hello(self, ready: channel.Ready) -> None:
        """A recorder is there. It gets what the last one may not have kept, and what runs."""
        # without a store nobody knows which numbers are free: those of the clock are
        self.tap.number_from(ready.next_exchange or int(time.time() * 1000), ready.next_line or int(time.time() * 1000))
        self._trouble = ""
        link = self._link
        if link is None:
            return
        for watch in self._subscriptions.watches():
            self._watch(watch)
        for data in self._outbox.again():
            link.send(data)
        self._is_greeted.set()
        self.tap.announce_all()
        self._flush_and_look_again()

    # questions

    async def search(self, filter: str = "", limit: int = 50, before: int | None = None) -> list[ExchangeSummary]:  # noqa: A002
        """The newest exchanges that match, older than number `before`. Raises HomeportError."""
        _check(filter)
        return await self._ask(channel.Search(filter, limit, before), list[ExchangeSummary])

    async def detail(self, exchange: int) -> ExchangeDetail:
        return await self._ask(channel.Detail(exchange), ExchangeDetail)

    async def body(self, exchange: int, side: str) -> tuple[bytes, str]:
        """The decoded body of the "request" or "response" side, and its media type."""
        if side not in ("request", "response"):
            raise HomeportError("bad-usage", f"{side!r} is not a side of an exchange", "request or response")
        return await self._ask(channel.BodyOf(exchange, side), tuple[bytes, str])

    async def logs(self, app: str | None = None, limit: int = 200, after: int | None = None) -> list[LogLine]:
        """In their order: the last lines, or the first ones after line `after`."""
        return await self._ask(channel.Logs(app, limit, after), list[LogLine])

    async def clear(self) -> None:
        await self._ask(channel.Clear(), bool)

    async def _ask(self, question: channel.Question, answer: type[_T]) -> _T:
        """Everything that passed before the question is in the store before its answer."""
        try:
            await asyncio.wait_for(self._is_greeted.wait(), _HELLO_S)
        except TimeoutError:
            raise HomeportError("storage-failed", self.state().problem or "the recorder does not answer") from None
        self._flush()
        number, data = self._questions.ask(question)
        if self._link is not None:
            self._link.send(data)
        value = await self._questions.answer(number)
        return msgspec.msgpack.decode(value, type=answer)

    # news

    def subscribe(self, seen: Seen, filter: str = "", on_lost: OnLost | None = None) -> Callable[[], None]:  # noqa: A002
        """Hear of exchanges that match (when they begin to last, progress, and end) and of every log line.

        `on_lost(count)` hears how many exchanges were too many to be told about. Returns what ends it.
        """
        _check(filter)
        return self._subscriptions.add(seen, filter, on_lost)

    def running(self) -> list[Exchange]:
        """What has begun and not ended, as the road fills it."""
        return self.tap.running()

    def follow(self, ended: Callable[[Sequence[Exchange]], None]) -> Callable[[], None]:
        """Hear of the exchanges that ended, in batches, whether or not they can be stored. Returns what ends it."""
        self._followers.append(ended)
        return lambda: self._followers.remove(ended)

    @property
    def pid(self) -> int | None:
        """Of the recorder that runs now."""
        return self._process.pid if self._process is not None else None

    @property
    def backlog_bytes(self) -> int:
        """What the recorder has not confirmed."""
        return self._outbox.backlog_bytes

    def state(self) -> RecordingState:
        state = self._state
        too_fast = self._outbox.lost + self.tap.lost
        lost = self._lost_before[0] + too_fast + state.lost
        lost_lines = self._lost_before[1] + self._outbox.lost_lines + self.tap.lost_lines + state.lost_lines
        return RecordingState(
            exchanges=state.exchanges,
            bytes=state.bytes,
            lost=lost,
            lost_why=state.lost_why or self._lost_why,
            problem=self._trouble or state.problem or (too_fast and _TOO_FAST.format(too_fast)) or "",
            lost_lines=lost_lines,
        )


def _check(filter: str) -> None:  # noqa: A002
    """Raises HomeportError where it is none."""
    from homeport.recording.filter import parse_filter  # an engine starts sooner without

    parse_filter(filter, 0.0)

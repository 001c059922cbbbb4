"""A conversation: what is typed goes out, what comes is told, until one side has said its last word."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import msgspec

from homeport.play.connection import since
from homeport.play.event import Event, Report
from homeport.play.frames import Message, close_words
from homeport.play.links import Link

LEFT = "left"  # by us, before its end
CLEAN_CLOSES = (1000, 1001, 1005)  # done, going away, no reason given: RFC 6455 section 7.4.1


class Ending(msgspec.Struct, kw_only=True):
    """How it went. `is_clean` is False where the other side broke off, or closed with a code for trouble."""

    why: str = ""
    is_clean: bool = True
    sent_bytes: int = 0
    received_bytes: int = 0
    first_byte_ms: float | None = None
    lasted_ms: float = 0.0


class Talk:
    """One conversation over a link that is open."""

    def __init__(self, link: Link, report: Report, *, protocol: str, peer: str) -> None:
        self._link = link
        self._report = report
        self._protocol = protocol
        self._peer = peer
        self._opened = time.perf_counter()
        self._asked: float | None = None  # when something was sent that nothing has come back for
        self._heard = asyncio.Event()
        self.ending = Ending()

    async def run(self, words: AsyncIterator[bytes], wait_s: float | None) -> Ending:
        """Until the other side ends, or it has been silent for `wait_s` after our last word."""
        silent_s = self._link.default_wait_s if wait_s is None else wait_s
        sending = asyncio.create_task(self._send(words, silent_s), name="connect: sending")
        hearing = asyncio.create_task(self._hear(), name="connect: hearing")
        try:
            await asyncio.wait({sending, hearing}, return_when=asyncio.FIRST_COMPLETED)
            if hearing.done():
                hearing.result()
            else:
                await self._said_all(sending, hearing)
        except OSError as error:
            self.ending.is_clean = False
            refused = isinstance(error, ConnectionRefusedError)  # only UDP hears of that so late
            reason = error.strerror or str(error)
            self.ending.why = "refused: nobody receives datagrams there" if refused else f"broken off: {reason}"
        except asyncio.CancelledError:
            self.ending.why = LEFT
            raise
        finally:
            for task in (sending, hearing):
                task.cancel()
            await asyncio.gather(sending, hearing, return_exceptions=True)
        return self.ending

    async def close(self) -> Ending:
        """Let go of the link and tell the end."""
        last = await self._link.close()
        if last is not None:
            self._take(last)
        self.ending.lasted_ms = since(self._opened)
        self._tell("close", said=self.ending.why, ms=self.ending.lasted_ms)
        return self.ending

    async def _said_all(self, sending: asyncio.Task[None], hearing: asyncio.Task[None]) -> None:
        """Where sending failed, what the other side said before it left is still heard."""
        error = sending.exception()
        if error is None:
            self.ending.why = self.ending.why or "nothing more came"
            return
        if isinstance(error, OSError):
            await asyncio.wait({hearing}, timeout=0.5)
            if hearing.done():
                hearing.result()
        raise error

    async def _send(self, words: AsyncIterator[bytes], silent_s: float | None) -> None:
        """Returns once everything is said and it has been silent long enough; without a limit, never."""
        async for data in words:
            if self._asked is None:
                self._asked = time.perf_counter()
            kind = await self._link.send(data)
            self.ending.sent_bytes += len(data)
            self._tell("out", kind=kind, data=data)
        await self._link.finish()
        if silent_s is None:
            await asyncio.Event().wait()
        while True:
            self._heard.clear()
            try:
                await asyncio.wait_for(self._heard.wait(), silent_s)
            except TimeoutError:
                return

    async def _hear(self) -> None:
        while (message := await self._link.receive()) is not None:
            self._heard.set()
            self._take(message)
        if not self.ending.why:
            self.ending.why = "closed by the other side"

    def _take(self, message: Message) -> None:
        if message.kind == "close":
            words = close_words(message.code, message.data.decode("utf-8", "replace"))
            self.ending.why = f"closed with {words}"
            self.ending.is_clean = message.code in CLEAN_CLOSES
            self._tell("in", kind="close", said=words)
            return
        self.ending.received_bytes += len(message.data)
        if self.ending.first_byte_ms is None:
            self.ending.first_byte_ms = since(self._asked or self._opened)
        took = since(self._asked) if self._asked is not None else None
        self._asked = None
        self._tell("in", kind=message.kind, data=message.data, ms=took)

    def _tell(
        self, step: str, *, kind: str = "", said: str = "", data: bytes | None = None, ms: float | None = None
    ) -> None:
        event = {"event": step, "protocol": self._protocol, "peer": self._peer, "kind": kind, "said": said}
        self._report(Event(**event, data=data, ms=ms))  # type: ignore[arg-type]

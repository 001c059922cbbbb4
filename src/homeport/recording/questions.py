"""Questions that wait for their answers: numbered when sent, resolved when the answer comes. It sends nothing."""

from __future__ import annotations

import asyncio

import msgspec

from homeport.model.errors import HomeportError
from homeport.recording.channel import ASK, Answer, Ask, Question, frame

ANSWER_S = 15.0  # a search gives up after 5


class Questions:
    """Owns the futures of one recording."""

    def __init__(self) -> None:
        self._waiting: dict[int, asyncio.Future[msgspec.Raw]] = {}
        self._last = 0

    def ask(self, question: Question) -> tuple[int, bytes]:
        """Its number, and the frame to send."""
        self._last += 1
        self._waiting[self._last] = asyncio.get_running_loop().create_future()
        return self._last, frame(ASK, msgspec.msgpack.encode(Ask(self._last, question)))

    async def answer(self, number: int) -> msgspec.Raw:
        """Raises HomeportError."""
        try:
            return await asyncio.wait_for(self._waiting[number], ANSWER_S)
        except TimeoutError:
            raise HomeportError("storage-failed", "the recorder does not answer") from None
        finally:
            self._waiting.pop(number, None)

    def answered(self, answer: Answer) -> None:
        future = self._waiting.get(answer.number)
        if future is None or future.done():
            return
        if answer.error is not None:
            future.set_exception(HomeportError(*answer.error))
        else:
            future.set_result(answer.value)

    def give_up(self) -> None:
        """Nobody will answer any more."""
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(HomeportError("storage-failed", "the recorder ended while it was asked"))

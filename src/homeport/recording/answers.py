"""Questions to the recorder and their answers. A search takes turns with writing, everything else is answered at once.

What reads heads and bodies is imported with the first question: most of the time nobody asks, and the process is small.
"""

from __future__ import annotations

import sqlite3
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from homeport.model.errors import HomeportError
from homeport.recording.channel import Answer, Ask, BodyOf, Clear, Detail, Logs, News, Search, Watch
from homeport.recording.keeper import Keeper
from homeport.recording.store import Store

if TYPE_CHECKING:
    from homeport.recording.filter import Filter
    from homeport.recording.search import Scan

NEWS_LIMIT = 256  # exchanges told about at once; nobody reads more than 2,000 a second
_encode = msgspec.msgpack.encode


class Answers:
    """Owns the searches under way and the watches."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._scans: deque[tuple[int, Scan]] = deque()
        self._watches: dict[int, Filter] = {}

    @property
    def is_busy(self) -> bool:
        return bool(self._scans)

    def ask(self, ask: Ask) -> Answer | None:
        """The answer, or None for a search: that comes out of `step`."""
        return _answered(ask.number, lambda: self._answer(ask))

    def step(self) -> Answer | None:
        """Go on with one search; its answer when it is over."""
        number, scan = self._scans.popleft()

        def go_on() -> object:
            if scan.step():
                return scan.found
            self._scans.append((number, scan))
            return None

        return _answered(number, go_on)

    def _answer(self, ask: Ask) -> object:
        question = ask.question
        if isinstance(question, Clear):
            self._keeper.clear()
            return True
        store = self._store()
        if isinstance(question, Search):
            from homeport.recording.search import Scan

            scan = Scan(store, question.filter, question.limit, question.before)
            self._scans.append((ask.number, scan))
            return None
        if isinstance(question, Logs):
            from homeport.recording.search import read_lines

            return read_lines(store, question.app, question.limit, question.after)
        return _found(store, question)

    def _store(self) -> Store:
        if self._keeper.store is None:
            raise HomeportError("storage-failed", self._keeper.problem)
        return self._keeper.store

    # watches

    def watch(self, watch: Watch) -> None:
        from homeport.recording.filter import parse_filter

        self._watches.pop(watch.watch, None)
        if watch.filter is not None:
            try:
                self._watches[watch.watch] = parse_filter(watch.filter, time.time())
            except HomeportError:
                pass  # the engine has refused it already

    def news(self, exchanges: list[int]) -> list[News]:
        """What the watches want to know of these exchanges, which are in the store."""
        store = self._keeper.store
        if not self._watches or not exchanges or store is None:
            return []
        from homeport.recording.search import matching

        told = sorted(exchanges)[-NEWS_LIMIT:]
        among = f"e.id IN ({', '.join('?' * len(told))})"
        news: list[News] = []
        for watch, wanted in self._watches.items():
            try:
                found = matching(store, wanted, among, told, NEWS_LIMIT)
            except sqlite3.Error:
                continue  # the next write meets it too, and says so
            if found:
                news.append(News(watch, found[::-1], len(exchanges) - len(told)))
        return news


def _found(store: Store, question: Detail | BodyOf) -> object:
    from homeport.recording.detail import read_body, read_detail

    found: object = None
    if isinstance(question, Detail):
        found = read_detail(store, question.exchange)
    else:
        found = read_body(store, question.exchange, question.side)
    if found is None:
        raise HomeportError("not-found", f"no exchange {question.exchange} is recorded", "homeport requests")
    return found


def _answered(number: int, work: Callable[[], object]) -> Answer | None:
    """None stands for "not yet"."""
    try:
        value = work()
    except HomeportError as error:
        return Answer(number, error=(error.code, error.message, error.hint))
    except sqlite3.Error as error:
        return Answer(number, error=("storage-failed", f"the recording could not be read: {error}", ""))
    except Exception as error:
        return Answer(number, error=("internal", f"the recorder failed to answer: {error!r}", ""))
    return None if value is None else Answer(number, msgspec.Raw(_encode(value)))

"""What an engine holds for others, in files that outlive it where it is killed, so that the next engine knows.

Each is written a moment after a change, all at once, and gone with an engine that ends well. Failing to write it is not
worth refusing anything for. It decides nothing: what still holds is for the reader to look at.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from homeport.machine.home import private_file

LATER_S = 0.05  # a test run that leases a thousand ports in a second is written twenty times

Kept = TypeVar("Kept")


class Content(msgspec.Struct, Generic[Kept], frozen=True, kw_only=True):
    boot: str  # nothing outlives a boot: processes are others, and so is what listens
    kept: list[Kept] = []


class EngineJournal(Generic[Kept]):
    """Of things of one kind, `item`. `boot_id` differs after every boot."""

    def __init__(self, path: str, boot_id: str, item: type[Kept]) -> None:
        self._path, self._boot = path, boot_id
        self._decoder = msgspec.json.Decoder(Content[item])  # type: ignore[valid-type]
        self._timer: asyncio.TimerHandle | None = None

    def read(self) -> list[Kept]:
        """What an engine that was killed left of this boot; nothing where the file is none of ours."""
        try:
            with open(self._path, "rb") as file:
                content = self._decoder.decode(file.read())
        except (OSError, msgspec.DecodeError):
            return []
        return content.kept if content.boot == self._boot else []

    def write_soon(self, kept: Callable[[], list[Kept]]) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LATER_S, self._write, kept)

    def remove(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        with contextlib.suppress(OSError):
            os.unlink(self._path)

    def _write(self, kept: Callable[[], list[Kept]]) -> None:
        self._timer = None
        with contextlib.suppress(OSError):
            private_file(self._path, msgspec.json.encode(Content(boot=self._boot, kept=kept())))

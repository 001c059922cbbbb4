"""The journal of leases: a file that outlives an engine that was killed, so that the next one knows what is whose.

It is written a moment after a change, all at once, and gone with an engine that ends well. Failing to write it is not
worth refusing a port for. It decides nothing: who still lives is for the table to look at.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable

import msgspec

from homeport.machine.home import private_file

LATER_S = 0.05  # a test run that leases a thousand ports in a second is written twenty times


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One lease. `owners`: pid -> start time; 0 stands for nobody, see LeaseSpec."""

    port: int
    folder: str
    name: str
    number: int
    since: str
    is_portservers: bool = False
    owners: dict[int, float] = {}
    binder: int | None = None


class Content(msgspec.Struct, frozen=True, kw_only=True):
    boot: str  # start times are those of one boot
    leases: list[Kept] = []


class LeaseJournal:
    """`boot_id` differs after every boot."""

    def __init__(self, path: str, boot_id: str) -> None:
        self._path, self._boot = path, boot_id
        self._timer: asyncio.TimerHandle | None = None

    def read(self) -> list[Kept]:
        """What an engine that was killed left of this boot; nothing where the file is none of ours."""
        try:
            with open(self._path, "rb") as file:
                content = msgspec.json.decode(file.read(), type=Content)
        except (OSError, msgspec.DecodeError):
            return []
        return content.leases if content.boot == self._boot else []

    def write_soon(self, leases: Callable[[], list[Kept]]) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LATER_S, self._write, leases)

    def remove(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        with contextlib.suppress(OSError):
            os.unlink(self._path)

    def _write(self, leases: Callable[[], list[Kept]]) -> None:
        self._timer = None
        with contextlib.suppress(OSError):
            private_file(self._path, msgspec.json.encode(Content(boot=self._boot, leases=leases())))

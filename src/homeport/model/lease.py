"""A lease: a port that is kept for somebody, who asked for it, and how long it lasts. Pure nouns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

MOST_AT_ONCE = 100  # ports of one question: more are a mistake in a script


class LeaseSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for. Without a name it is another port each time; with one the same, per folder."""

    folder: str
    name: str = ""
    count: int = 1
    pid: int = 0  # the process whose end is its end; 0: until it is released
    alone: bool = False  # to bind it: refused while another living process has the name for that too


class LeaseOwner(msgspec.Struct, frozen=True, kw_only=True):
    pid: int
    process: str = ""

    def __str__(self) -> str:
        return f"{self.process or 'a process'} (pid {self.pid})"


class LeaseState(msgspec.Struct, frozen=True, kw_only=True):
    """One leased port. Without owners it lasts until it is released; an app's until the app stops."""

    port: int
    name: str = ""  # of an app: its route
    number: int = 1  # the how manieth port of that name
    folder: str = ""
    kind: Literal["lease", "portserver", "app"] = "lease"
    owners: tuple[LeaseOwner, ...] = ()
    since: str = ""
    again: bool = False  # the answer to a question: it was leased already


def variables(name: str, ports: Sequence[int]) -> dict[str, str]:
    """Names for the environment: PORT; WEB_PORT for `web`; with a number behind where there are several.

    They always end with PORT, so that no lease is ever taken for HOME or PATH.
    """
    base = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in name.upper())
    base = f"_{base}" if base[:1].isdigit() else base
    if base != "PORT" and not base.endswith("_PORT"):
        base = f"{base}_PORT" if base else "PORT"
    if len(ports) == 1:
        return {base: str(ports[0])}
    return {f"{base}{number}": str(port) for number, port in enumerate(ports, 1)}

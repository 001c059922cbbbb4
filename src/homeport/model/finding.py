"""A finding: one answer to "why does it not work". The 502 page, failed starts and the doctor speak in findings."""

from __future__ import annotations

from typing import Literal

import msgspec

Level = Literal["problem", "warning", "note"]  # does not work · works, and may surprise · good to know


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """`what` and `why` are sentences, `next` is a command or an action.

    `code` is stable and has an entry in docs/findings.md.
    """

    code: str
    what: str
    why: str = ""
    next: str = ""
    level: Level = "problem"


class Unavailable(Exception):  # noqa: N818 - a state of the upstream, not a mistake of ours
    """A target cannot be dialled now; `status` is the HTTP status that says so (502, 503 or 504)."""

    def __init__(self, finding: Finding, status: int = 502) -> None:
        super().__init__(finding.what)
        self.finding = finding
        self.status = status

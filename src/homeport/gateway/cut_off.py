"""That a connection is to end where it stands, because the network conditions say so (conditioned.py)."""

from __future__ import annotations

from typing import Literal


class CutOff(Exception):  # noqa: N818 - what was asked for, not a failure
    """`ending`: whether the client sees a reset or a close."""

    def __init__(self, ending: Literal["close", "reset"], why: str) -> None:
        super().__init__(why)
        self.ending = ending
        self.why = why

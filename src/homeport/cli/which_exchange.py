"""Which recorded exchange is meant: a number, or `last`. It asks the engine only for the newest."""

from __future__ import annotations

import rich_click as click

from homeport.cli.seams import Engine
from homeport.model.errors import HomeportError


def number_in(text: str) -> int | None:
    """None stands for the newest."""
    if text == "last":
        return None
    text = text.removeprefix("#")
    if not text.isascii() or not text.isdigit():
        raise click.UsageError(f"{text!r} is not the number of an exchange; see `homeport requests`")
    return int(text)


def newest(engine: Engine, filter: str = "") -> int:  # noqa: A002
    found = engine.traffic.list(filter=filter, limit=1)
    if not found:
        raise HomeportError("not-found", "no request was recorded yet", "homeport status")
    return found[0].id

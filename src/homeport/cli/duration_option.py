"""How long something lasts, as `--for` takes it: `30s`, `12h`, `30d`."""

from __future__ import annotations

from homeport.model.errors import HomeportError


def read_for(text: str, example: str) -> float | None:
    """Seconds, or None where nothing is written. Raises HomeportError("bad-usage")."""
    if not text:
        return None
    from homeport.formats.app_values import duration
    from homeport.formats.toml_values import Unreadable

    try:
        seconds: float = duration()(text)
    except Unreadable as error:
        raise HomeportError("bad-usage", f"--for: {error.problems[0][1]}", f"--for {example}") from error
    return seconds

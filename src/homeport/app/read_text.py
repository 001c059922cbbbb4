"""Reads a text file of a project. Text is UTF-8; the error for what is not names the line."""

from __future__ import annotations

from pathlib import Path

from homeport.model.errors import HomeportError


def read_text(path: Path, shown: str) -> str:
    """The file's text with its line ends as they are. `shown` is how messages call it. Raises "bad-config"."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise HomeportError("bad-config", f"{shown}: cannot be read: {error.strerror or error}") from None
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise HomeportError("bad-config", f"{shown}:{line}: is not UTF-8 text") from None

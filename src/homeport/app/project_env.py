"""The environment of a project's apps: the caller's own, under the `.env` files, under the app's `env`.

A `.env` wins over the caller's environment, as in honcho 2.0.0. What honcho would drop in silence becomes a notice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from homeport.app.read_text import read_text
from homeport.formats.env_file import parse_env

USUAL_FILE = ".env"


class EnvFiles:
    """Reads each file once, however many apps share it. Owns nothing but what it has read."""

    def __init__(self, root: Path, environ: Mapping[str, str], notices: list[str]) -> None:
        self._root = root
        self._environ = environ
        self._notices = notices
        self._read: dict[str, dict[str, str]] = {}

    def missing(self, files: Sequence[str] | None) -> list[str]:
        """Which of the files that an app names do not exist; the usual one may be missing."""
        return [file for file in files or () if not (self._root / file).is_file()]

    def environment(self, files: Sequence[str] | None, own: Mapping[str, str]) -> dict[str, str]:
        """`files` None: the usual one, if it is there. Later files win over earlier ones, `own` over all."""
        if files is None:
            files = [USUAL_FILE] if (self._root / USUAL_FILE).is_file() else []
        result = dict(self._environ)
        for file in files:
            result |= self._values(file)
        return result | dict(own)

    def _values(self, file: str) -> dict[str, str]:
        if file not in self._read:
            parsed = parse_env(read_text(self._root / file, file), file)
            self._notices += [f"{file}:{line}: ignored, as honcho does: {why}" for line, why in parsed.dropped]
            if "PORT" in parsed.values:
                # honcho counts its ports up from this one; two projects that both say 5000 are what leases avoid
                self._notices.append(f"{file}: PORT is not used, each app gets a port of its own (homeport.toml: port)")
            self._read[file] = parsed.values
        return self._read[file]

"""Which versions a Python project has settled on: its lock file (uv, Poetry, PDM, PEP 751) or a requirements.txt.

Only what comes from an index counts: the project itself, folders and repositories are nobody's advisory. It resolves
nothing, since that would run code of packages.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any

LOCK_FILES = ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml")
REQUIREMENTS = "requirements.txt"

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_VERSION = re.compile(r"[A-Za-z0-9.!+_-]+")
_PINNED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*===?\s*([A-Za-z0-9.!+_-]+)\s*(?:;.*)?")
_ELSEWHERE = frozenset({"virtual", "editable", "directory", "git", "path", "url", "vcs", "archive"})


class Unreadable(Exception):  # noqa: N818 - a state of the file
    """Why it says nothing."""


def locked(text: str) -> list[tuple[str, str]]:
    """Names and versions of a lock file."""
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError):
        raise Unreadable("it is not TOML") from None
    tables = document.get("packages", document.get("package", []))
    if not isinstance(tables, list):
        raise Unreadable("it has no packages in the form that is known")
    found = {pin for table in tables if isinstance(table, dict) and (pin := _pin(table))}
    return sorted(found)


def required(text: str) -> tuple[list[tuple[str, str]], int]:
    """Names and versions of a requirements.txt, and how many of its lines settle on none."""
    found, open_lines = set(), 0
    for line in text.replace("\\\n", " ").splitlines():
        words = re.split(r"\s#|\s--", f" {line}", maxsplit=1)[0].strip()
        if not words or words.startswith("#"):
            continue
        if match := _PINNED.fullmatch(words):
            found.add((match[1].lower(), match[2]))
        elif not words.startswith(("--hash", "-i ", "--index-url", "--extra-index-url")):
            open_lines += 1
    return sorted(found), open_lines


def _pin(table: dict[str, Any]) -> tuple[str, str] | None:
    name, version = table.get("name"), table.get("version")
    if not isinstance(name, str) or not isinstance(version, str):
        return None
    if not _NAME.fullmatch(name) or not _VERSION.fullmatch(version):
        return None
    source = table.get("source", {})
    if _ELSEWHERE & (table.keys() | (source.keys() if isinstance(source, dict) else set())):
        return None
    if isinstance(source, dict) and source.get("type") in _ELSEWHERE:
        return None
    return name.lower(), version

"""The table of rooms in ARCHITECTURE.md is true: every room exists, and imports only what its line allows."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "homeport"
_ROW = re.compile(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)


def table() -> dict[str, set[str]]:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    nothing = "\u2013"
    return {room: set(allowed.split()) - {nothing} for room, allowed in _ROW.findall(text)}


def rooms() -> set[str]:
    return {
        path.stem
        for path in PACKAGE.iterdir()
        if (path.is_dir() and (path / "__init__.py").exists()) or path.suffix == ".py"
    } - {"__init__", "__main__"}


def imported_rooms(room: str) -> dict[str, str]:
    """The rooms that `room` imports, each with one file that does."""
    found: dict[str, str] = {}
    for path in [PACKAGE / f"{room}.py"] if (PACKAGE / f"{room}.py").exists() else (PACKAGE / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            for name in names:
                parts = name.split(".")
                if parts[0] == "homeport" and len(parts) > 1 and parts[1] in rooms():
                    found[parts[1]] = str(path.relative_to(ROOT))
    return found


def test_every_room_has_its_line() -> None:
    assert set(table()) == rooms()


@pytest.mark.parametrize("room", sorted(table()))
def test_rooms_import_what_their_line_allows(room: str) -> None:
    allowed = table()[room]
    if "everything" in allowed:
        return
    strange = {name: where for name, where in imported_rooms(room).items() if name not in allowed | {room}}
    assert strange == {}

"""What the project in a folder says of networks: profiles and clients of its own. It asks no engine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from homeport.formats.project_file import ProjectFile


def own_profiles(folder: Path) -> dict[str, str]:
    """By name, in KEY=VALUE words; none where there is no project."""
    project = _project(folder)
    return project.profiles if project else {}


def own_clients(folder: Path) -> dict[str, list[str]]:
    """By name, with the words that tell them."""
    project = _project(folder)
    return project.clients if project else {}


def _project(folder: Path) -> ProjectFile | None:
    from homeport.app.project import find_root
    from homeport.app.read_text import read_text
    from homeport.formats.homeport_toml import FILE_NAME, parse

    root = find_root(folder, [])
    return parse(read_text(root / FILE_NAME, FILE_NAME), FILE_NAME) if root else None

"""Which file the first word of a command means, looked up as its own shell would: along the child's PATH.

It starts nothing. What it cannot find it names, with the place where the program probably is.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping

# Where package managers put a project's own programs: they are on PATH inside `npm run` or an activated environment.
_PROJECT_PLACES = {
    os.path.join("node_modules", ".bin"): "npx {name}",
    os.path.join(".venv", "bin"): ".venv/bin/{name}",
    os.path.join("venv", "bin"): "venv/bin/{name}",
}


def find_program(name: str, cwd: str, env: Mapping[str, str]) -> str:
    """Raises FileNotFoundError or PermissionError, each with a sentence."""
    if os.path.dirname(name):
        path = os.path.join(cwd, name)
        if not os.path.exists(path):
            raise FileNotFoundError(f"{name} does not exist in {cwd}")
        if os.path.isdir(path) or not os.access(path, os.X_OK):
            raise PermissionError(f"{name} is not executable")
        return path
    found = shutil.which(name, path=env.get("PATH", os.defpath))
    if found is None:
        raise FileNotFoundError(f"{name} is not installed or not on PATH{_elsewhere(name, cwd)}")
    return os.path.join(cwd, found)


def _elsewhere(name: str, cwd: str) -> str:
    for place, words in _PROJECT_PLACES.items():
        if os.access(os.path.join(cwd, place, name), os.X_OK):
            return f", but the project has it: {words.format(name=name)}"
    return ""

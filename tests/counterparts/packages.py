"""Frameworks from their registries, each installed once into a folder beside the repository, and used from there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest


def cache() -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(root) / "homeport-tests"


def node_modules(*packages: str) -> Path:
    """The node_modules folder with `vite@6.4.1` and the like. Skips (in CI: fails) where they cannot be had."""
    return _kept(packages, _npm) / "node_modules"


def python_packages(*packages: str) -> Path:
    """A folder for PYTHONPATH with `django==5.2.19` and the like. Skips (in CI: fails) where they cannot be had."""
    return _kept(packages, _pip)


def _kept(packages: tuple[str, ...], install: Callable[[Path, tuple[str, ...]], list[str]]) -> Path:
    """The first names the folder; renamed when it is whole, as another run may install it too."""
    place = cache() / packages[0].replace("==", "-").replace("@", "-")
    if not place.exists():
        cache().mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=cache()))
        try:
            _run(install(fresh, packages), fresh, packages[0])
            fresh.chmod(0o755)
            fresh.rename(place)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return place


def _npm(folder: Path, packages: tuple[str, ...]) -> list[str]:
    (folder / "package.json").write_text('{"private": true}')
    return ["npm", "install", "--no-audit", "--no-fund", *packages]


def _pip(folder: Path, packages: tuple[str, ...]) -> list[str]:
    return [sys.executable, "-m", "pip", "install", "--quiet", "--no-warn-script-location", "--target", str(folder),
            *packages]  # fmt: skip


def _run(command: list[str], folder: Path, name: str) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=150)
    if done.returncode:
        reason = f"{name} could not be installed: {done.stderr.strip()[-300:]}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)

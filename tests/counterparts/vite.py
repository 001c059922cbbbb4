"""Vite, installed once from its registry into a folder beside the repository, and linked into a project from there."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

VERSION = "6.4.1"


def cache() -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(root) / "homeport-tests"


def vite_modules() -> Path:
    """The node_modules folder that holds it. Skips (in CI: fails) where it cannot be had."""
    place = cache() / f"vite-{VERSION}"
    if not place.exists():
        cache().mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=cache()))  # renamed when it is whole: another run may install it too
        try:
            _install(fresh)
            fresh.rename(place)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return place / "node_modules"


def _install(folder: Path) -> None:
    (folder / "package.json").write_text('{"private": true}')
    command = ["npm", "install", "--no-audit", "--no-fund", f"vite@{VERSION}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=150)
    if done.returncode:
        reason = f"Vite could not be installed: {done.stderr.strip()[-300:]}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)

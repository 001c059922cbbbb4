"""Every failure gets a home and a folder of its own, and ends with nothing running."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

if sys.platform != "linux":
    collect_ignore_glob = ["test_*.py"]  # they read /proc; what they test is the same code elsewhere


@pytest.fixture
def stage(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    from tests.failures.stage import Stage

    folder = tmp_path / "shop"
    folder.mkdir()
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    stage = Stage(home, folder)
    try:
        yield stage
    finally:
        stage.close()

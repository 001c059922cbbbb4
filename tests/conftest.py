"""Fixtures for every room: a home of its own, the real counterparts, and a look at what a test left behind."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import hypothesis
import pytest

# Machines are noisy: time limits stand per test. CI tries the same examples in every run; new ones are found at home.
hypothesis.settings.register_profile("homeport", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("homeport")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's `&` ignores it, and children would inherit that
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A HOMEPORT_HOME of its own, with a door on a port that the kernel picks."""
    path = tmp_path / "home"
    monkeypatch.setenv("HOMEPORT_HOME", str(path))
    monkeypatch.setenv("HOMEPORT_DOOR", "127.0.0.1:0")
    return path


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip (at home) or fail (in CI) a test whose real counterpart is not installed."""
    for mark in item.iter_markers("counterpart"):
        missing = [program for program in mark.args if not shutil.which(program, path=_search_path())]
        if not missing:
            continue
        reason = f"{', '.join(missing)} not installed: run `make counterparts`"
        if os.environ.get("CI"):
            pytest.fail(f"a real counterpart is missing in CI: {reason}")
        pytest.skip(reason)


def _search_path() -> str:
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])

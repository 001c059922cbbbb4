"""Every failure gets a home and a folder of its own, and ends with nothing running."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

if sys.platform != "linux":
    collect_ignore_glob = ["test_*.py"]  # they read /proc; what they test is the same code elsewhere

NEEDS_NAMESPACE = pytest.StashKey[bool]()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """A test that must mount something, by somebody who may not: the same test in a namespace of its own."""
    if not pyfuncitem.stash.get(NEEDS_NAMESPACE, False):
        return None
    unshare = ["unshare", "--user", "--map-root-user", "--mount"]
    allowed = subprocess.run([*unshare, "mount", "-t", "tmpfs", "tmpfs", "/tmp"], capture_output=True, text=True)
    if allowed.returncode or "IN_NAMESPACE" in os.environ:
        pytest.skip(f"neither mounts nor user namespaces are allowed here: {allowed.stderr.strip()}")
    again = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", pyfuncitem.nodeid]
    environ = {**os.environ, "IN_NAMESPACE": "1"}
    inner = subprocess.run(
        [*unshare, *again], env=environ, cwd=pyfuncitem.config.rootpath, capture_output=True, text=True
    )
    assert inner.returncode == 0, inner.stdout + inner.stderr
    return True


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

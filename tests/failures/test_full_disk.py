"""The home on a disk that is full: a real one, a tmpfs of a few megabytes. Traffic goes on, and the loss is told."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from homeport.model.exchange import COMPLETE
from tests.failures.conftest import NEEDS_NAMESPACE
from tests.failures.stage import MIB, Stage, until

SIZE = 6 * MIB


@pytest.fixture
def disk(home: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """The home is a file system of its own. Where we may not mount one, conftest.py runs the test where we may."""
    home.mkdir(mode=0o700)
    options = f"size={SIZE},mode=0700,uid={os.getuid()}"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", home], capture_output=True)
    if mounted.returncode:
        request.node.stash[NEEDS_NAMESPACE] = True
        yield home
        return
    yield home
    subprocess.run(["umount", home], check=True)


@pytest.fixture
def stage(disk: Path, stage: Stage) -> Stage:
    """Unmounted only after everything has ended."""
    return stage


def fill(disk: Path, room: int = 0) -> Path:
    """Take what is left, but for `room`."""
    ballast = disk / "ballast"
    found = os.statvfs(disk)
    with ballast.open("wb", buffering=0) as file:
        try:
            left = found.f_bavail * found.f_bsize - room
            while left > 0:
                left -= file.write(bytes(min(left, 65536)))
        except OSError:
            pass  # full
    return ballast


def test_a_disk_that_fills_up_with_the_recording(stage: Stage, disk: Path) -> None:
    engine = stage.engine()
    stage.origin(engine)
    ballast = fill(disk, room=2 * MIB)
    for _ in range(200):  # 13 MB of recorded bodies
        assert engine.get("/make?n=65536")[0] == 200
    kept = len(engine.endings("path:/make*"))
    recording = stage.status()["engine"]["recording"]
    assert recording["lost"] > 0
    assert kept + recording["lost"] == 200
    assert "the recording cannot be written: database or disk is full" in recording["lost_why"]
    told = stage.homeport("status").stdout
    assert f"{recording['lost']} lost" in told
    assert "database or disk is full" in told

    # An app started now, though nothing about it can be written down, is ended as well.
    fill(disk)
    stage.homeport("run", "-d", "--name", "late", "--", sys.executable, "-m", "http.server", "--bind", "127.0.0.1")
    assert engine.get("/", "late.localhost")[0] == 200
    stage.homeport("stop", "late")

    ballast.unlink()

    def is_recorded() -> bool:
        assert engine.get("/hello?again")[0] == 200
        return COMPLETE in engine.endings("path:/hello?again")

    until(is_recorded, "nothing is recorded after room was made")
    after = until(lambda: (now := stage.status()["engine"]["recording"])["problem"] == "" and now, "still a problem")
    assert after["lost"] >= recording["lost"], "what was lost stays lost"
    assert "database or disk is full" in stage.homeport("status").stdout, "and it is still said why"
    assert len(engine.endings("path:/make*")) == kept, "what was kept stays kept"


def test_an_engine_that_starts_on_a_full_disk(stage: Stage, disk: Path) -> None:
    fill(disk)
    told = stage.homeport("run", "-d", "--", "sleep", "60", status=None)
    assert told.returncode == 1
    assert "Traceback" not in told.stderr
    assert "No space left on device" in told.stderr
    (disk / "ballast").unlink()
    stage.origin(stage.engine())

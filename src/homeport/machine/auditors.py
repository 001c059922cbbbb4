"""Runs the programs that know vulnerabilities, `npm audit` and `pip-audit`, with a time limit. It reads no answer.

Neither installs or resolves anything here: npm reads the lock file, pip-audit a list of pins.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence

import msgspec

LIMIT_S = 60.0


class Said(msgspec.Struct, frozen=True):
    """`why`: it did not come to an answer, and for which reason; "" where `out` may be one."""

    out: str = ""
    why: str = ""


def npm_audit(folder: str) -> Said:
    program = shutil.which("npm")
    if program is None:
        return Said(why="npm is not installed")
    # npm tries for minutes where its registry cannot be reached.
    return _run([program, "audit", "--json", "--fetch-retries=0", "--fetch-timeout=20000"], folder)


def pip_audit(pins: Iterable[tuple[str, str]]) -> Said:
    program = _beside_python("pip-audit") or shutil.which("pip-audit")
    if program is None:
        return Said(why="pip-audit is not installed")
    with tempfile.TemporaryDirectory(prefix="homeport-audit-") as folder:
        path = os.path.join(folder, "requirements.txt")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(f"{name}=={version}\n" for name, version in pins)
        words = ["--requirement", path, "--no-deps", "--disable-pip", "--format", "json", "--progress-spinner", "off"]
        return _run([program, *words, "--timeout", "15"], folder)


def _run(words: Sequence[str], folder: str) -> Said:
    """Both programs end with 1 where they found something as well as where they failed: `out` decides."""
    name = os.path.basename(words[0])
    try:
        done = subprocess.run(words, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        return Said(why=f"{name} did not end within {LIMIT_S:.0f} s")
    except OSError as error:
        return Said(why=f"{name} could not be started: {error.strerror}")
    out, complaints = (stream.decode("utf-8", "replace").strip() for stream in (done.stdout, done.stderr))
    if out:
        return Said(out=out)
    last = complaints.splitlines()[-1][:200] if complaints else f"it ended with status {done.returncode}"
    return Said(why=f"{name} gave no answer: {last}")


def _beside_python(program: str) -> str | None:
    """In the same virtual environment, which need not be on PATH."""
    return shutil.which(program, path=os.path.dirname(sys.executable))

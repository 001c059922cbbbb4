"""Running a firewall's own tool: the one place where one is started, and what a test replaces.

Never a shell, never a prompt, always a time limit. The words are only numbers, names that the tool
itself printed, and our own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from typing import NamedTuple, Protocol

LIMIT_S = 5.0
_PATH = ("/usr/sbin", "/sbin", "/usr/bin", "/bin", "/usr/libexec/ApplicationFirewall")  # PATH of a user lacks sbin


class Output(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """'' when it succeeded, else what it says."""
        said = self.err.strip() or self.out.strip()
        return "" if self.code == 0 else said.splitlines()[0] if said else f"it ended with code {self.code}"


ABSENT = Output(127, "", "not installed")


class Run(Protocol):
    def __call__(self, words: Sequence[str], stdin: str = "") -> Output: ...


def find(program: str) -> str | None:
    return shutil.which(program, path=os.pathsep.join([*_PATH, os.environ.get("PATH", "")]))


def run(words: Sequence[str], stdin: str = "") -> Output:
    """Its code and what it wrote; code 127 where it is not installed, 124 where it took too long."""
    program = find(words[0])
    if program is None:
        return ABSENT
    environment = {**os.environ, "LC_ALL": "C", "LANGUAGE": "C"}  # its words are read, so they must be English
    try:
        done = subprocess.run(
            [program, *words[1:]], capture_output=True, timeout=LIMIT_S, input=stdin.encode(), env=environment
        )
    except subprocess.TimeoutExpired:
        return Output(124, "", f"{words[0]} did not answer within {LIMIT_S:.0f} s")
    except OSError as error:
        return Output(126, "", error.strerror or "it could not be started")
    return Output(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))

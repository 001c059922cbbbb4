"""Where trust stores are looked for, and how their tools are run: one argument for every store, and a fake's way in.

Nothing here knows a store. What needs root is run with sudo, and only `run(..., as_root=True)` ever does that.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from homeport.model.errors import HomeportError

_LIMIT_S = 60.0  # keytool starts a JVM, update-ca-certificates may start one as well
_ROOT_LIMIT_S = 600.0  # sudo waits for a password
_SBIN = ("/usr/sbin", "/sbin")  # not on every user's PATH, and update-ca-certificates lives there


@dataclass(frozen=True, slots=True)
class Done:
    """How a tool ended. `said` is its last line on stderr, else on stdout."""

    code: int
    out: str = ""
    err: str = ""

    @property
    def said(self) -> str:
        lines = (self.err.strip() or self.out.strip()).splitlines()
        return lines[-1].strip() if lines else f"exit status {self.code}"


class Run(Protocol):
    def __call__(self, *words: str, as_root: bool = False) -> Done:
        """Never raises: a tool that cannot be started is a Done with code 127, one that hangs 124."""


def run_tool(*words: str, as_root: bool = False) -> Done:
    environment = {**os.environ, "LC_ALL": "C"}  # their words are read
    try:
        done = subprocess.run(
            words,
            stdin=None if as_root else subprocess.DEVNULL,
            capture_output=True,
            timeout=_ROOT_LIMIT_S if as_root else _LIMIT_S,
            env=environment,
        )
    except OSError as error:
        return Done(127, err=f"{words[0]}: {error.strerror}")
    except subprocess.TimeoutExpired:
        return Done(124, err=f"{words[0]} did not end within a minute")
    return Done(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))


def find_tool(name: str) -> str | None:
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *_SBIN]))


@dataclass(frozen=True, slots=True)
class Place:
    """`system` is put before absolute paths of the system, so that a copy of it can be used."""

    home: str = field(default_factory=lambda: os.path.expanduser("~"))
    system: str = ""
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    platform: str = sys.platform
    is_root: bool = field(default_factory=lambda: hasattr(os, "geteuid") and os.geteuid() == 0)
    run: Run = run_tool
    which: Callable[[str], str | None] = find_tool

    def at(self, path: str) -> str:
        """A path of the system."""
        return self.system + path

    def in_home(self, *parts: str) -> str:
        return os.path.join(self.home, *parts)

    def tool(self, name: str, package: str) -> str:
        """Where the tool is. Raises HomeportError("not-installed") that names the package."""
        found = self.which(name)
        if found is None:
            raise HomeportError("not-installed", f"{name} is not installed", package)
        return found

    def do_as_root(self, *commands: tuple[str, ...]) -> None:
        """Run tools that must succeed, one after the other. Raises HomeportError: "needs-root" without a way."""
        sudo = None if self.is_root else self.which("sudo")
        if sudo is None and not self.is_root:
            all_of_them = " && ".join(map(shlex.join, commands))
            raise HomeportError("needs-root", "only root may change it, and there is no sudo", all_of_them)
        for words in commands:
            self.do(*([sudo] if sudo else []), *words, as_root=True)

    def do(self, *words: str, as_root: bool = False) -> Done:
        """Run a tool that must succeed. Raises HomeportError("trust-failed")."""
        done = self.run(*words, as_root=as_root)
        if done.code:
            raise HomeportError("trust-failed", f"{os.path.basename(words[0])} failed: {done.said}", shlex.join(words))
        return done

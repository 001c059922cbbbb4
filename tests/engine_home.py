"""An engine that a test started without meaning to, ended with the test: its home tells which."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from homeport.control.launch import running_engine, wait_until_ended
from homeport.machine.home import Home


@contextmanager
def ended_with(root: Path) -> Iterator[Home]:
    """The home of `root`. Afterwards no engine is left there, nor a zombie of one that we started ourselves."""
    home = Home(str(root))
    try:
        yield home
    finally:
        if client := running_engine(home):
            engine = client.engine.status().engine
            client.engine.stop()
            wait_until_ended(home)
            try:
                os.waitpid(engine.pid if engine else -1, 0)
            except ChildProcessError:
                pass  # another process started it

"""What every command is given: the terminal, the global options, and the engine once somebody asks for it.

Nothing connects before it is needed: `--help` and a mistyped option never start an engine.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Protocol

from homeport.cli.seams import Engine
from homeport.cli.terminal import Terminal
from homeport.model.errors import HomeportError


class Connect(Protocol):
    """How to reach the engine of this home."""

    def running(self) -> Engine | None:
        """The engine that runs, or None. Never starts one."""

    def ensure(self) -> Engine:
        """The engine that runs, or a new one. Raises HomeportError("engine-failed")."""

    def wait_until_ended(self) -> None:
        """Return when nothing of an engine that stops is left. Raises HomeportError when that takes too long."""

    def leftovers(self, *, forget: bool) -> list[str]:
        """End what a killed engine left running; sentences about it. `forget`: its routes do not come back."""


class Session:
    """One command's surroundings. `as_json`: data is printed as JSON."""

    def __init__(self, connect: Connect | None = None, terminal: Terminal | None = None) -> None:
        self.terminal = terminal or Terminal()
        self.as_json = False
        self.door = ""
        self.folder = Path.cwd()
        self._connect = connect or RealConnect()

    def maybe_engine(self) -> Engine | None:
        return self._connect.running()

    def running_engine(self) -> Engine:
        """For commands that only make sense while something runs."""
        engine = self._connect.running()
        if engine is None:
            raise HomeportError("not-found", "nothing runs: no engine has been started", "homeport up")
        return engine

    def wait_until_ended(self) -> None:
        self._connect.wait_until_ended()

    def leftovers(self, *, forget: bool = False) -> list[str]:
        """What a killed engine left running, ended now; sentences about it. `forget`: its routes do not come back."""
        return self._connect.leftovers(forget=forget)

    def engine(self) -> Engine:
        """The running engine, started now if there is none."""
        before = self._connect.running()
        if self.door:
            os.environ["HOMEPORT_DOOR"] = self.door  # the engine inherits it
        engine = before or self._connect.ensure()
        for notice in engine.engine.notices:
            self.say_warning(notice)
        engine.engine.notices.clear()
        if before is None or self.door:
            self._greet(engine, is_new=before is None)
        return engine

    def _greet(self, engine: Engine, *, is_new: bool) -> None:
        state = engine.engine.status().engine
        if state is None:
            return
        for warning in state.warnings if is_new else ():
            self.say_warning(warning)
        if not is_new and self.door not in state.doors:
            doors = ", ".join(state.doors)
            message = f"the engine already runs with its door on {doors}; --door only counts when it starts"
            raise HomeportError("bad-usage", message, "homeport down")

    def say(self, text: str) -> None:
        self.terminal.say(text)

    def say_warning(self, text: str) -> None:
        self.terminal.say(f"{self.terminal.paint_talk('warning:', 'yellow')} {text}")

    def data(self, text: str) -> None:
        self.terminal.data(text)

    def json(self, value: Any) -> None:
        """`value` (structs, lists, plain data) as indented JSON on stdout."""
        import msgspec

        from homeport.model.fact import plain

        self.terminal.data(msgspec.json.format(msgspec.json.encode(value, enc_hook=plain), indent=2).decode())

    def json_line(self, value: Any) -> None:
        import msgspec

        from homeport.model.fact import plain

        self.terminal.data(msgspec.json.encode(value, enc_hook=plain).decode())


class RealConnect:
    """The engine of HOMEPORT_HOME."""

    def running(self) -> Engine | None:
        from homeport.control.launch import running_engine
        from homeport.machine.home import Home

        return running_engine(Home.find())

    def ensure(self) -> Engine:
        from homeport.control.launch import ensure_engine
        from homeport.machine.home import Home

        return ensure_engine(Home.find())

    def wait_until_ended(self) -> None:
        from homeport.control.launch import wait_until_ended
        from homeport.machine.home import Home

        wait_until_ended(Home.find())

    def leftovers(self, *, forget: bool) -> list[str]:
        from homeport.control.launch import leftovers
        from homeport.machine.home import Home

        return leftovers(Home.find(), forget=forget)

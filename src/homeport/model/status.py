"""The engine as `homeport status` shows it."""

from __future__ import annotations

import msgspec

from homeport.model.app import AppState
from homeport.model.route import RouteState


class RecordingState(msgspec.Struct, kw_only=True):
    """`lost` exchanges passed without being recorded, the last for `lost_why`. `problem` is what is wrong now."""

    exchanges: int = 0
    bytes: int = 0  # of the store on disk
    lost: int = 0
    lost_why: str = ""
    problem: str = ""
    lost_lines: int = 0  # log lines that were shown, but not kept


class EngineState(msgspec.Struct, kw_only=True):
    """`doors` are the addresses really bound; `warnings` are sentences, such as the missing IPv6 side."""

    version: str
    pid: int
    home: str
    started: str
    doors: list[str] = []
    url: str = ""  # of the default route: http://127.0.0.1:62893
    dashboard: str = ""  # without a token
    warnings: list[str] = []
    recording: RecordingState = msgspec.field(default_factory=RecordingState)


class Status(msgspec.Struct, kw_only=True):
    """Everything that runs."""

    engine: EngineState | None = None  # None: no engine runs
    apps: list[AppState] = []
    routes: list[RouteState] = []


class Lost(msgspec.Struct, kw_only=True):
    """A watcher did not keep up: so many events were dropped, the oldest first."""

    events: int


class Hello(msgspec.Struct, kw_only=True):
    """What a client hears first. `notices` are sentences that are told once: what was found after a crash."""

    version: str
    pid: int
    notices: list[str] = []

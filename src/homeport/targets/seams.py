"""What the supervisor needs from other rooms. build.py plugs the parts in; the tests plug in their own.

Everything here is called from the engine's loop, returns at once and never raises, except `Directories`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from homeport.machine.interface import Machine
from homeport.machine.leases import Leases
from homeport.model.app import AppFacts, AppState, Serve
from homeport.model.endpoint import Endpoint
from homeport.model.finding import Finding
from homeport.model.ports import PortStory
from homeport.model.route import Https
from homeport.targets.journal import Journal

Explain = Callable[[AppFacts], Finding]
Changed = Callable[[AppState], None]
StoryOf = Callable[[int], PortStory]


class LogSink(Protocol):
    def line(self, app: str, stream: str, text: str, continues: bool) -> None:
        """A line, or a piece of a line, of an app's log. `stream` is "out", "err" or "homeport"."""


class Urls(Protocol):
    def of(self, route: str) -> str:
        """The URL that works wherever names of *.localhost do not resolve: `http://127.0.0.1:62893/@web`."""

    def all(self, route: str, default: bool, https: Https) -> list[str]:
        """Every URL of a route, the one for browsers first."""


class Activity(Protocol):
    def of(self, route: str) -> tuple[int, float]:
        """How many visits are under way, and for how many seconds there was none (infinity: never one)."""


class Directories(Protocol):
    async def open(self, name: str, serve: Serve) -> Endpoint:
        """Serve a directory under a name; raises HomeportError when it cannot be served."""

    async def close(self, name: str) -> None: ...


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How often things are looked at, in seconds. Tests hurry."""

    look_starting_s: float = 0.05  # nobody waits noticeably for a look, and a look takes under a millisecond
    look_steady_s: float = 1.0
    check_s: float = 0.2  # between two ready checks
    check_limit_s: float = 5.0  # one ready check
    worker_after_s: float = 3.0  # see AppSpec.listens
    leftover_grace_s: float = 3.0  # a command that ended with 0 but left processes: time to listen, or they are ended
    kill_limit_s: float = 5.0  # how long SIGKILL is waited for: longer only in uninterruptible sleep
    backoff_first_s: float = 0.5
    backoff_longest_s: float = 30.0
    backoff_forgotten_s: float = 10.0  # an app that ran for so long starts again with the first pause


@dataclass(frozen=True, slots=True)
class Surroundings:
    """All that an app is given. `marker_key` tells the processes of this home from those of others."""

    machine: Machine
    leases: Leases
    journal: Journal
    log: LogSink
    explain: Explain
    story_of: StoryOf
    changed: Changed
    urls: Urls
    marker_key: str
    socket_for: Callable[[str], str]
    activity: Activity | None = None
    directories: Directories | None = None
    # What makes an app trust the local CA, given the environment that it has; nothing where there is no CA.
    trust: Callable[[Mapping[str, str]], Mapping[str, str]] = lambda environ: {}
    portserver: str = ""  # for PORTSERVER_ADDRESS: apps' tests lease their ports here
    pace: Pace = field(default_factory=Pace)

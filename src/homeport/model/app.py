"""An app: what `run`, `up` and `serve` start. `AppSpec` is what the user asked for, `AppState` what became of it."""

from __future__ import annotations

from typing import Literal

import msgspec

from homeport.model.access import EVERYONE, Access, CrossSite
from homeport.model.exposure import ExposeSpec
from homeport.model.finding import Finding
from homeport.model.ports import PortStory
from homeport.model.route import Https

State = Literal["idle", "waiting", "starting", "ready", "backoff", "stopping", "stopped", "exited", "failed"]
# idle: starts on the first request · waiting: for what it needs · backoff: about to be restarted
# stopped: we ended it · exited: it ended by itself with 0 · failed: ended otherwise, or never became ready


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """When an app counts as ready; at most one is set. None set: as soon as its process tree listens on any port."""

    path: str = ""  # GET answers with a status below 400
    log: str = ""  # a line of its log matches this regular expression
    command: str = ""  # a shell line that ends with 0


class Serve(msgspec.Struct, frozen=True, kw_only=True):
    """A directory to serve instead of a command to run."""

    directory: str
    spa: bool = False  # unknown paths answer with index.html
    reload: bool = False  # open pages reload when a file changes
    listing: bool = True


class AppSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Exactly one of `command` and `serve` is set. Durations in seconds. The port is leased where it is None."""

    name: str
    project: str  # the project's name
    folder: str  # the project's folder, absolute: with the name it keys the lease
    # A shell line, or the words of a command; {port}, {host}, {socket} and the names in `ports` are replaced.
    command: str | list[str] = ""
    serve: Serve | None = None
    cwd: str = ""  # where it runs; "" is the project's folder
    env: dict[str, str] = {}  # the whole environment of the child, before homeport adds its variables
    host: str = "127.0.0.1"
    port: int | None = None
    port_env: str = "PORT"
    ports: dict[str, int | None] = {}  # further ports: environment name -> fixed port or None
    socket: bool = False  # the app listens on the Unix socket in HOMEPORT_SOCKET
    # "maybe": a worker of a Procfile may never listen; it is ready when it has run for a few seconds without listening.
    # "no": ready as soon as it runs.
    listens: Literal["yes", "maybe", "no"] = "yes"
    ready: Ready = Ready()
    ready_timeout_s: float = 60.0
    needs: list[str] = []
    restart: Literal["never", "on-failure", "always"] = "never"
    stop_timeout_s: float = 10.0  # from SIGTERM to SIGKILL
    start: Literal["up", "on-request"] = "up"
    idle_stop_s: float | None = None
    default: bool = False  # answers on the plain address
    https: Https = "also"
    h2: bool = False  # it speaks HTTP/2 without TLS (h2c), as gRPC servers do
    access: Access = EVERYONE
    cross_site: CrossSite = "allow"
    conditions: str = ""  # of its network, in KEY=VALUE words
    subdomains: bool = False  # a.NAME.localhost leads here too
    expose: ExposeSpec | None = None  # open to other computers as well
    branch: str = ""  # of a git worktree other than the main one: the route becomes BRANCH.NAME


class AppState(msgspec.Struct, kw_only=True):
    """One row of `homeport status`. `route` is the app's unique handle on this engine."""

    name: str
    project: str
    folder: str
    route: str
    kind: Literal["process", "directory"]
    state: State
    command: str = ""
    pid: int | None = None
    address: str = ""  # where requests go now: "127.0.0.1:21345", "unix:/…"
    port: int | None = None  # the leased or fixed port that it was given
    listens: list[str] = []  # every address its process tree listens on
    url: str = ""
    urls: list[str] = []
    started: str = ""  # ISO 8601, UTC
    exit_code: int | None = None  # 128 + signal where a signal ended it
    restarts: int = 0
    exposed: bool = False  # listens beyond loopback
    default: bool = False
    finding: Finding | None = None  # what is wrong, where something is
    notice: str = ""  # one sentence that is not an error: "listens on 5173 instead of 21345; the route follows"


class AppFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about an app that does not answer; the doctor turns it into a finding."""

    name: str
    route: str
    state: State
    command: str = ""
    given: str = ""  # the address it was given
    listens: list[str] = []
    exit_code: int | None = None
    ran_s: float | None = None  # from its start to its end
    again_in_s: float | None = None  # until it is started again
    last_log: list[str] = []  # the last lines, oldest first
    waited_s: float | None = None  # how long it was waited for, when that ran out
    ready: Ready = Ready()
    ready_seen: str = ""  # what the ready check saw last: "status 500", "connection refused"
    needs: str = ""  # the app it waits for
    needs_state: str = ""  # and how that one is: "failed", "" when it was never started
    error: str = ""  # what the system said: "Connection refused", "No such file or directory: 'nodee'"
    port_story: PortStory | None = None  # of the port that it wants and could not have

"""What a project's homeport.toml says, before any folder or environment is looked at.

`homeport.formats.homeport_toml` reads and writes it; detection makes one for a folder without that file. Paths are as
written, relative to the project's folder.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from homeport.model.access import EVERYONE, Access, CrossSite
from homeport.model.app import Ready
from homeport.model.route import Https, Tls


class AppTable(msgspec.Struct, frozen=True, kw_only=True):
    """One `[apps.NAME]`. Exactly one of `run` and `serve` is set; the other fields mean what they mean in AppSpec."""

    run: str | list[str] = ""
    serve: str = ""
    server: Literal["builtin", "nginx", "apache"] = "builtin"  # `with`, a keyword in Python
    spa: bool = False
    reload: bool = False
    listing: bool = True
    cwd: str = ""
    env: dict[str, str] = {}
    env_file: list[str] | None = None  # None: .env, if there is one; files named here must exist
    host: str = "127.0.0.1"
    port: int | None = None
    port_env: str = "PORT"
    ports: dict[str, int | None] = {}
    socket: bool = False
    listens: Literal["yes", "maybe", "no"] = "yes"
    ready: Ready = Ready()
    ready_timeout_s: float = 60.0
    needs: list[str] = []
    restart: Literal["never", "on-failure", "always"] = "never"
    stop_timeout_s: float = 10.0
    start: Literal["up", "on-request"] = "up"
    idle_stop_s: float | None = None
    default: bool = False
    https: Https = "also"
    h2: bool = False
    access: Access = EVERYONE
    cross_site: CrossSite = "allow"
    conditions: str = ""  # KEY=VALUE words and names of profiles
    subdomains: bool = False


class RouteTable(msgspec.Struct, frozen=True, kw_only=True):
    """One `[routes.NAME]`: a way to something that homeport does not start."""

    target: str
    listen: str = ""
    default: bool = False
    https: Https = "also"
    h2: bool = False
    access: Access = EVERYONE
    cross_site: CrossSite = "allow"
    tls: Tls = ""
    client_ca: str = ""
    verify: str = ""
    conditions: str = ""
    subdomains: bool = False


class ProjectFile(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file. `name` is "" where the folder's own name is meant."""

    name: str = ""
    apps: dict[str, AppTable] = {}
    routes: dict[str, RouteTable] = {}
    profiles: dict[str, str] = {}  # conditions by name
    clients: dict[str, list[str]] = {}  # whose network can be their own, with the words that tell them

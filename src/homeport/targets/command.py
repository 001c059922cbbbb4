"""What a child is started with: its words and its environment, made from what the user wrote and what it was given.

Pure: it leases nothing, looks nothing up and starts nothing.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

import msgspec

from homeport.model.app import AppSpec


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """Where a child is asked to listen. `port` is None and `socket` set for an app on a Unix socket."""

    host: str = "127.0.0.1"
    port: int | None = None
    socket: str = ""
    ports: dict[str, int] = {}

    @property
    def address(self) -> str:
        if self.socket:
            return f"unix:{self.socket}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}" if self.port else ""


def words(command: str | list[str], given: Given) -> str | list[str]:
    """The command with {port}, {host}, {socket} and the names of further ports replaced.

    Only these: shell lines are full of braces, and `${PORT}` is the shell's own.
    """
    values = {"host": given.host, **{name: str(port) for name, port in given.ports.items()}}
    if given.port:
        values["port"] = str(given.port)
    if given.socket:
        values["socket"] = given.socket
    if isinstance(command, str):
        return _replace(command, {name: shlex.quote(value) for name, value in values.items()})
    return [_replace(word, values) for word in command]


def environment(spec: AppSpec, given: Given, *, marker: str, url: str, neighbours: Mapping[str, str]) -> dict[str, str]:
    """`neighbours` are the URLs of the project's apps by name, in a form that resolves everywhere."""
    found = dict(spec.env)
    found.setdefault("PYTHONUNBUFFERED", "1")  # a log that comes late explains nothing
    found["HOMEPORT_APP"] = marker
    found["HOMEPORT_URL"] = url
    for name, address in neighbours.items():
        found[f"HOMEPORT_{variable(name)}_URL"] = address
    found["HOST"] = given.host
    if given.socket:
        found["HOMEPORT_SOCKET"] = given.socket
        found.pop(spec.port_env, None)
    elif given.port:
        found[spec.port_env] = str(given.port)
    found.update({name: str(port) for name, port in given.ports.items()})
    return found


def variable(name: str) -> str:
    """The name of an app as part of a variable's name: `my-api` -> `MY_API`."""
    return re.sub(r"[^A-Z0-9]", "_", name.upper())


def shown(command: str | list[str]) -> str:
    return command if isinstance(command, str) else shlex.join(command)


def _replace(text: str, values: Mapping[str, str]) -> str:
    names = "|".join(re.escape(name) for name in values)
    return re.sub(rf"(?<!\$)\{{({names})\}}", lambda found: values[found[1]], text)

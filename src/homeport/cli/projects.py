"""From what was typed to AppSpecs: one command or one directory by itself, or the project in this folder.

The rules of projects are homeport.app.project's; this only hands over the folder, the environment and this machine.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from homeport.cli.session import Session
from homeport.model.access import EVERYONE, Access, CrossSite
from homeport.model.app import AppSpec, Ready, Serve
from homeport.model.errors import HomeportError
from homeport.model.exposure import ExposeSpec
from homeport.model.name import is_route_name, slug

if TYPE_CHECKING:
    from homeport.app.project import Project


def load(session: Session, names: Sequence[str] = ()) -> Project:
    """The project in this folder or above it; what it says is said."""
    from homeport.app.project import load_project
    from homeport.machine import this_machine

    project = load_project(
        session.folder,
        os.environ,
        names,
        git_branch=this_machine().git_branch_of_worktree,
        serve_with=_server_command,
    )
    for notice in project.notices:
        session.say_warning(notice)
    return project


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the options of `run` and `serve` say about one app."""

    name: str = ""
    ready: str = ""
    ready_timeout_s: float = 60.0
    port: int | None = None
    port_env: str = "PORT"
    env_files: list[str] = field(default_factory=list)
    access: Access = EVERYONE
    cross_site: CrossSite = "allow"
    expose: ExposeSpec | None = None


def command_spec(session: Session, words: Sequence[str], wish: Wish) -> AppSpec:
    """One word with a blank in it is a shell line; several are the words of a command."""
    is_line = len(words) == 1 and re.search(r"[\s;&|<>$`]", words[0]) is not None
    return _spec(session, wish, session.folder.name, command=words[0] if is_line else list(words))


def directory_spec(session: Session, serve: Serve, server: str, wish: Wish) -> AppSpec:
    """The directory itself, or the command of a web server that serves it."""
    default_name = Path(serve.directory).name
    if server == "builtin":
        return _spec(session, wish, default_name, serve=serve)
    command = _server_command(server, serve, str(session.folder), wish.name or slug(default_name))
    return _spec(session, wish, default_name, command=command)


def _server_command(kind: str, serve: Serve, folder: str, name: str) -> list[str]:
    from homeport.app.servers import server_command  # loads what finds and configures real servers

    return server_command(kind, serve, folder, name)


def _spec(
    session: Session, wish: Wish, default_name: str, command: str | list[str] = "", serve: Serve | None = None
) -> AppSpec:
    from homeport.machine import this_machine

    name = wish.name or slug(default_name)
    if not is_route_name(name):
        hint = f"--name {slug(name)}"
        raise HomeportError("bad-usage", f"{name!r} cannot be a name: it becomes part of a URL", hint)
    return AppSpec(
        name=name,
        project=slug(session.folder.name, "project"),
        folder=str(session.folder),
        command=command,
        serve=serve,
        cwd=str(session.folder),
        env={} if serve else _environment(session, wish.env_files),
        port=wish.port,
        port_env=wish.port_env,
        ready=read_ready(wish.ready),
        ready_timeout_s=wish.ready_timeout_s,
        access=wish.access,
        cross_site=wish.cross_site,
        expose=wish.expose,
        default=True,
        branch=this_machine().git_branch_of_worktree(str(session.folder)),
    )


def _environment(session: Session, files: list[str]) -> dict[str, str]:
    from homeport.app.project_env import EnvFiles

    notices: list[str] = []
    env_files = EnvFiles(session.folder, os.environ, notices)
    if missing := env_files.missing(files):
        raise HomeportError("bad-usage", f"the file {missing[0]} does not exist", "ls -a")
    environment = env_files.environment(files or None, {})
    for notice in notices:
        session.say_warning(notice)
    return environment


def read_ready(text: str) -> Ready:
    """`/health`, `log:REGEX` or `command:SHELL LINE`. Raises HomeportError("bad-usage")."""
    if not text:
        return Ready()
    if text.startswith("/"):
        return Ready(path=text)
    kind, _, value = text.partition(":")
    if kind == "log" and value:
        try:
            re.compile(value)
        except re.error as error:
            raise HomeportError("bad-usage", f"--ready: {value!r} is not a regular expression: {error}") from error
        return Ready(log=value)
    if kind == "command" and value:
        return Ready(command=value)
    raise HomeportError(
        "bad-usage", f"--ready {text!r} is not understood", "--ready /health, log:REGEX or command:LINE"
    )

"""Writes a project as homeport.toml, for `homeport init`: what is set, and the few keys worth knowing as comments.

Reading it back gives the same project. It never touches a file that exists; it makes text.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from homeport.formats.homeport_toml import APP_KEYS, ROUTE_KEYS, Key
from homeport.formats.project_file import AppTable, ProjectFile, RouteTable
from homeport.formats.toml_lines import toml_key, toml_path, toml_string
from homeport.model.access import ANYONE_LOCAL, PUBLIC, SAME_USER, TOKEN, Access
from homeport.model.app import Ready

HEADER = """\
# How `homeport up` runs this project. Plain `homeport` does the same.
# Commands find their port in PORT; {port} and {host} in a command are replaced.
"""
# Keys that stand as comments in the first app that runs a command, unless it sets them.
SUGGESTIONS = {
    "ready": 'ready = "/health"  # ready once this path answers, instead of once it listens on any port',
    "env": 'env = { NAME = "value" }  # wins over .env, which wins over the environment',
    "port": "port = 3000  # instead of a leased port that is stable for this folder",
    "start": 'start = "on-request"  # start on the first request',
    "restart": 'restart = "on-failure"  # or "always"; with growing pauses',
}


def render(project: ProjectFile) -> str:
    """The text of the file; homeport_toml.parse(render(project)) == project."""
    parts = [HEADER]
    if project.name:
        parts.append(f"name = {toml_string(project.name)}\n")
    has_suggested = False
    for name, app in project.apps.items():
        part = _table(("apps", name), app, APP_KEYS)
        if app.run and not has_suggested:
            part += _suggestions(app)
            has_suggested = True
        parts.append(part)
    parts += [_table(("routes", name), route, ROUTE_KEYS) for name, route in project.routes.items()]
    if project.profiles:
        pairs = "".join(f"{toml_key(name)} = {toml_string(text)}\n" for name, text in project.profiles.items())
        parts.append(f"[profiles]\n{pairs}")
    if project.clients:
        pairs = "".join(
            f"{toml_key(name)} = [{', '.join(map(toml_string, words))}]\n" for name, words in project.clients.items()
        )
        parts.append(f"[clients]\n{pairs}")
    return "\n".join(parts)


def _table(path: tuple[str, str], table: AppTable | RouteTable, keys: Mapping[str, Key]) -> str:
    pairs = [f"{key} = {_value(getattr(table, keys[key].field))}\n" for key in _set_keys(table, keys)]
    return f"[{toml_path(path)}]\n{''.join(pairs)}"


def _set_keys(table: AppTable | RouteTable, keys: Mapping[str, Key]) -> list[str]:
    """The keys whose fields differ from what they are when unset."""
    unset = AppTable() if isinstance(table, AppTable) else RouteTable(target="")
    return [key for key, (field, _) in keys.items() if getattr(table, field) != getattr(unset, field)]


def _suggestions(app: AppTable) -> str:
    unset = SUGGESTIONS.keys() - set(_set_keys(app, APP_KEYS))
    return "".join(f"# {line}\n" for key, line in SUGGESTIONS.items() if key in unset)


def _value(value: object) -> str:
    """A field as TOML; None stands for a leased port, floats are durations."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return toml_string(value)
    if isinstance(value, float):
        return _duration(value)
    if isinstance(value, Ready):
        return _ready(value)
    if isinstance(value, Access):
        return _access(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{toml_key(key)} = {_value(inner)}' for key, inner in value.items())} }}"
    return '"auto"' if value is None else str(value)


def _ready(ready: Ready) -> str:
    if ready.path:
        return toml_string(ready.path)
    return _value({"log": ready.log} if ready.log else {"command": ready.command})


def _access(access: Access) -> str:
    """The shortest of its three forms; the order of words means nothing."""
    if access.users or access.basic:
        return _value({key: inner for key, inner in msgspec.structs.asdict(access).items() if inner})
    every = ((SAME_USER, access.same_user), (TOKEN, access.token), (PUBLIC, access.public))
    words = [word for word, is_set in every if is_set]
    return _value(words[0] if len(words) == 1 else words or ANYONE_LOCAL)


def _duration(seconds: float) -> str:
    """ "1h30m" for whole seconds, else the number."""
    if seconds != int(seconds) or not seconds:
        return repr(seconds)
    hours, rest = divmod(int(seconds), 3600)
    units = ((hours, "h"), (rest // 60, "m"), (rest % 60, "s"))
    return toml_string("".join(f"{count}{unit}" for count, unit in units if count))

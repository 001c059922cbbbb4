"""homeport.toml: the tables of its keys, and `parse`, which reads a text by them and collects every mistake in it.

A mistake is one line, `FILE:LINE: KEY: what is wrong`. Nothing here looks at folders, ports or the environment;
docs/homeport-toml.md is tested against APP_KEYS, ROUTE_KEYS and TOP_KEYS. Writing is in `toml_render`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import msgspec

from homeport.formats import access_value, app_values, conditions_value
from homeport.formats import toml_values as values
from homeport.formats.project_check import check_project
from homeport.formats.project_file import AppTable, ProjectFile, RouteTable
from homeport.formats.toml_lines import Path, key_lines, toml_path
from homeport.formats.toml_values import Reader, Unreadable
from homeport.model.errors import HomeportError
from homeport.model.name import is_route_name, slug
from homeport.model.net_client import parse_matches, parse_name

FILE_NAME = "homeport.toml"


class Key(NamedTuple):
    """A key: the field that it fills and how its value is read."""

    field: str
    read: Reader


APP_KEYS: dict[str, Key] = {
    "run": Key("run", app_values.command),
    "serve": Key("serve", values.filled),
    "with": Key("server", values.one_of("builtin", "nginx", "apache")),
    "spa": Key("spa", values.boolean),
    "reload": Key("reload", values.boolean),
    "listing": Key("listing", values.boolean),
    "cwd": Key("cwd", values.filled),
    "env": Key("env", app_values.env_table(values.text)),
    "env_file": Key("env_file", app_values.one_or_more),
    "host": Key("host", values.filled),
    "port": Key("port", app_values.port),
    "port_env": Key("port_env", app_values.env_name),
    "ports": Key("ports", app_values.env_table(app_values.port)),
    "socket": Key("socket", values.boolean),
    "listens": Key("listens", values.one_of("yes", "maybe", "no")),
    "ready": Key("ready", app_values.ready),
    "ready_timeout": Key("ready_timeout_s", app_values.duration()),
    "needs": Key("needs", values.listed(values.filled)),
    "restart": Key("restart", values.one_of("never", "on-failure", "always")),
    "stop_timeout": Key("stop_timeout_s", app_values.duration(zero=True)),
    "start": Key("start", values.one_of("up", "on-request")),
    "idle_stop": Key("idle_stop_s", app_values.duration()),
    "default": Key("default", values.boolean),
    "https": Key("https", values.one_of("also", "only", "off")),
    "h2": Key("h2", values.boolean),
    "access": Key("access", access_value.access),
    "cross_site": Key("cross_site", values.one_of("allow", "deny")),
    "conditions": Key("conditions", conditions_value.conditions),
    "subdomains": Key("subdomains", values.boolean),
}
ROUTE_KEYS: dict[str, Key] = {
    "target": Key("target", app_values.target),
    "listen": Key("listen", app_values.listen),
    "default": Key("default", values.boolean),
    "https": Key("https", values.one_of("also", "only", "off")),
    "h2": Key("h2", values.boolean),
    "access": Key("access", access_value.access),
    "cross_site": Key("cross_site", values.one_of("allow", "deny")),
    "tls": Key("tls", values.one_of("terminate", "pass")),
    "client_ca": Key("client_ca", values.filled),
    "verify": Key("verify", values.text),
    "conditions": Key("conditions", conditions_value.conditions),
    "subdomains": Key("subdomains", values.boolean),
}
TOP_KEYS = ("name", "apps", "routes", "profiles", "clients")

# What other tools call it: a wrong key near one of these is answered with ours.
_SYNONYMS = {
    "command": "run", "cmd": "run", "script": "run", "exec": "run", "directory": "serve", "static": "serve",
    "server": "with", "workdir": "cwd", "environment": "env", "dotenv": "env_file", "healthcheck": "ready",
    "health": "ready", "depends_on": "needs", "app": "apps", "services": "apps", "processes": "apps", "route": "routes",
    "tls": "https", "ssl": "https", "auth": "access", "csrf": "cross_site", "proxy": "routes", "upstream": "target",
    "url": "target", "http2": "h2", "wildcard": "subdomains", "h2c": "h2", "grpc": "h2",
}  # fmt: skip


class Mistakes:
    """Collects what is wrong, each with the line where its key stands."""

    def __init__(self, file: str, lines: Mapping[Path, int]) -> None:
        self._file = file
        self._lines = lines
        self._found: list[tuple[int, str]] = []

    def add(self, path: Path, message: str) -> None:
        """Note a mistake at a key; a key that is not written stands where its table stands."""
        place = path
        while place not in self._lines:
            place = place[:-1]
        where = f"{toml_path(path)}: " if path else ""
        self._found.append((self._lines[place], f"{where}{message}"))

    def raise_if_any(self) -> None:
        if self._found:
            lines = [f"{self._file}:{line}: {message}" for line, message in sorted(self._found)]
            raise HomeportError("bad-config", "\n".join(lines))


def parse(text: str, file: str = FILE_NAME) -> ProjectFile:
    """Read a whole file. Raises HomeportError("bad-config") whose message has one line for each mistake."""
    document = _load(text, file)
    mistakes = Mistakes(file, key_lines(text))
    for key in document.keys() - set(TOP_KEYS):
        _unknown(key, (key,), TOP_KEYS, mistakes)
    apps = _tables(document, "apps", APP_KEYS, mistakes)
    routes = _tables(document, "routes", ROUTE_KEYS, mistakes)
    for name, table in _written(document, "routes").items():
        if "target" not in table:
            mistakes.add(("routes", name), "needs a target")
        elif "listen" not in table and str(table["target"]).startswith(("tcp:", "udp:")):  # no host name to choose by
            scheme = str(table["target"])[:4]
            mistakes.add(("routes", name), f"needs listen, a port of its own, because its target is {scheme}")
    project = ProjectFile(
        name=_project_name(document, mistakes),
        apps={name: AppTable(**fields) for name, fields in apps.items()},
        routes={name: RouteTable(**({"target": ""} | fields)) for name, fields in routes.items()},
    )
    project = msgspec.structs.replace(
        project, profiles=_profiles(document, mistakes), clients=_clients(document, mistakes)
    )
    _check_conditions(project, mistakes)
    written = {
        name: {_meant(key, APP_KEYS) for key in table} - {""} for name, table in _written(document, "apps").items()
    }
    check_project(project, written, mistakes.add)
    mistakes.raise_if_any()
    return project


def _load(text: str, file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise HomeportError("bad-config", f"{file}:1: is nested too deeply") from None
    except ValueError as error:  # TOMLDecodeError, or an integer of more digits than Python reads
        words, line = str(error), 1
        if match := re.search(r" \(at line ([0-9]+), column [0-9]+\)$", words):
            words, line = words[: match.start()], int(match[1])
        elif words.endswith(" (at end of document)"):
            words, line = words.removesuffix(" (at end of document)") + " at the end", text.rstrip().count("\n") + 1
        raise HomeportError("bad-config", f"{file}:{line}: {words[:1].lower()}{words[1:]}") from None


def _profiles(document: dict[str, Any], mistakes: Mistakes) -> dict[str, str]:
    tables = document.get("profiles", {})
    if not isinstance(tables, dict):
        mistakes.add(("profiles",), f"expected a table of names and conditions, found {values.kind(tables)}")
        return {}
    found: dict[str, str] = {}
    for name, value in tables.items():
        try:
            found[name] = conditions_value.conditions(value)
        except Unreadable as error:
            for inner, message in error.problems:
                mistakes.add(("profiles", name, *inner), message)
        if "=" in name or not name.strip() or len(name.split()) > 1:
            mistakes.add(("profiles", name), "a profile's name is one word without =")
    return found


def _clients(document: dict[str, Any], mistakes: Mistakes) -> dict[str, list[str]]:
    table = document.get("clients", {})
    if not isinstance(table, dict):
        mistakes.add(("clients",), f"expected a table of names and what tells them, found {values.kind(table)}")
        return {}
    found: dict[str, list[str]] = {}
    for name, value in table.items():
        try:
            words = values.filled(value).split() if isinstance(value, str) else values.listed(values.filled)(value)
            found[name] = [str(word) for word in words]
            parse_matches(found[name])
            parse_name(name)
        except Unreadable as error:
            for inner, message in error.problems:
                mistakes.add(("clients", name, *inner), message)
        except HomeportError as error:
            mistakes.add(("clients", name), error.message)
    return found


def _check_conditions(project: ProjectFile, mistakes: Mistakes) -> None:
    """With every profile known: names, and keys that need others beside them."""
    texts: dict[Path, str] = {("profiles", name): text for name, text in project.profiles.items()}
    texts |= {("apps", name, "conditions"): app.conditions for name, app in project.apps.items() if app.conditions}
    texts |= {("routes", name, "conditions"): one.conditions for name, one in project.routes.items() if one.conditions}
    for path, text in texts.items():
        try:
            conditions_value.explain(text.split(), project.profiles)
        except Unreadable as error:
            mistakes.add(path, error.problems[0][1])


def _project_name(document: dict[str, Any], mistakes: Mistakes) -> str:
    if "name" not in document:
        return ""
    try:
        name = values.text(document["name"])
    except Unreadable as error:
        mistakes.add(("name",), error.problems[0][1])
        return ""
    _check_name(name, ("name",), mistakes)
    return name


def _tables(
    document: dict[str, Any], section: str, keys: Mapping[str, Key], mistakes: Mistakes
) -> dict[str, dict[str, Any]]:
    """The fields of each `[SECTION.NAME]`, as far as they can be read."""
    tables = document.get(section, {})
    if not isinstance(tables, dict):
        mistakes.add((section,), f"expected a table for each name, [{section}.NAME], found {values.kind(tables)}")
        return {}
    for name, table in tables.items():
        _check_name(name, (section, name), mistakes)
        if not isinstance(table, dict):
            mistakes.add((section, name), f"expected a table, found {values.kind(table)}")
    return {
        name: _fields(table, (section, name), keys, mistakes) for name, table in _written(document, section).items()
    }


def _written(document: dict[str, Any], section: str) -> dict[str, dict[str, Any]]:
    """The tables of a section as they stand in the file, without what is none."""
    tables = document.get(section, {})
    return (
        {name: table for name, table in tables.items() if isinstance(table, dict)} if isinstance(tables, dict) else {}
    )


def _fields(table: dict[str, Any], path: Path, keys: Mapping[str, Key], mistakes: Mistakes) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for key, value in table.items():
        if key not in keys:
            _unknown(key, (*path, key), keys, mistakes, isinstance(value, dict))
            continue
        try:
            fields[keys[key].field] = keys[key].read(value)
        except Unreadable as error:
            for inner, message in error.problems:
                mistakes.add((*path, key, *inner), message)
    return fields


def _unknown(key: str, path: Path, known: Collection[str], mistakes: Mistakes, is_table: bool = False) -> None:
    """Say which key was meant, or all that could be."""
    if meant := _meant(key, known):
        hint = f'did you mean "{meant}"?'
    elif is_table and len(path) == 3:
        hint = f"a name with a dot is quoted: {toml_path((path[0], '.'.join(map(str, path[1:]))))}"
    else:
        hint = f"the keys here are {', '.join(known)}"
    mistakes.add(path, f"unknown key; {hint}")


def _meant(key: str, known: Collection[str]) -> str:
    """The key itself, or the one that it most likely stands for, or ""."""
    words = {word: ours for word, ours in _SYNONYMS.items() if ours in known} | {word: word for word in known}
    return words.get(key) or words.get(values.nearest(key, words), "")


def _check_name(name: str, path: Path, mistakes: Mistakes) -> None:
    if not is_route_name(name):
        rule = "lower-case letters, digits and inner hyphens, dots between labels"
        if name == "homeport":
            rule = "homeport.localhost is the dashboard"
        mistakes.add(path, f'cannot be a name in a URL ({rule}); "{slug(name)}" could')

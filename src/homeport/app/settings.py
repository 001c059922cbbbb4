"""Reads the engine's settings: settings.toml in the home, then HOMEPORT_… variables, which win.

Mistakes are HomeportError("bad-config") and name the file and its line, or the variable. It never guesses a value.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from homeport.model.endpoint import parse_endpoint
from homeport.model.errors import HomeportError
from homeport.model.settings import Settings

_FIELDS = {field.name: field for field in msgspec.structs.fields(Settings)}
_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
_WORDS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


def load_settings(path: str, environ: Mapping[str, str]) -> Settings:
    """The settings of one engine. A missing file means the defaults."""
    values = _from_file(path) | _from_environment(environ)
    return Settings(**values)


def _from_file(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise HomeportError("bad-config", f"{path} cannot be read: {error}") from error
    import tomllib

    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise HomeportError("bad-config", f"{path} is not TOML: {error}") from error
    return {key: _check(key, value, f"{path}, line {_line_of(key, text)}") for key, value in found.items()}


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, field in _FIELDS.items():
        name = f"HOMEPORT_{key.upper()}"
        if text := environ.get(name, "").strip():
            values[key] = _check(key, _read(text, field.type), name)
    return values


def _read(text: str, kind: Any) -> Any:
    """The value that the text of a variable stands for; the text itself where it stands for none."""
    if kind is bool:
        return _WORDS.get(text.lower(), text)
    if kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            return text
    return text


def _check(key: str, value: Any, place: str) -> Any:
    if key not in _FIELDS:
        import difflib

        near = difflib.get_close_matches(key, _FIELDS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known settings: {', '.join(_FIELDS)}"
        raise HomeportError("bad-config", f"{place}: there is no setting {key!r}", hint)
    kind = _FIELDS[key].type
    # bool is an int in Python, and neither users nor TOML think so.
    fits = isinstance(value, bool) if kind is bool else isinstance(value, kind) and not isinstance(value, bool)
    if kind is float and type(value) is int:
        value, fits = float(value), True
    if not fits:
        raise HomeportError("bad-config", f"{place}: {key} must be {_KINDS[kind]}, not {value!r}")
    if kind in (int, float) and not 0 <= value < float("inf"):
        raise HomeportError("bad-config", f"{place}: {key} must not be negative or endless, it is {value!r}")
    if key == "udp_idle_s" and value < 1:
        raise HomeportError("bad-config", f"{place}: udp_idle_s must be 1 or more, it is {value!r}")
    if key == "door":
        _check_door(value, place)
    if key == "tls_keylog" and value and not os.path.isabs(value):  # the engine's folder is none that anybody chose
        raise HomeportError("bad-config", f"{place}: tls_keylog must be an absolute path, not {value!r}")
    return value


def _check_door(value: str, place: str) -> None:
    try:
        endpoint = parse_endpoint(value)
    except HomeportError as error:
        raise HomeportError("bad-config", f"{place}: {error.message}", error.hint) from error
    if endpoint.is_unix or not endpoint.is_loopback:
        raise HomeportError(
            "bad-config", f"{place}: the door listens on loopback only, not on {value}", "127.0.0.1:62893"
        )


def _line_of(key: str, text: str) -> int:
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(rf"\s*\[?\s*[\"']?{re.escape(key)}[\"']?\s*[=.\]]", line):
            return number
    return 1

"""docs/homeport-toml.md says what the parser does: every key, every default, and examples that parse."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from homeport.formats.homeport_toml import APP_KEYS, ROUTE_KEYS, TOP_KEYS, Key, parse
from homeport.formats.project_file import AppTable, RouteTable

TEXT = (Path(__file__).parents[2] / "docs" / "homeport-toml.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL))
EXAMPLES = re.findall(r"^```toml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def keys_in(section: str) -> dict[str, str]:
    """Key -> the line below its heading, which says its type and default."""
    return dict(re.findall(r"^### `(\w+)`\n\n(.+)$", SECTIONS[section], re.MULTILINE))


def test_every_key_has_its_entry_in_the_order_of_the_parser() -> None:
    assert list(keys_in("Apps")) == list(APP_KEYS)
    assert list(keys_in("Routes")) == list(ROUTE_KEYS)
    assert list(TOP_KEYS) == ["name", "apps", "routes", "profiles", "clients"]
    assert list(keys_in("The project")) == ["name"]


@pytest.mark.parametrize(("section", "keys"), [("Apps", APP_KEYS), ("Routes", ROUTE_KEYS)])
def test_defaults_are_those_of_the_parser(section: str, keys: Mapping[str, Key]) -> None:
    unset = AppTable() if section == "Apps" else RouteTable(target="")
    for name, line in keys_in(section).items():
        field, read = keys[name]
        default = getattr(unset, field)
        if written := re.search(r" · default `(.+)`$", line):
            value = {"true": True, "false": False, "{}": {}, "[]": []}.get(written[1], written[1].strip('"'))
            assert read(value) == default, name
        else:
            assert re.search(r" · (unset|required|default: .+)$", line), name
            assert default in ("", None) or name == "ready", name


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_parse(example: str) -> None:
    project = parse(example)
    assert project.apps or project.routes

"""package.json as people write it, and as nobody should."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.formats.package_json import Package, parse_package
from homeport.model.errors import HomeportError


def package(**fields: Any) -> Package:
    return parse_package(json.dumps(fields))


def test_reads_what_decides() -> None:
    found = package(
        name="@acme/shop", scripts={"dev": "vite"}, packageManager="pnpm@9.1.0", devDependencies={"vite": "6"}
    )
    assert found == Package(name="shop", script="dev", manager="pnpm", has_dependencies=True)


@pytest.mark.parametrize(
    ("scripts", "script"),
    [
        ({"start": "node server.js", "dev": "vite"}, "dev"),
        ({"start": "node server.js"}, "start"),
        ({"dev": " ", "start": "node ."}, "start"),
        ({"build": "tsc"}, ""),
        ({"dev": "homeport"}, ""),
        ({"dev": "npx homeport up -d", "start": "node ."}, "start"),
        ({"dev": "homeport run -- vite"}, "dev"),
        ({"dev": ["vite"]}, ""),
    ],
)
def test_the_script_is_dev_then_start_and_never_ourselves(scripts: dict[str, Any], script: str) -> None:
    assert package(scripts=scripts).script == script


def test_what_is_not_json_has_a_line() -> None:
    with pytest.raises(HomeportError) as raised:
        parse_package('{\n  "scripts": {\n    dev: 1\n', "web/package.json")
    assert raised.value.message.startswith("web/package.json:3: is not JSON: ")


JSON = st.recursive(
    st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@given(
    st.fixed_dictionaries({}, optional={"name": JSON, "scripts": JSON, "packageManager": JSON, "dependencies": JSON})
)
def test_fields_of_any_type_are_survived(fields: dict[str, Any]) -> None:
    assert package(**fields).script == ""


@given(st.text())
def test_garbage_gives_only_our_error(text: str) -> None:
    try:
        parse_package(text)
    except HomeportError as error:
        message = error.message
    else:
        message = "package.json:"
    assert message.startswith("package.json:")


@pytest.mark.parametrize("text", ["[" * 200_000, "9" * 5000])
def test_what_python_cannot_read_is_our_error(text: str) -> None:
    with pytest.raises(HomeportError):
        parse_package(text)

"""The paths that we find are the paths that tomllib reads, on the line where a person sees them."""

from __future__ import annotations

import string
import tomllib
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from homeport.formats.toml_lines import Path, key_lines, toml_key, toml_path, toml_string


def paths_in(value: Any, path: Path = ()) -> set[Path]:
    """Every path of a parsed document."""
    found = {path}
    if isinstance(value, dict):
        for key, inner in value.items():
            found |= paths_in(inner, (*path, key))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            found |= paths_in(inner, (*path, position))
    return found


LETTERS = st.text(string.ascii_lowercase, min_size=1, max_size=3)
KEYS = st.one_of(
    LETTERS, LETTERS.map("{}-1".format), st.text(max_size=4).map(toml_string), LETTERS.map("'{}.#'".format)
)
GAPS = st.sampled_from(["", " ", "\t", "\n", "\r\n", " # ] } \" '\n", "\n\n"])
SCALARS = st.sampled_from(
    ["1", "-0.5e3", "true", "inf", "1979-05-27 07:32:00", '""', '"a\\"]#"', "'\\'", '"""\n"" \\""""""', "''''}''''"]
)


def arrays(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(
        lambda items, gap: "[" + gap + f"{gap},{gap}".join(items) + gap + "]", st.lists(values, max_size=3), GAPS
    )


def inline_tables(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.tuples(KEYS, values).map(" = ".join)
    return st.lists(pairs, max_size=3).map(lambda items: "{" + ", ".join(items) + "}")


VALUES = st.recursive(SCALARS, lambda inner: st.one_of(arrays(inner), inline_tables(inner)), max_leaves=5)
DOTTED = st.lists(KEYS, min_size=1, max_size=3).map(" . ".join)
STATEMENTS = st.one_of(
    st.tuples(DOTTED, VALUES).map("=".join),
    DOTTED.map("[ {} ]".format),
    DOTTED.map("[[{}]]".format),
    st.just("# [comment]"),
    st.just(""),
)


@given(st.lists(st.tuples(STATEMENTS, st.sampled_from(["\n", "\r\n", " # x = 1\n"])).map("".join), max_size=8))
@example(["[[a]]\n", "b=1\n", "[[a]]\n", "[a.c]\n", "d=[{e=1}]\n"])
@example(["a = [1979-05-27 07:32:00, 2]"])
def test_the_same_paths_as_tomllib(statements: list[str]) -> None:
    text = "".join(statements)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    lines = key_lines(text)
    assert set(lines) == paths_in(document)
    written = text.replace("\r\n", "\n").split("\n")
    for path, line in lines.items():
        if path and isinstance(path[-1], str) and path[-1].isalpha() and path[-1].isascii():
            assert path[-1] in written[line - 1]


DOCUMENT = """\
# a comment = 1
name = "x"
apps.web.run = '''
[no.table]
'''
apps."my.app" = { run = "a", env = { A = "}" }, \
needs = ["web"] }

[apps.api]
needs = [
  "web", # first
  "db",
]
"quoted key" = 1

[[list]]
a = 1
[[list]]
b = 2
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("name",), 2),
        (("apps",), 3),
        (("apps", "web", "run"), 3),
        (("apps", "my.app"), 6),
        (("apps", "my.app", "env", "A"), 6),
        (("apps", "my.app", "needs", 0), 6),
        (("apps", "api"), 8),
        (("apps", "api", "needs"), 9),
        (("apps", "api", "needs", 1), 11),
        (("apps", "api", "quoted key"), 13),
        (("list",), 15),
        (("list", 0, "a"), 16),
        (("list", 1), 17),
        (("list", 1, "b"), 18),
    ],
)
def test_lines(path: Path, line: int) -> None:
    assert key_lines(DOCUMENT)[path] == line


@given(st.lists(st.text(), min_size=1))
def test_a_path_is_written_as_toml_reads_it(keys: list[str]) -> None:
    expected: Any = 1
    for key in reversed(keys):
        expected = {key: expected}
    assert tomllib.loads(f"{toml_path(tuple(keys))} = 1") == expected


@given(st.text(st.characters()))
def test_strings_round_trip(text: str) -> None:
    expected = "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in text)
    assert tomllib.loads(f"k = {toml_string(text)}")["k"] == expected


def test_keys_are_quoted_only_where_they_must_be() -> None:
    assert [toml_key(key) for key in ("a-B_1", "a.b", "", "é")] == ["a-B_1", '"a.b"', '""', '"é"']

"""Our Procfile beside honcho's own reader, on anything; and the words for what it drops."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from homeport.formats.procfile import parse_procfile
from homeport.model.errors import HomeportError

honcho: Any = importlib.import_module("honcho.environ")  # it ships no types

PIECES = st.sampled_from(["web", "a-b_c", "a.b", "é", "1", ":", " ", "\t", "\n", "\r\n", "\x0b", "\u2028", "#", "x y"])
TEXTS = st.one_of(st.lists(PIECES, max_size=20).map("".join), st.text())


@given(TEXTS)
@example("web: ")
@example("web:\xa0")
@example("web: x\x0by: z")
@example("\ufeffweb: x")
@example("web: x\nweb: y")
def test_reads_what_honcho_reads(text: str) -> None:
    try:
        expected = list(honcho.parse_procfile(text).processes.items())
    except AssertionError:
        with pytest.raises(HomeportError):
            parse_procfile(text)
    else:
        assert list(parse_procfile(text).processes.items()) == expected


@given(TEXTS)
def test_every_line_is_read_or_dropped_or_a_comment_or_blank(text: str) -> None:
    try:
        procfile = parse_procfile(text)
    except HomeportError:
        return
    silent = [line for line in text.splitlines() if not line.strip() or line.lstrip().startswith("#")]
    assert len(procfile.processes) + len(procfile.dropped) + len(silent) == len(text.splitlines())


def test_dropped_lines_come_with_line_and_reason() -> None:
    text = "# comment\nweb: x\nweb2 : y\n\n  db: z\nworker\nmail:\na.b: c\n"
    assert [(line, why) for line, why in parse_procfile(text).dropped] == [
        (3, "there is a space before or after the name web2"),
        (5, "there is a space before or after the name db"),
        (6, "it is not NAME: COMMAND"),
        (7, "mail has no command"),
        (8, "'a.b' may hold only letters, digits, - and _"),
    ]


def test_a_name_twice_is_a_mistake_with_both_lines() -> None:
    with pytest.raises(HomeportError) as raised:
        parse_procfile("web: x\n\nweb: y\nweb: z\n")
    assert raised.value.code == "bad-config"
    assert raised.value.message == (
        "Procfile:3: web is defined twice, first on line 1\nProcfile:4: web is defined twice, first on line 1"
    )

"""Our `.env` beside honcho's own reader, on anything; and words that never give a value away."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from homeport.formats.env_file import parse_env
from homeport.model.errors import HomeportError

honcho: Any = importlib.import_module("honcho.environ")  # it ships no types

PIECES = st.sampled_from(
    ["A", "B_1", "é", "1", "=", "==", '"', "'", "\\", "\\n", "\\t", "$A", "#", " ", "\t", "\n", "\r", "\x85", "export "]
)
TEXTS = st.one_of(st.lists(PIECES, max_size=20).map("".join), st.text())


@given(TEXTS)
@example('"A B"=1')
@example("A='\\\\n'")
@example("A=x\\")
@example('A="one\ntwo"')
@example("A=1 2 #3")
@example("A=\nA=''")
@example("\ufeffA=1")
def test_reads_what_honcho_reads(text: str) -> None:
    try:
        expected = honcho.parse(text)
    except ValueError:
        with pytest.raises(HomeportError):
            parse_env(text)
    else:
        assert parse_env(text).values == expected


def test_values_are_not_expanded_and_the_last_wins() -> None:
    assert parse_env("A=1\nB=$A\nA='x\\ny'\n").values == {"A": "x\ny", "B": "$A"}


def test_dropped_lines_never_show_their_value() -> None:
    parsed = parse_env("export TOKEN=s3cret\n# comment\nEMPTY=\nA-B=s3cret\ns3cret\n")
    assert [line for line, _ in parsed.dropped] == [1, 3, 4, 5]
    assert parsed.dropped[1].why == 'EMPTY has no value, write EMPTY="" for an empty one'
    assert "s3cret" not in repr(parsed)


def test_a_quote_that_does_not_close_is_a_mistake_without_its_value() -> None:
    with pytest.raises(HomeportError) as raised:
        parse_env("A=1\nB=\"s3cret\nC='s3cret\n", "shop/.env")
    assert raised.value.message == "shop/.env:2: no closing quotation\nshop/.env:3: no closing quotation"

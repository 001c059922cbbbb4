"""Bytes of strangers as text, hex dumps, and what is typed as pieces to send."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.cli.peer_text import hex_rows, shown_bytes, shown_lines, typed_hex
from homeport.cli.typed import Form, Shaper


def test_lines() -> None:
    assert shown_lines(b"one\r\ntwo\n") == ["one", "two"]
    assert shown_lines(b"no end") == ["no end"]
    assert shown_lines(b"\n") == [""]
    assert shown_bytes("é\u202e\u0085\r\n\t\x1b\x7f".encode() + b"\xff") == "é\\u202e\\x85\\r\\n\\t\\x1b\\x7f\\xff"


@given(st.binary(max_size=80))
def test_nothing_is_left_that_a_terminal_obeys(data: bytes) -> None:
    for line in [shown_bytes(data), *shown_lines(data)]:
        assert all(unicodedata.category(char) not in ("Cc", "Cf", "Zl", "Zp") for char in line)


@given(st.binary(max_size=70))
def test_a_hex_dump_can_be_typed_back(data: bytes) -> None:
    cells = [row[10:59] for row in hex_rows(data, 0x1000)]
    assert typed_hex(" ".join(cells)) == data
    assert all(len(row) <= 80 for row in hex_rows(data))


@pytest.mark.parametrize("text", ["68 69", "6869", "0x68,0x69", "\\x68\\x69", "68:69"])
def test_ways_to_type_hex(text: str) -> None:
    assert typed_hex(text) == b"hi"


@pytest.mark.parametrize(
    ("form", "pieces"),
    [
        ("bytes", [b"a\nb\r\nc"]),
        ("lines", [b"a\n", b"b\r\n", b"c"]),
        ("crlf", [b"a\r\n", b"b\r\n", b"c"]),
        ("messages", [b"a", b"b", b"c"]),
        ("hex", [b"\x0b"]),
    ],
)
def test_forms(form: Form, pieces: list[bytes]) -> None:
    mistakes: list[str] = []
    data = b"0b\nx\n" if form == "hex" else b"a\nb\r\nc"
    shaper = Shaper(form, mistakes.append)
    assert [*shaper.feed(data), *shaper.end()] == pieces
    assert mistakes == (["x"] if form == "hex" else [])
    if form != "bytes":
        again = Shaper(form, mistakes.append)
        assert [piece for at in range(len(data)) for piece in again.feed(data[at : at + 1])] + again.end() == pieces

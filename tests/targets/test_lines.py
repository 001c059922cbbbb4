"""Any bytes become lines, in pieces of a bounded size, however they were cut on their way."""

from __future__ import annotations

import itertools

from hypothesis import example, given
from hypothesis import strategies as st

from homeport.targets import lines
from homeport.targets.lines import PIECE_BYTES, Lines, Piece, plain


def all_of(chunks: list[bytes]) -> list[Piece]:
    reader = Lines()
    return [piece for chunk in chunks for piece in reader.feed(chunk)] + reader.end()


@given(st.lists(st.binary(max_size=50)))
@example([b"a\r", b"\nb"])
@example(["ä".encode()[:1], "ä".encode()[1:]])
def test_cutting_the_input_changes_nothing(chunks: list[bytes]) -> None:
    assert all_of(chunks) == all_of([b"".join(chunks)])


@given(st.binary(max_size=100), st.lists(st.integers(0, 100)))
def test_long_lines_do_not_depend_on_the_cuts_either(data: bytes, cuts: list[int]) -> None:
    big = data.replace(b"x", b"y" * (PIECE_BYTES - 1)) + b"\xc3\xa4" * PIECE_BYTES + data
    places = sorted({0, len(big), *(cut * len(big) // 101 for cut in cuts)})
    chunks = [big[start:end] for start, end in itertools.pairwise(places)]
    assert all_of(chunks) == all_of([big])


@given(st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]))))
def test_what_was_text_stays_that_text(texts: list[str]) -> None:
    assert all_of([f"{text}\n".encode() for text in texts]) == [(text, False) for text in texts]


def test_a_line_of_any_length_comes_in_pieces_that_join_to_it() -> None:
    line = "a" + "€" * 100_000
    pieces = all_of([line.encode() + b"\nnext\n"])
    assert [continues for _, continues in pieces] == [True] * (len(line.encode()) // PIECE_BYTES) + [False, False]
    assert "".join(text for text, _ in pieces[:-1]) == line
    assert all(len(text.encode()) <= PIECE_BYTES for text, _ in pieces)


def test_memory_is_bounded_without_any_newline() -> None:
    reader = Lines()
    for _ in range(64):
        reader.feed(b"\x00" * 40_000)
    assert len(reader._rest) <= PIECE_BYTES


def test_an_unfinished_line_is_given_on_request_and_continues() -> None:
    reader = Lines()
    assert reader.feed(b"Port taken, use another? ") == []
    assert reader.partial() == [("Port taken, use another? ", True)]
    assert reader.partial() == []
    assert reader.feed(b"yes\nfine") == [("yes", False)]
    assert reader.end() == [("fine", False)]
    assert reader.end() == []


def test_an_unfinished_line_that_was_given_is_closed_at_the_end() -> None:
    reader = Lines()
    reader.feed(b"? ")
    reader.partial()
    assert reader.end() == [("", False)]


def test_colours_and_links_do_not_hide_words() -> None:
    assert plain("\x1b[32m➜\x1b[39m  Local: \x1b[36mhttp://localhost:\x1b[1m5173\x1b[22m/\x1b[39m") == (
        "➜  Local: http://localhost:5173/"
    )
    assert plain("\x1b]8;;http://x\x07here\x1b]8;;\x07 \x1b(B") == "here \x1b(B"
    assert lines.plain("plain") == "plain"

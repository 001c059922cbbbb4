"""Tokens: what opens which route and until when, and what stands in the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from homeport.app.token_book import TokenBook
from homeport.model.errors import HomeportError


class Clock:
    now_s = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now_s


def test_a_token_opens_its_route_until_it_ends(tmp_path: Path) -> None:
    clock = Clock()
    book = TokenBook(str(tmp_path / "tokens.json"), clock)
    every, _ = book.make("every", "", None)
    one, state = book.make("one", "web", 60.0)
    assert (state.created, state.ends) == ("2023-11-14T22:13:20Z", "2023-11-14T22:14:20Z")
    assert [book.name_of(every, route) for route in ("web", "api")] == ["every", "every"]
    assert [book.name_of(one, route) for route in ("web", "api")] == ["one", ""]
    clock.now_s += 60.0
    assert [book.name_of(token, "web") for token in (every, one)] == ["every", ""]
    assert [state.has_ended for state in book.states()] == [False, True]
    assert book.just_ended() == ["one"]
    assert book.just_ended() == []


def test_the_next_engine_knows_them_and_a_revoked_one_is_gone_for_good(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    book = TokenBook(str(path))
    kept, _ = book.make("kept", "", None)
    gone, _ = book.make("gone", "", None)
    assert book.remove("gone") is not None
    assert not book.name_of(gone, "web")
    again = TokenBook(str(path))
    assert again.name_of(kept, "web")
    assert not again.name_of(gone, "web")
    assert [state.name for state in again.states()] == ["kept"]


def test_the_file_is_private_and_holds_no_token(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    token, _ = TokenBook(str(path)).make("laptop", "", None)
    assert path.stat().st_mode & 0o777 == 0o600
    assert token not in path.read_text()
    assert token[3:] not in path.read_text()


@pytest.mark.parametrize("content", [b"", b"[", b"{}", b"[{}]", b"\xff"])
def test_a_damaged_file_opens_nothing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "tokens.json"
    token, _ = TokenBook(str(path)).make("laptop", "", None)
    path.write_bytes(content)
    assert not TokenBook(str(path)).name_of(token, "web")


def test_a_token_that_cannot_be_kept_is_not_given(tmp_path: Path) -> None:
    book = TokenBook(str(tmp_path / "gone" / "tokens.json"))
    with pytest.raises(HomeportError) as caught:
        book.make("laptop", "", None)
    assert caught.value.code == "storage-failed"
    assert book.states() == []

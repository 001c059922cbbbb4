"""Whatever is asked for, nothing outside the directory is found."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from homeport.targets.directory_paths import Entry, File, Found, Listing, Redirect, Refused, look_up
from homeport.targets.directory_types import is_compressible, media_type, types


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    above = tmp_path_factory.mktemp("above")
    root = above / "site"
    (root / "sub" / "deep").mkdir(parents=True)
    (above / "site-secret").mkdir()  # begins like the root
    (above / "site-secret" / "key").write_text("secret")
    (above / "key").write_text("secret")
    (root / "page.html").touch()
    (root / "sub" / "key").write_text("public")
    (root / ".hidden").mkdir()
    (root / ".hidden" / "key").write_text("secret")
    (root / "sub" / "up").symlink_to("../..")
    (root / "sub" / "twin").symlink_to("../../site-secret")
    (root / "sub" / "back").symlink_to("../sub")
    (root / "sub" / "deep" / "a:b").mkdir()
    return root


PARTS = [b"", b".", b"..", b"%2e%2e", b"..%2f", b"%2f", b"sub", b"deep", b"up", b"twin", b"back", b"key", b"page.html"]
PARTS += [
    b".hidden",
    b"%00",
    b"%ff",
    b"a:b",
    b"\xff",
    b"%",
    b"..\\",
    b"site",
    b"site-secret",
    b"index.html",
    b"x" * 300,
]


@given(st.lists(st.sampled_from(PARTS) | st.binary(max_size=8), max_size=7), st.booleans(), st.booleans())
@example([b"..", b"site-secret", b"key"], False, True)
@example([b"sub", b"twin", b"key"], False, True)
@example([b"sub", b"up", b"key"], True, True)
def test_only_what_lies_inside_is_found(site: Path, parts: list[bytes], spa: bool, listing: bool) -> None:
    found = look_up(str(site), b"/" + b"/".join(parts), spa=spa, listing=listing)
    assert isinstance(found, File | Listing | Redirect | Refused)
    if isinstance(found, File):
        assert Path(found.path).read_text() != "secret"
        assert Path(found.path).is_relative_to(site.resolve())
    if isinstance(found, Listing):
        assert listing
        assert not {entry.name for entry in found.entries} & {".hidden", "site-secret", "up", "twin"}
    if isinstance(found, Redirect):
        assert found.location.startswith("./")
        assert "//" not in found.location


def found_at(site: Path, path: str) -> Found:
    return look_up(str(site), path.encode())


def test_links_inside_lead_on(site: Path) -> None:
    assert isinstance(found_at(site, "/sub/back/key"), File)
    assert found_at(site, "/sub/deep/a:b") == Redirect("./a%3Ab/")


def test_each_listed_name_leads_to_its_entry(tmp_path: Path) -> None:
    names = [b"plain", b"a b", b"50%", b"?q#f", b"semi;colon", "日本".encode()]
    for name in names:
        (tmp_path / os.fsdecode(name)).touch()
    listing = found_at(tmp_path, "/")
    assert isinstance(listing, Listing)
    assert {os.fsencode(entry.name) for entry in listing.entries} == set(names)
    for name in names:
        assert isinstance(look_up(str(tmp_path), b"/" + quote_from_bytes(name).encode()), File)


def test_entries_carry_what_a_listing_shows(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"1234")
    os.utime(tmp_path / "film.mp4", (1000, 1000))
    assert found_at(tmp_path, "/") == Listing("/", (Entry("film.mp4", False, 4, 1000.0),))


def test_every_type_can_be_written_into_a_configuration() -> None:
    for extension, kind in types().items():
        assert extension.startswith(".")
        assert not set(extension + kind) & set(" \t\n;{}\"'"), extension
    assert not is_compressible("text/event-stream; charset=utf-8")
    assert is_compressible(media_type("x.svg"))
    assert not is_compressible(media_type("x.woff2"))

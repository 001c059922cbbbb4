"""A directory served for real: uvicorn on a socket of its own, asked by the standard library's HTTP client."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import json
import os
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from homeport.model.app import Serve
from homeport.model.endpoint import Endpoint
from homeport.model.errors import HomeportError
from homeport.targets.directory import Directories

Get = Callable[..., Awaitable["Answer"]]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


def ask(endpoint: Endpoint, path: str, method: str = "GET", **headers: str) -> Answer:
    """One request; header names are written with underscores."""
    connection = http.client.HTTPConnection("127.0.0.1", endpoint.port, timeout=10)
    try:
        if endpoint.is_unix:
            connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.sock.settimeout(10)
            connection.sock.connect(endpoint.path)
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "index.html").write_text("<!doctype html><title>home</title><body>hello</body>")
    (folder / "style.css").write_text("body { color: red }\n" * 200)
    (folder / "photos").mkdir()
    (folder / "photos" / "page10.txt").write_text("ten")
    (folder / "photos" / "page2.txt").write_text("two")
    (folder / "photos" / "größe & <b>.txt").write_text("ü")
    (folder / "photos" / "sub").mkdir()
    return folder


@pytest.fixture
async def directories(tmp_path: Path) -> AsyncIterator[Directories]:
    (tmp_path / "run").mkdir(mode=0o700)
    opened = Directories(lambda name: str(tmp_path / "run" / f"{name[:12]}.sock"))
    yield opened
    await opened.close_all()
    assert list((tmp_path / "run").iterdir()) == []


@pytest.fixture
async def get(directories: Directories, site: Path) -> Get:
    endpoint = await directories.open("site", Serve(directory=str(site)))

    async def ask_it(path: str, method: str = "GET", **headers: str) -> Answer:
        return await asyncio.to_thread(ask, endpoint, path, method, **headers)

    return ask_it


async def test_the_index_page_answers_for_its_directory(get: Get) -> None:
    answer = await get("/")
    assert answer.status == 200
    assert "hello" in answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["date"]
    assert answer.headers.get_all("content-length") == [str(len(answer.body))]


async def test_a_listing_shows_names_as_people_sort_them_and_escapes_them(get: Get) -> None:
    answer = await get("/photos/", accept="text/html")
    page = answer.text
    assert page.index("sub/") < page.index("größe") < page.index("page2.txt") < page.index("page10.txt")
    assert "größe &amp; &lt;b&gt;.txt" in page
    assert 'href="./gr%C3%B6%C3%9Fe%20%26%20%3Cb%3E.txt"' in page
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_a_listing_is_json_for_programs(get: Get) -> None:
    answer = await get("/photos/", accept="application/json")
    listing = json.loads(answer.body)
    assert answer.headers["content-type"] == "application/json"
    assert [entry["name"] for entry in listing["entries"]] == ["sub", "größe & <b>.txt", "page2.txt", "page10.txt"]
    assert listing["entries"][2] | {"modified": ""} == {
        "name": "page2.txt",
        "href": "./page2.txt",
        "type": "file",
        "size": 3,
        "modified": "",
    }
    for entry in listing["entries"]:
        assert (await get(f"/photos/{entry['href'].removeprefix('./')}", accept="*/*")).status == 200


async def test_a_listing_can_be_switched_off(directories: Directories, site: Path) -> None:
    endpoint = await directories.open("plain", Serve(directory=str(site), listing=False))
    assert (await asyncio.to_thread(ask, endpoint, "/photos/")).status == 404
    assert (await asyncio.to_thread(ask, endpoint, "/")).status == 200


async def test_a_directory_without_its_slash_redirects_relatively(get: Get) -> None:
    answer = await get("/photos?sort=name")
    assert answer.status == 307
    assert answer.headers["location"] == "./photos/?sort=name"


async def test_names_that_are_not_utf8_are_listed_and_served(get: Get, site: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("this system's file names are Unicode")
    name = b"caf\xe9.txt"
    with open(os.path.join(os.fsencode(site), b"photos", name), "wb") as file:
        file.write(b"old")
    listing = await get("/photos/", accept="text/html")
    assert 'href="./caf%E9.txt"' in listing.text
    assert (await get("/photos/caf%E9.txt")).body == b"old"


async def test_the_types_that_browsers_insist_on(get: Get, site: Path) -> None:
    for name, kind in {
        "a.mjs": "text/javascript; charset=utf-8",
        "a.js": "text/javascript; charset=utf-8",
        "a.wasm": "application/wasm",
        "a.webmanifest": "application/manifest+json; charset=utf-8",
        "a.json": "application/json; charset=utf-8",
        "a.svg": "image/svg+xml",
        "a.tar.gz": "application/gzip",
        "A.PNG": "image/png",
        "LICENSE": "application/octet-stream",
    }.items():
        (site / name).write_bytes(b"x")
        answer = await get(f"/{name}")
        assert (name, answer.headers["content-type"]) == (name, kind)
        assert "content-encoding" not in answer.headers


async def test_conditional_requests(get: Get, site: Path) -> None:
    first = await get("/style.css")
    tag, modified = first.headers["etag"], first.headers["last-modified"]
    assert not tag.startswith("W/")
    for header in ({"if_none_match": tag}, {"if_none_match": f'"other", W/{tag}'}, {"if_none_match": "*"}):
        again = await get("/style.css", **header)
        assert (again.status, again.body) == (304, b"")
        assert again.headers["etag"] == tag
    assert (await get("/style.css", if_modified_since=modified)).status == 304
    assert (await get("/style.css", if_modified_since="yesterday")).status == 200
    # If-None-Match decides, even where the date would say that nothing has changed.
    assert (await get("/style.css", if_none_match='"other"', if_modified_since=modified)).status == 200
    # The same size within the same second is still another file.
    facts = (site / "style.css").stat()
    (site / "style.css").write_text("body { color: tan }\n" * 200)
    os.utime(site / "style.css", ns=(facts.st_atime_ns, facts.st_mtime_ns + 1000))
    assert (await get("/style.css", if_none_match=tag)).status == 200


async def test_ranges(get: Get, site: Path) -> None:
    (site / "film.bin").write_bytes(bytes(range(256)) * 40)
    whole = await get("/film.bin")
    assert whole.headers["accept-ranges"] == "bytes"
    part = await get("/film.bin", range="bytes=10-19")
    assert (part.status, part.body) == (206, bytes(range(10, 20)))
    assert part.headers["content-range"] == "bytes 10-19/10240"
    assert (await get("/film.bin", range="bytes=-3")).body == bytes([253, 254, 255])
    assert (await get("/film.bin", range="bytes=99999-")).status == 416
    several = await get("/film.bin", range="bytes=0-1,5-6")
    assert several.headers["content-type"].startswith("multipart/byteranges; boundary=")
    assert several.body.count(b"Content-Range: bytes ") == 2


async def test_if_range_gives_the_part_only_of_the_same_file(get: Get) -> None:
    tag = (await get("/style.css")).headers["etag"]
    assert (await get("/style.css", range="bytes=0-3", if_range=tag)).body == b"body"
    assert (await get("/style.css", range="bytes=0-3", if_range='"other"')).status == 200
    assert (await get("/style.css", range="bytes=0-3", if_range=f"W/{tag}")).status == 200


async def test_text_is_compressed_when_that_is_accepted(get: Get, site: Path) -> None:
    packed = await get("/style.css", accept_encoding="br, gzip;q=0.5")
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == "Accept-Encoding"
    assert packed.headers["etag"].startswith('W/"')
    assert gzip.decompress(packed.body) == (site / "style.css").read_bytes()
    assert len(packed.body) == int(packed.headers["content-length"])
    assert (await get("/style.css", accept_encoding="gzip", if_none_match=packed.headers["etag"])).status == 304
    for refused in ("gzip;q=0", "br", "identity", "*;q=0"):
        plain = await get("/style.css", accept_encoding=refused)
        assert "content-encoding" not in plain.headers
        assert plain.headers["vary"] == "Accept-Encoding"


async def test_ranges_small_bodies_and_dense_types_are_not_compressed(get: Get, site: Path) -> None:
    (site / "small.txt").write_text("x" * 100)
    (site / "photo.jpg").write_bytes(b"\0" * 5000)
    part = await get("/style.css", accept_encoding="gzip", range="bytes=0-3")
    assert (part.status, part.body) == (206, b"body")
    assert "content-encoding" not in (await get("/small.txt", accept_encoding="gzip")).headers
    assert "content-encoding" not in (await get("/photo.jpg", accept_encoding="gzip")).headers


async def test_a_large_text_is_compressed_as_a_stream(get: Get, site: Path) -> None:
    text = os.urandom(600_000).hex() * 2
    (site / "data.csv").write_text(text)
    answer = await get("/data.csv", accept_encoding="gzip")
    assert "content-length" not in answer.headers
    assert gzip.decompress(answer.body).decode() == text


async def test_head_has_the_headers_of_get_and_no_body(get: Get) -> None:
    head, whole = await get("/style.css", "HEAD"), await get("/style.css")
    assert (head.status, head.body) == (200, b"")
    assert {name: value for name, value in head.headers.items() if name != "date"} == {
        name: value for name, value in whole.headers.items() if name != "date"
    }
    assert (await get("/photos/", "HEAD")).body == b""


async def test_other_methods_are_refused(get: Get) -> None:
    answer = await get("/style.css", "DELETE")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


async def test_nothing_outside_the_directory_is_served(get: Get, site: Path) -> None:
    (site.parent / "secret.txt").write_text("secret")
    for path in (
        "/../secret.txt",
        "/photos/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/photos/..%2f..%2fsecret.txt",
        f"/{site.parent}/secret.txt",
        f"/%2f{str(site.parent)[1:]}/secret.txt",
        "/..\\secret.txt",
        "/%00",
        "/a%00.txt",
        "/" + "a" * 5000,
        "/style.css/",
        "/style.css/x",
    ):
        answer = await get(path)
        assert answer.status == 404, path
        assert b"secret\n" not in answer.body


async def test_links_are_followed_inside_and_refused_outside(get: Get, site: Path) -> None:
    (site.parent / "secret.txt").write_text("secret")
    (site.parent / "elsewhere").mkdir()
    (site.parent / "elsewhere" / "index.html").write_text("secret")
    (site / "inside.css").symlink_to("style.css")
    (site / "outside.txt").symlink_to("../secret.txt")
    (site / "outside").symlink_to("../elsewhere")
    (site / "photos" / "loop").symlink_to("loop")
    (site / "photos" / "out").symlink_to("/")
    assert (await get("/inside.css")).status == 200
    for path in ("/outside.txt", "/outside", "/outside/", "/outside/index.html"):
        answer = await get(path)
        assert (path, answer.status) == (path, 403)
        assert "leads outside" in answer.text
    assert (await get("/photos/loop")).status == 404
    listing = (await get("/photos/", accept="text/html")).text
    assert "loop" not in listing
    assert ">out" not in listing


async def test_a_directory_that_is_a_link_itself_is_served(directories: Directories, site: Path) -> None:
    (site.parent / "current").symlink_to(site)
    endpoint = await directories.open("link", Serve(directory=str(site.parent / "current")))
    assert (await asyncio.to_thread(ask, endpoint, "/style.css")).status == 200


async def test_dot_files_are_neither_listed_nor_served_but_well_known_is(get: Get, site: Path) -> None:
    (site / "photos" / ".env").write_text("TOKEN=1")
    (site / ".git").mkdir()
    (site / ".git" / "config").write_text("x")
    (site / ".well-known").mkdir()
    (site / ".well-known" / "security.txt").write_text("Contact: x")
    assert ".env" not in (await get("/photos/", accept="text/html")).text
    assert (await get("/photos/.env")).status == 404
    assert (await get("/.git/config")).status == 404
    assert (await get("/.well-known/security.txt")).status == 200


async def test_a_pipe_is_not_opened(get: Get, site: Path) -> None:
    os.mkfifo(site / "pipe")
    assert (await get("/pipe")).status == 404


async def test_what_may_not_be_read_says_so(get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # the tests may run as root, who may read everything
    answer = await get("/style.css")
    assert (answer.status, answer.text) == (403, "/style.css may not be read by this user.\n")


async def test_refusals_speak_the_clients_language(get: Get, site: Path) -> None:
    assert "<h1>404 Not Found</h1>" in (await get("/<x>", accept="text/html")).text
    assert json.loads((await get("/none", accept="application/json")).body)["error"]["code"] == "not-found"
    assert (await get("/none")).text == "There is no /none in this directory.\n"
    (site / "404.html").write_text("my own page")
    own = await get("/none", accept="text/html")
    assert (own.status, own.text) == (404, "my own page")


async def test_spa_answers_unknown_pages_with_the_index(directories: Directories, site: Path) -> None:
    endpoint = await directories.open("spa", Serve(directory=str(site), spa=True))

    async def status(path: str, **headers: str) -> int:
        return (await asyncio.to_thread(ask, endpoint, path, **headers)).status

    answer = await asyncio.to_thread(ask, endpoint, "/users/7", accept="text/html")
    assert (answer.status, "hello" in answer.text) == (200, True)
    assert await status("/users/7") == 200  # curl
    assert await status("/photos/", accept="text/html") == 200  # no index page of its own: a path like any other
    assert await status("/app.js", accept="text/html") == 404
    assert await status("/users/7", accept="application/json") == 404
    assert await status("/users/7", accept="*/*", sec_fetch_dest="empty") == 404  # a script's fetch()
    assert await status("/photos/page2.txt", accept="text/html") == 200


async def test_opening_what_is_no_directory_is_an_error(directories: Directories, tmp_path: Path) -> None:
    with pytest.raises(HomeportError, match="is not a directory"):
        await directories.open("none", Serve(directory=str(tmp_path / "none")))


async def test_a_directory_that_vanishes_is_told(get: Get, site: Path) -> None:
    site.rename(site.parent / "away")
    answer = await get("/")
    assert (answer.status, "is gone" in answer.text) == (404, True)


async def test_closing_one_directory_leaves_the_others(directories: Directories, site: Path) -> None:
    one = await directories.open("one", Serve(directory=str(site)))
    two = await directories.open("two", Serve(directory=str(site / "photos")))
    await directories.close("one")
    with pytest.raises(OSError, match="o such file"):
        await asyncio.to_thread(ask, one, "/")
    assert (await asyncio.to_thread(ask, two, "/page2.txt")).body == b"two"
    assert (await directories.open("two", Serve(directory=str(site)))) == two
    assert (await asyncio.to_thread(ask, two, "/page2.txt")).status == 404


async def test_without_unix_sockets_it_listens_on_loopback(site: Path) -> None:
    directories = Directories()
    endpoint = await directories.open("site", Serve(directory=str(site)))
    assert endpoint.host == "127.0.0.1"
    assert (await asyncio.to_thread(ask, endpoint, "/")).status == 200
    await directories.close_all()

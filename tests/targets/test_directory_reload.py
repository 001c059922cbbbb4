"""Reloading: what is told to an open page, from real changes of real files, and what is put into the page."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from homeport.model.app import Serve
from homeport.model.endpoint import Endpoint
from homeport.targets.directory import Directories
from homeport.targets.directory_reload import Changes, is_source, with_script
from tests.targets.test_directory import Answer, ask


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "index.html").write_text("<!doctype html><title>home</title><body>hello</body></html>")
    (folder / "style.css").write_text("body {}")
    return folder


@pytest.fixture
async def endpoint(site: Path, tmp_path: Path) -> AsyncIterator[Endpoint]:
    directories = Directories(lambda name: str(tmp_path / "site.sock"))
    yield await directories.open("site", Serve(directory=str(site), reload=True))
    await directories.close_all()


async def get(endpoint: Endpoint, path: str, **headers: str) -> Answer:
    return await asyncio.to_thread(ask, endpoint, path, **headers)


class Page:
    """An open page: it was loaded, and it listens."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    async def __aenter__(self) -> Page:
        html = (await get(self._endpoint, "/")).text
        self.version = html.partition("reload.js?v=")[2].partition('"')[0]
        assert self._endpoint.is_unix
        self._reader, self._writer = await asyncio.open_unix_connection(self._endpoint.path)
        self._writer.write(f"GET /@homeport/changes?v={self.version} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await self._reader.readuntil(b": listening")
        return self

    async def __aexit__(self, *failure: object) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    async def change(self) -> Any:
        while True:
            line = await asyncio.wait_for(self._reader.readline(), 20)
            assert line, "the stream ended"
            if line.startswith(b"data: "):
                return json.loads(line.removeprefix(b"data: "))


async def test_a_page_gets_one_external_script_at_its_end(endpoint: Endpoint, site: Path) -> None:
    page = (await get(endpoint, "/")).text
    assert page.count("<script") == 1
    assert page.startswith('<!doctype html><title>home</title><body>hello<script src="./@homeport/reload.js?v=')
    assert page.endswith("></script></body></html>")
    assert (await get(endpoint, "/", if_none_match=(await get(endpoint, "/")).headers["etag"])).status == 304
    script = await get(endpoint, "/@homeport/reload.js")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert b"EventSource" in script.body


async def test_parts_of_pages_and_other_files_stay_as_they_are(endpoint: Endpoint, site: Path) -> None:
    assert b"<script" not in (await get(endpoint, "/", sec_fetch_dest="empty")).body
    assert (await get(endpoint, "/style.css")).body == b"body {}"


async def test_listings_and_refusals_reload_too(endpoint: Endpoint, site: Path) -> None:
    (site / "sub").mkdir()
    assert b'src="../@homeport/reload.js' in (await get(endpoint, "/sub/", accept="text/html")).body
    assert b'src="../../@homeport/reload.js' in (await get(endpoint, "/a/b/none", accept="text/html")).body


async def test_without_reload_there_is_no_script(site: Path) -> None:
    directories = Directories()
    endpoint = await directories.open("site", Serve(directory=str(site)))
    assert b"<script" not in (await get(endpoint, "/")).body
    assert (await get(endpoint, "/@homeport/reload.js")).status == 404
    await directories.close_all()


async def test_a_changed_page_is_told_and_the_stream_is_never_compressed(endpoint: Endpoint, site: Path) -> None:
    async with Page(endpoint) as page:
        (site / "index.html").write_text("<p>new</p>")
        change = await page.change()
        assert change["css"] is None
        assert change["version"] != page.version


async def test_changed_style_sheets_are_named_so_that_they_can_be_swapped(endpoint: Endpoint, site: Path) -> None:
    async with Page(endpoint) as page:
        (site / "style.css").write_text("body { color: red }")
        assert (await page.change())["css"] == ["/style.css"]


async def test_what_changed_between_loading_and_listening_is_not_lost(endpoint: Endpoint, site: Path) -> None:
    async with Page(endpoint) as first:
        (site / "style.css").write_text("body { color: red }")
        await first.change()
        reader, writer = await asyncio.open_unix_connection(endpoint.path)
        writer.write(f"GET /@homeport/changes?v={first.version} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await asyncio.wait_for(reader.readuntil(b'"css":["/style.css"]'), 20)
        writer.close()
        await writer.wait_closed()


async def test_a_directory_that_is_built_anew_reloads_once_it_is_back(endpoint: Endpoint, site: Path) -> None:
    async with Page(endpoint) as page:
        shutil.rmtree(site)
        site.mkdir()
        (site / "index.html").write_text("<p>built</p>")
        assert (await page.change())["css"] is None
        (site / "style.css").write_text("a {}")
        await page.change()  # the new directory is watched as the old one was


async def test_closing_ends_the_streams(site: Path, tmp_path: Path) -> None:
    directories = Directories(lambda name: str(tmp_path / "x.sock"))
    async with Page(await directories.open("site", Serve(directory=str(site), reload=True))) as page:
        await directories.close_all()
        assert await asyncio.wait_for(page._reader.read(), 20) is not None


@pytest.mark.counterpart("chromium")
async def test_in_a_browser_styles_are_swapped_and_pages_reloaded(site: Path) -> None:
    from playwright.async_api import async_playwright, expect

    (site / "index.html").write_text(
        "<!doctype html><meta http-equiv=content-security-policy content=\"default-src 'self'\">"
        '<link rel="stylesheet" href="/style.css"><body><p>old</p></body>'
    )
    directories = Directories()
    endpoint = await directories.open("site", Serve(directory=str(site), reload=True))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = await browser.new_page()
        async with page.expect_response("**/@homeport/changes*"):
            await page.goto(f"http://{endpoint}/")
        await page.evaluate("window.kept = true")
        (site / "style.css").write_text("p { color: rgb(1, 2, 3) }")
        await expect(page.locator("p")).to_have_css("color", "rgb(1, 2, 3)")
        await expect(page.locator("link[rel=stylesheet]")).to_have_count(1)
        assert await page.evaluate("window.kept")
        (site / "index.html").write_text("<p>new</p>")
        await expect(page.locator("p")).to_have_text(re.compile("new"))
        assert not await page.evaluate("window.kept")
        await browser.close()
    await directories.close_all()


async def read(changes: Changes, seen: str) -> Any:
    async for event in changes.events(seen):
        if event.startswith(b"data: "):
            return json.loads(event.removeprefix(b"data: "))
    return None


async def test_style_sheets_add_up_and_anything_else_reloads(tmp_path: Path) -> None:
    changes = Changes(str(tmp_path))
    start = changes.version
    changes.add(["/a.css"])
    changes.add(["/b.css", "/a.css"])
    assert (await read(changes, start))["css"] == ["/a.css", "/b.css"]
    changes.add(["/a.js"])
    changes.add(["/a.css"])
    assert (await read(changes, start))["css"] is None
    assert (await read(changes, "another-1"))["css"] is None
    assert (await read(changes, "nonsense"))["css"] is None
    await changes.close()


async def test_who_missed_more_than_is_remembered_reloads(tmp_path: Path) -> None:
    changes = Changes(str(tmp_path))
    start = changes.version
    for _ in range(100):
        changes.add(["/a.css"])
    assert (await read(changes, start))["css"] is None
    await changes.close()


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (b"<p>", b"<p>S"),
        (b"<body>a</body></html>", b"<body>aS</body></html>"),
        (b"<script>'</body>'</script>b</BODY >", b"<script>'</body>'</script>bS</BODY >"),
        (b"\xff\xfe<\0p\0", b"\xff\xfe<\0p\0"),
    ],
)
def test_where_the_script_goes(page: bytes, expected: bytes) -> None:
    tag = b'<script src="../../@homeport/reload.js?v=r-1"></script>'
    assert with_script(page, b"/a/b/c.html", "r-1") == expected.replace(b"S", tag)


def test_editors_and_tools_do_not_reload_pages() -> None:
    def told(path: str) -> bool:
        return is_source("/site", "/site" + path)

    assert told("/index.html")
    assert told("/assets/app.js")
    for path in ("/.git/index", "/index.html~", "/.index.html.swp", "/4913", "/node_modules/x/y.js", "/#index.html#"):
        assert not told(path), path
    assert is_source("/x/node_modules/site", "/x/node_modules/site/index.html")

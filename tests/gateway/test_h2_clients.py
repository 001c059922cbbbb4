"""Real clients of HTTP/2 at the door: curl, nghttp, h2load, and Chromium with a page of many modules."""

from __future__ import annotations

import asyncio
import shutil
from asyncio import StreamReader as Reader
from asyncio import StreamWriter as Writer
from typing import Any

import pytest

from homeport.model.exchange import COMPLETE

from .conftest import Road, hello, read_request

pytestmark = pytest.mark.h2_only

MODULES = 200


async def run(*words: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await process.communicate()
    return out.decode(errors="replace")


@pytest.mark.counterpart("curl")
@pytest.mark.parametrize("how", ["--http2", "--http2-prior-knowledge"])
async def test_curl(road: Road, how: str) -> None:
    async def echo(reader: Reader, writer: Writer) -> None:
        while True:
            _, body = await read_request(reader)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            await writer.drain()

    await road.upstream(echo)
    scheme = "http" if "prior" in how else "https"
    url = f"{scheme}://127.0.0.1:{road.port}/a"
    report = " %{http_version} %{http_code} %{num_connects}"
    assert await run("curl", "-sk", how, "-w", report, url) == " 2 200 1"
    assert await run("curl", "-sk", how, "-w", report, url, "-d", "x" * 99) == "x" * 99 + " 2 200 1"


@pytest.mark.counterpart("h2load")
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_nghttp(road: Road, scheme: str) -> None:
    """It sends priorities and everything else that RFC 7540 had."""
    await road.upstream(hello)
    urls = [f"{scheme}://localhost:{road.port}/{number}" for number in range(20)]
    out = await run("nghttp", "-nv", "--no-verify-peer", *urls)
    assert out.count(":status: 200") == 20
    assert "error_code=NO_ERROR" in out


@pytest.mark.counterpart("h2load")
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_h2load(road: Road, scheme: str) -> None:
    async def fast(reader: Reader, writer: Writer) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1024\r\n\r\n" + b"x" * 1024)

    await road.upstream(fast)
    out = await run("h2load", "-n", "2000", "-c", "10", "-m", "20", f"{scheme}://localhost:{road.port}/")
    assert "2000 succeeded, 0 failed, 0 errored, 0 timeout" in out
    assert "2000 2xx" in out
    assert {exchange.ending for exchange in await road.tap.all_done(2000)} == {COMPLETE}


async def modules(reader: Reader, writer: Writer) -> None:
    """A page whose one module imports all others, as a dev server serves a project."""
    while True:
        head, _ = await read_request(reader)
        path = head.split(b" ")[1].decode()
        media = "text/javascript"
        if path == "/":
            body, media = "<!doctype html><title>…</title><script type=module src=/m/0.js></script>", "text/html"
        elif path == "/m/0.js":
            lines = [f"import {{ n as n{at} }} from '/m/{at}.js';" for at in range(1, MODULES)]
            total = " + ".join(f"n{at}" for at in range(1, MODULES))
            body = "\n".join([*lines, f"document.title = String({total});"])
        else:
            body = f"export const n = {path[3:-3]};" + "/" * 500 if path.startswith("/m/") else "//"
        raw = body.encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n" % (media.encode(), len(raw)))
        writer.write(raw)


def visit(url: str) -> tuple[str, list[str]]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        page = browser.new_context(ignore_https_errors=True).new_page()
        page.goto(url)
        page.wait_for_function("document.title !== '…'")
        spoken: Any = page.evaluate("performance.getEntriesByType('resource').map(entry => entry.nextHopProtocol)")
        title = page.title()
        browser.close()
    return title, spoken


@pytest.mark.counterpart("chromium")
async def test_chromium_loads_many_modules_over_one_connection(road: Road) -> None:
    await road.upstream(modules)
    title, spoken = await asyncio.to_thread(visit, f"https://localhost:{road.port}/")
    assert title == str(sum(range(MODULES)))
    assert set(spoken) == {"h2"}
    asked = [exchange for exchange in await road.tap.all_done(MODULES + 1) if b" /m/" in exchange.request_head]
    assert len(asked) == MODULES
    assert len({exchange.client for exchange in asked}) == 1
    assert {exchange.ending for exchange in asked} == {COMPLETE}

"""A real Chromium, the fake API with a full scene, and pages that fail the test when they report an error."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.control.dashboard.fake_api import FakeApi, serving
from tests.control.dashboard.scene import empty_scene, full_scene

WIDE = (1440, 900)
NARROW = (390, 844)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # One per module, not per session: while it is open, its event loop counts as the running one of this thread.
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def server() -> Iterator[FakeApi]:
    # One per module: the page's sixty files then come from the browser's cache in all tests but the first.
    with serving(empty_scene()) as fake:
        yield fake


@pytest.fixture
def api(server: FakeApi) -> FakeApi:
    server.reset(full_scene())
    return server


@pytest.fixture(scope="module")
def contexts(browser: Browser) -> Iterator[dict[bool, BrowserContext]]:
    """A mouse's and a finger's."""
    made = {
        touch: browser.new_context(
            has_touch=touch, timezone_id="UTC", permissions=["clipboard-read", "clipboard-write"]
        )
        for touch in (False, True)
    }
    yield made
    for context in made.values():
        context.close()


@pytest.fixture
def open_page(contexts: dict[bool, BrowserContext], api: FakeApi) -> Iterator[Open]:
    """`open_page(url="", size=WIDE, theme="light", more="", live=True)`: a page, live before it returns.

    Afterwards no page may have thrown, or have done what the policy forbids. A refused fetch is no error of the page.
    """
    problems: list[str] = []

    def open_(
        url: str = "", size: tuple[int, int] = WIDE, theme: str = "light", more: str = "", live: bool = True
    ) -> Page:
        page = contexts[size[0] < 500].new_page()
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        page.set_default_timeout(10_000)
        page.clock.set_fixed_time("2026-03-03T14:02:20Z")
        page.on("pageerror", lambda problem: problems.append(str(problem)))
        page.on("console", lambda said: problems.append(said.text) if _is_problem(said.type, said.text) else None)
        page.goto(url or api.url(key="", more=more))
        if live:
            page.locator("html[data-feed=live]").wait_for(state="attached")
        return page

    yield open_
    for context in contexts.values():
        for page in context.pages:
            if page.url.startswith("http"):
                page.evaluate("localStorage.clear()")
            page.close()
        context.clear_cookies()
    assert problems == []


def _is_problem(kind: str, text: str) -> bool:
    return kind in ("error", "warning") and not text.startswith("Failed to load resource")

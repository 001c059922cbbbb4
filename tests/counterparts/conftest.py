"""A stage for each test, cleared and looked over at its end, and one Chromium for each file."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

for module in ("stage", "performance", "audience"):
    pytest.register_assert_rewrite(f"tests.counterparts.{module}")

from tests.counterparts.stage import Stage  # noqa: E402 - its assertions are to say what they compared

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
def stage(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Not below pytest's folders: those are closed to other users, and too long for the path of a socket."""
    for name in ("PORT", "HOST", "NO_COLOR", "FORCE_COLOR", "PROCFILE"):
        monkeypatch.delenv(name, raising=False)
    own_programs = os.path.dirname(sys.executable)
    monkeypatch.setenv("PATH", os.pathsep.join([own_programs, os.environ["PATH"], "/usr/sbin", "/sbin"]))
    place = Path(tempfile.mkdtemp())
    folder = place / "harbour"
    for made in (place, folder):
        made.mkdir(exist_ok=True)
        made.chmod(0o755)
    stage = Stage(home, folder)
    try:
        yield stage
    finally:
        try:
            stage.close()
        finally:
            shutil.rmtree(place)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Fails when a script of the page did."""
    problems: list[str] = []
    page = browser.new_page()
    page.set_default_timeout(20_000)
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    page.close()
    assert problems == []

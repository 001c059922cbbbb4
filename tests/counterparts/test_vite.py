"""Vite's dev server behind the door: it chooses its port, and a change reaches the open page over its WebSocket."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.counterparts.audience import everyone_sees
from tests.counterparts.stage import Stage
from tests.counterparts.vite import vite_modules

INDEX = """
<!doctype html>
<title>Harbour</title>
<h1>Harbour</h1>
<p></p>
<script type="module" src="/main.js"></script>
"""
MAIN = """
import { words } from "./words.js"
const show = text => { document.querySelector("p").textContent = text }
show(words)
import.meta.hot.accept("./words.js", module => show(module.words))
"""


@pytest.mark.counterpart("node", "npm", "curl", "chromium")
@pytest.mark.timeout(240)  # with its installation, the first time
def test_hot_reload(stage: Stage, page: Page) -> None:
    (stage.folder / "node_modules").symlink_to(vite_modules())
    stage.write("package.json", '{"private": true, "scripts": {"dev": "vite"}}')
    stage.write("vite.config.mjs", 'export default { cacheDir: ".vite" }')
    stage.write("index.html", INDEX)
    stage.write("main.js", MAIN)
    words = stage.write("words.js", 'export const words = "casts off at eight"\n')
    with stage.perform("up") as run:
        assert "npm run dev" in run.says("package.json")
        run.says("harbour is ready")
        assert "the route follows" in run.says("harbour listens on")

        everyone_sees(stage, page, "harbour", "Harbour")
        expect(page.locator("p")).to_have_text("casts off at eight")
        words_change_in_place(page, f"http://harbour.localhost:{stage.port}/", words, "eight", "seven")
        words_change_in_place(page, f"http://127.0.0.1:{stage.port}/", words, "seven", "three")

        sockets = stage.requests("route:harbour", "kind:upgrade")
        assert {(one["host"], one["status"]) for one in sockets} >= {
            (f"harbour.localhost:{stage.port}", 101),
            (f"127.0.0.1:{stage.port}", 101),
        }


def words_change_in_place(page: Page, address: str, file: Path, before: str, after: str) -> None:
    with page.expect_console_message(lambda message: "[vite] connected" in message.text):
        page.goto(address)
    expect(page.locator("p")).to_have_text(f"casts off at {before}")
    page.evaluate("window.is_the_same_page = true")
    with file.open("r+") as open_file:  # without a moment in which it is empty: Vite would send that too
        text = open_file.read().replace(before, after)
        open_file.seek(0)
        open_file.write(text)
    expect(page.locator("p")).to_have_text(f"casts off at {after}")
    assert page.evaluate("window.is_the_same_page"), "changed in place, not reloaded"

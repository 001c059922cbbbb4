"""A slow network as users meet it: in Chromium things take as long as the profile implies, until it is lifted."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.counterparts.stage import Stage

CARGO_BYTES = 100_000
RATE_BPS = 500_000  # 3g, each way
LATENCY_S = 0.2
BUSY_S = 0.5  # what a busy machine may take for itself
PAGE = "<!doctype html><title>Harbour</title><h1>Harbour</h1>"
FETCH = """async () => {
  await (await fetch("cargo.bin", {cache: "no-store"})).arrayBuffer()
  const one = performance.getEntriesByType("resource").findLast(entry => entry.name.endsWith("cargo.bin"))
  return (one.responseEnd - one.requestStart) / 1000
}"""


@pytest.mark.counterpart("chromium")
def test_a_page_on_3g(stage: Stage, page: Page) -> None:
    stage.write("index.html", PAGE)
    (stage.folder / "cargo.bin").write_bytes(bytes(CARGO_BYTES))
    expected_s = 2 * LATENCY_S + CARGO_BYTES * 8 / RATE_BPS
    with stage.perform("serve", ".", "--name", "web", status=0) as performance:
        performance.says("web is ready")
        assert "200 ms later" in stage.homeport("net", "set", "web", "3g")
        assert expected_s * 0.98 <= loading_s(stage, page) <= expected_s * 1.15 + BUSY_S
        stage.homeport("net", "clear", "web")
        assert loading_s(stage, page) < expected_s / 2


def loading_s(stage: Stage, page: Page) -> float:
    page.goto(f"http://web.localhost:{stage.port}/", wait_until="load")
    return float(page.evaluate(FETCH))

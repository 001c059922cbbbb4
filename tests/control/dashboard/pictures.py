"""Makes the pictures of docs/dashboard.md from the real page: python -m tests.control.dashboard.pictures

The data is the scene of the tests, so that a picture made again differs only where the page does.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
from playwright.sync_api import Browser, Page, sync_playwright

from tests.control.dashboard.conftest import FLAGS, NARROW
from tests.control.dashboard.fake_api import FakeApi, serving
from tests.control.dashboard.measured import SLOW_FROM, minute
from tests.control.dashboard.png import shrink
from tests.control.dashboard.scene import empty_scene, full_scene, network_scene, three_g

FOLDER = Path(__file__).parents[3] / "docs" / "pictures"
WIDE = (1440, 860)
LIMIT_BYTES = 200_000


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        with serving(full_scene()) as api:
            take(browser, api, "dashboard", "light", more="id=11")
            take(browser, api, "dashboard-dark", "dark", more="id=6", then=choose("Response"))
            take(browser, api, "dashboard-messages", "dark", more="id=5", then=choose("Messages"))
            take(browser, api, "dashboard-logs", "light", more="view=logs")
            take(browser, api, "dashboard-filter", "light", then=type_a_filter)
            take(browser, api, "dashboard-narrow", "light", size=NARROW)
            take(browser, api, "dashboard-narrow-apps", "dark", size=NARROW, more="view=apps")
            take(browser, api, "dashboard-narrow-request", "light", size=NARROW, more="id=11")
            take(browser, api, "dashboard-lost", "light", then=lambda page: lose(page, api))
        with serving(network_scene()) as api:
            take(
                browser,
                api,
                "dashboard-network",
                "light",
                more="view=network&route=api",
                then=lambda page: pass_a_minute(page, api),
            )
            take(
                browser,
                api,
                "dashboard-network-udp",
                "dark",
                more="view=network&route=game",
                then=lambda page: pass_a_minute(page, api),
            )
            take(
                browser,
                api,
                "dashboard-narrow-network",
                "dark",
                size=NARROW,
                more="view=network&route=api",
                then=lambda page: pass_a_minute(page, api),
            )
            take(browser, api, "dashboard-decisions", "light", more="id=11", then=choose("Network"))
        with serving(empty_scene()) as api:
            take(browser, api, "dashboard-empty", "light")
        browser.close()


def take(
    browser: Browser,
    api: FakeApi,
    name: str,
    theme: str,
    *,
    size: tuple[int, int] = WIDE,
    more: str = "",
    then: Callable[[Page], None] | None = None,
) -> None:
    scheme = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if theme == "dark" else "light",
        has_touch=size == NARROW,
        timezone_id="UTC",
    )
    page = scheme.new_page()
    page.clock.set_fixed_time("2026-03-03T14:02:20Z")
    page.goto(api.url(key="", more=more))
    page.locator("html[data-feed=live]").wait_for(state="attached")
    page.locator("hp-engine dt").first.wait_for(state="attached")
    if "id=" in more:
        page.locator("hp-detail .waterfall").wait_for()
    if then:
        then(page)
    file = FOLDER / f"{name}.png"
    file.write_bytes(shrink(page.screenshot()))
    scheme.close()
    assert file.stat().st_size < LIMIT_BYTES, f"{file.name} is too large for the repository"
    print(f"{file.name}: {file.stat().st_size:,} bytes")


def choose(tab: str) -> Callable[[Page], None]:
    return lambda page: page.get_by_role("tab", name=tab).click()


def type_a_filter(page: Page) -> None:
    page.get_by_role("combobox", name="Filter requests").press_sequentially("status:>=400 route:")
    page.get_by_role("option").first.wait_for()


def pass_a_minute(page: Page, api: FakeApi) -> None:
    """The plots draw it, with the moment at which the api became slow."""
    assert api.is_measuring.wait(10)
    looks = minute()
    slow = three_g()
    api.push("conditions", msgspec.structs.replace(slow, gone=True))
    api.push("measured", *looks[:SLOW_FROM])
    page.locator("[data-plot=throughput] [data-line=down][d]").wait_for(state="attached")
    api.push("conditions", slow)
    api.push("measured", *looks[SLOW_FROM:])
    page.wait_for_timeout(500)  # for a frame: this is a picture, not a test


def lose(page: Page, api: FakeApi) -> None:
    api.go_down()
    page.get_by_role("alert").wait_for()


if __name__ == "__main__":
    main()

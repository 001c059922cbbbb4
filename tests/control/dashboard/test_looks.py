"""What must hold of the looks: contrast, no sideways scrolling, names for every control, the theme, the landmarks."""

# ruff: noqa: E501 - the scripts are JavaScript

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.control.dashboard.conftest import NARROW, WIDE, Open
from tests.control.dashboard.fake_api import FakeApi
from tests.control.dashboard.scene import network_scene

pytestmark = pytest.mark.counterpart("chromium")

# Every visible text beside the ground it stands on; colours are read back from a canvas, whatever they are written in.
CONTRAST = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const paint = (colours) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((part) => part / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const grounds = (node) => {
    const found = [];
    for (let at = node; at; at = at.parentElement) found.unshift(getComputedStyle(at).backgroundColor);
    return ["white", ...found];
  };
  const poor = new Set();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    const node = text.parentElement;
    if (!text.data.trim() || !node.checkVisibility({ visibilityProperty: true }) || node.closest(".unseen, noscript, option")) continue;
    const under = grounds(node);
    const [one, other] = [luminance(paint(under)), luminance(paint([...under, getComputedStyle(node).color]))];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (ratio < 4.5) poor.add(`${node.tagName}.${node.className} "${text.data.trim().slice(0, 30)}" ${ratio.toFixed(2)}`);
  }
  return [...poor];
}"""

NAMELESS = """() => [...document.querySelectorAll("button, a, input, select, [role=tab], [role=row][aria-label]")]
  .filter((node) => node.checkVisibility())
  .filter((node) => !(node.getAttribute("aria-label") || node.textContent.trim() || node.title || node.labels?.length))
  .map((node) => node.outerHTML)"""

SIDEWAYS = """() => [...document.querySelectorAll("html, .top, .side, .toolbar, .scroller, .tab-panel, .app footer, .detail-line")]
  .filter((node) => node.checkVisibility() && node.scrollWidth > node.clientWidth)
  .map((node) => `${node.className || node.tagName}: ${node.scrollWidth} in ${node.clientWidth}`)"""

PLACES = ["", "id=6", "id=11", "view=logs", "view=apps", "filter=nowhere"]
NETWORKS = ["view=network&route=game", "view=network&route=api", "view=apps", "id=11"]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_every_text_can_be_read_and_every_control_has_a_name(
    open_page: Open, theme: str, size: tuple[int, int]
) -> None:
    for place in PLACES:
        page = open_page(size=size, theme=theme, more=place)
        expect(page.locator("hp-apps article")).to_have_count(3)
        assert page.evaluate(CONTRAST) == [], place
        for tab in page.get_by_role("tab").all():
            tab.click()
            assert page.evaluate(CONTRAST) == [], place
        assert page.evaluate(NAMELESS) == [], place


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_networks_can_be_read_and_fit(api: FakeApi, open_page: Open, theme: str, size: tuple[int, int]) -> None:
    api.scene = network_scene()
    for place in NETWORKS:
        page = open_page(size=size, theme=theme, more=place)
        expect(page.locator("hp-apps article")).to_have_count(3)
        for tab in page.get_by_role("tab").all():
            tab.click()
        assert page.evaluate(CONTRAST) == [], place
        assert page.evaluate(NAMELESS) == [], place
    if size == WIDE:
        page = open_page(theme=theme, more=NETWORKS[0])
        for width in (320, 390, 768, 899, 900, 1024, 1200):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate(SIDEWAYS) == [], width


@pytest.mark.parametrize("place", PLACES)
def test_nothing_reaches_beyond_the_page(open_page: Open, place: str) -> None:
    page = open_page(more=place)
    expect(page.locator("hp-apps article")).to_have_count(3)
    for width in (320, 390, 768, 899, 900, 1024, 1200, 1440):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate(SIDEWAYS) == [], width


def test_the_theme_follows_the_system_until_one_chooses(open_page: Open) -> None:
    page = open_page(theme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.get_by_role("button", name="Colours: as the system").click()
    light = page.evaluate(ground)
    assert light != dark
    page.reload()
    expect(page.get_by_role("button", name="Colours: light")).to_be_visible()
    assert page.evaluate(ground) == light
    page.get_by_role("button", name="Colours: light").click()
    assert page.evaluate(ground) == dark


def test_landmarks(open_page: Open) -> None:
    page = open_page(more="id=6")
    expect(page.get_by_role("banner")).to_be_visible()
    expect(page.get_by_role("main")).to_be_visible()
    expect(page.get_by_role("navigation", name="Views")).to_be_visible()
    expect(page.get_by_role("complementary", name="Apps, routes and engine")).to_be_visible()
    expect(page.get_by_role("complementary", name="Request in detail")).to_be_visible()
    expect(page.get_by_role("search")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # skip to the requests
    expect(page.get_by_role("main")).to_be_focused()


def test_one_stop_for_the_tab_key_in_the_list(open_page: Open) -> None:
    page = open_page()
    expect(page.locator(".rows .row")).to_have_count(21)
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.locator(".rows .row[tabindex='0']").count() == 1


def test_narrow_pages_switch_between_three_views(open_page: Open) -> None:
    page = open_page(size=NARROW)
    views = page.get_by_role("navigation", name="Views")
    expect(page.locator("hp-requests")).to_be_visible()
    expect(page.locator("#side")).to_be_hidden()
    views.get_by_role("button", name="Apps").click()
    expect(page.locator("#side")).to_be_visible()
    expect(page.locator("hp-requests")).to_be_hidden()
    expect(views.get_by_role("button", name="Apps")).to_have_attribute("aria-current", "page")
    views.get_by_role("button", name="Logs").click()
    expect(page.locator("hp-logs")).to_be_visible()


def test_reduced_motion_is_respected(open_page: Open) -> None:
    page = open_page()
    page.emulate_media(reduced_motion="reduce")
    running = "document.getAnimations().filter((one) => one.playState === 'running').length"
    assert page.evaluate(running) == 0

"""Apps, routes and engine: what is shown of them, what the buttons ask for, what happens while one looks on."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from homeport.model.finding import Finding
from homeport.model.status import RecordingState
from tests.control.dashboard.conftest import Open
from tests.control.dashboard.fake_api import FakeApi, serving
from tests.control.dashboard.scene import empty_scene

pytestmark = pytest.mark.counterpart("chromium")


def test_a_ready_app_shows_where_it_is(open_page: Open) -> None:
    card = open_page().get_by_role("article", name="web: ready")
    expect(card.locator(".state-word")).to_have_text("ready")
    expect(card.get_by_role("link")).to_have_attribute("href", "http://web.localhost:62893/")
    expect(card.locator(".facts")).to_have_text("pid4121port21345since12:56")
    expect(card.locator(".listens")).to_have_text("listens on 127.0.0.1:5173")
    expect(card.locator(".remark")).to_contain_text("the route follows")


def test_an_exposed_app_is_warned_of(open_page: Open) -> None:
    expect(open_page().get_by_role("article", name="api: ready")).to_contain_text("other machines on your network")


def test_a_failed_app_says_why_and_what_to_run(open_page: Open) -> None:
    page = open_page()
    card = page.get_by_role("article", name="worker: failed, exit 1")
    expect(card.locator(".finding")).to_contain_text("Cannot find module 'bullmq'")
    card.get_by_role("button", name="Copy the command").click()
    assert page.evaluate("navigator.clipboard.readText()") == "npm install bullmq"


@pytest.mark.parametrize(
    ("app", "button", "asked"),
    [
        ("web", "Restart web", "web/restart"),
        ("web", "Stop web", "web/stop"),
        ("worker", "Start worker", "worker/restart"),
    ],
)
def test_buttons_ask_the_engine(api: FakeApi, open_page: Open, app: str, button: str, asked: str) -> None:
    page = open_page()
    with page.expect_response(lambda answer: answer.url.endswith(f"/api/apps/{asked}")):
        page.get_by_role("button", name=button).click()
    word = "stopped" if "stop" in asked else "ready"
    expect(page.get_by_role("article", name=f"{app}: {word}")).to_be_visible()
    assert ("POST", f"/api/apps/{asked}") in api.calls


def test_events_change_a_card_in_place_and_are_said_aloud(api: FakeApi, open_page: Open) -> None:
    page = open_page()
    stop = page.get_by_role("button", name="Stop web")
    stop.focus()
    app = api.scene.status.apps[0]
    app.state, app.exit_code = "failed", 137
    app.finding = Finding(code="app-exited", what="web was ended by SIGKILL.", next="Run `homeport logs web`.")
    api.push("app", app)
    card = page.get_by_role("article", name="web: failed, exit 137")
    expect(card.locator(".finding .command code")).to_have_text("homeport logs web")
    expect(page.locator("#announcer")).to_have_text("web is failed, exit 137")


def test_an_app_that_is_gone_leaves_the_page(api: FakeApi, open_page: Open) -> None:
    page = open_page()
    del api.scene.status.apps[2]
    api.cut()  # the page asks for the whole status when it is connected again
    expect(page.locator("article.app")).to_have_count(2)


def test_a_card_leads_to_its_requests_and_its_log(open_page: Open) -> None:
    page = open_page()
    page.get_by_role("button", name="Requests to api").click()
    expect(page.get_by_role("combobox", name="Filter requests")).to_have_value("route:api")
    expect(page.locator(".rows .row")).to_have_count(9)
    page.get_by_role("button", name="Log of worker").click()
    expect(page.locator(".log-line")).to_have_count(7)
    expect(page.get_by_role("combobox", name="App")).to_have_value("worker")


def test_routes_and_engine(open_page: Open) -> None:
    page = open_page()
    routes = page.locator("hp-routes li")
    expect(routes).to_have_count(5)  # the dashboard's own is not among them
    expect(routes.nth(3)).to_contain_text("127.0.0.1:62900")
    expect(page.locator("hp-engine")).to_contain_text("1,204 exchanges, 18 MB")
    expect(page.locator("hp-engine")).to_contain_text("[::1]:62893")


def test_a_route_that_was_removed_leaves_the_page(api: FakeApi, open_page: Open) -> None:
    page = open_page()
    expect(page.locator("hp-routes li")).to_have_count(5)
    gone = api.scene.status.routes.pop(4)
    gone.gone = True
    api.push("route", gone)
    expect(page.locator("hp-routes li")).to_have_count(4)


def test_what_the_engine_warns_of_stands_above_everything(api: FakeApi, open_page: Open) -> None:
    page = open_page()
    engine = api.scene.status.engine
    assert engine is not None
    engine.warnings = ["Nobody listens on [::1]:62893: it is taken by another process."]
    engine.recording = RecordingState(exchanges=7, lost=1312, problem="The disk is full.")
    api.push("engine", engine)
    notice = page.locator(".notice")
    expect(notice).to_contain_text("The disk is full.")
    expect(notice).to_contain_text("1,312 requests passed without being recorded.")
    expect(notice).to_contain_text("[::1]:62893")


def test_urls_that_are_not_http_are_not_followed(api: FakeApi, open_page: Open) -> None:
    page = open_page()
    api.scene.status.apps[0].url = "javascript:alert(1)"
    api.push("app", api.scene.status.apps[0])
    expect(page.get_by_role("article", name="web: ready").get_by_role("link")).to_have_attribute("href", "#")


def test_an_empty_engine_teaches(open_page: Open) -> None:
    with serving(empty_scene()) as empty:
        page = open_page(empty.url(key=""))
        expect(page.locator("hp-apps .command code").first).to_have_text("homeport run -- npm run dev")
        expect(page.get_by_role("heading", name="No requests yet")).to_be_visible()
        page.get_by_role("button", name="Logs").click()
        expect(page.get_by_role("heading", name="No log lines yet")).to_be_visible()

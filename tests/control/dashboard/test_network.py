"""The network of a route: what the sliders ask for, what the plots show, and changes that somebody else makes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from playwright.sync_api import Locator, Page, expect

from homeport.model.measured import DelayMeasured, Measured, RouteMeasured
from homeport.model.network import ConditionsState
from tests.control.dashboard.conftest import NARROW, Open
from tests.control.dashboard.fake_api import FakeApi
from tests.control.dashboard.scene import network_scene, three_g

pytestmark = pytest.mark.counterpart("chromium")

NOW = datetime(2026, 3, 3, 14, 2, 20, tzinfo=UTC)


@pytest.fixture(autouse=True)
def changed_networks(api: FakeApi) -> None:
    api.scene = network_scene()


def measured(ago_s: float, *routes: RouteMeasured) -> Measured:
    return Measured(at=(NOW - timedelta(seconds=ago_s)).isoformat(), span_ms=500, routes=list(routes))


def network(open_page: Open, route: str, **more: object) -> Page:
    page = open_page(more=f"view=network&route={route}", **more)
    page.locator("#net-profile option").first.wait_for(state="attached")
    return page


def state_of(page: Page) -> Locator:
    return page.locator(".net-state")


def slider(page: Page, name: str) -> Locator:
    return page.get_by_role("slider", name=name)


def test_a_slider_asks_the_engine_and_says_what_it_stands_for(api: FakeApi, open_page: Open) -> None:
    page = network(open_page, "web")
    expect(state_of(page)).to_have_text("the network as it is")
    latency = slider(page, "Latency, both ways")
    expect(latency).to_have_attribute("aria-valuetext", "none")
    latency.focus()
    with page.expect_response(lambda answer: answer.url.endswith("/api/conditions")):
        page.keyboard.press("ArrowRight")
    expect(latency).to_have_attribute("aria-valuetext", "1 ms")
    expect(state_of(page)).to_have_text("own settings")
    assert (api.asked[0].route, api.asked[0].text) == ("web", "latency=1ms")
    expect(page.locator(".net-plain")).to_contain_text("1 ms later")
    expect(page.locator(".net-words .command code")).to_have_text("homeport net set web latency=1ms")


def test_what_moves_fast_is_joined_and_ends_where_the_slider_stands(api: FakeApi, open_page: Open) -> None:
    page = network(open_page, "web")
    latency = slider(page, "Latency, both ways")
    latency.focus()
    for _ in range(16):
        page.keyboard.press("ArrowRight")
    expect(page.locator(".net-words .command code")).to_have_text("homeport net set web latency=150ms")
    assert api.asked[-1].text == "latency=150ms"
    expect(latency).to_have_attribute("aria-valuetext", "150 ms")


def test_each_way_by_itself_and_words_without_a_slider_stay(api: FakeApi, open_page: Open) -> None:
    page = network(open_page, "game")
    expect(slider(page, "Latency, up")).to_have_attribute("aria-valuetext", "40 ms")
    expect(slider(page, "Latency, down")).to_have_attribute("aria-valuetext", "60 ms")
    slider(page, "Latency, down").press("End")
    expect(page.locator(".net-plain")).to_contain_text("3 s")
    assert api.asked[-1].text == "up.latency=40ms down.latency=3s jitter=10ms loss=20% burst=5"


def test_loss_that_goes_takes_its_bursts_along(api: FakeApi, open_page: Open) -> None:
    page = network(open_page, "game")
    with page.expect_response(lambda answer: answer.url.endswith("/api/conditions")):
        slider(page, "Loss, up").press("Home")
    assert api.asked[-1].text == ("up.latency=40ms down.latency=60ms jitter=10ms down.loss=20% down.burst=5")


def test_the_last_slider_that_is_moved_back_clears(api: FakeApi, open_page: Open) -> None:
    api.scene.conditions = [ConditionsState(route="web", text="latency=1ms", words=["each way: 1 ms later"])]
    page = network(open_page, "web")
    slider(page, "Latency, both ways").press("Home")
    expect(state_of(page)).to_have_text("the network as it is")
    assert ("DELETE", "/api/conditions?route=web") in api.calls


def test_profiles_by_source_and_clear(api: FakeApi, open_page: Open) -> None:
    page = network(open_page, "web")
    profile = page.get_by_label("Profile")
    assert (
        page.locator("optgroup").first.get_attribute("label") == "Chrome DevTools, the values that its preset aims at"
    )
    profile.select_option("slow-4g")
    expect(state_of(page)).to_have_text("slow-4g")
    expect(slider(page, "Bandwidth, up")).to_have_attribute("aria-valuetext", "750 kbit/s")
    expect(slider(page, "Bandwidth, down")).to_have_attribute("aria-valuetext", "1.6 Mbit/s")
    page.get_by_role("button", name="Clear").click()
    expect(state_of(page)).to_have_text("the network as it is")
    expect(profile).to_have_value("")


def test_an_outage_for_a_while_and_its_end(api: FakeApi, open_page: Open) -> None:
    page = network(open_page, "api")
    page.get_by_label("How nobody is there").select_option("hang")
    page.get_by_label("How long").select_option("10")
    page.get_by_role("button", name="Outage").click()
    expect(state_of(page)).to_contain_text("until 14:02:30")
    assert (api.asked[-1].text, api.asked[-1].lasts_s) == ("latency=200ms rate=500kbit outage=hang", 10)
    page.get_by_role("button", name="End the outage").click()
    expect(page.get_by_role("button", name="End the outage")).to_be_hidden()
    assert api.asked[-1].text == "latency=200ms rate=500kbit"


def test_connections_are_reset_for_a_moment_and_datagrams_cannot_be(api: FakeApi, open_page: Open) -> None:
    page = network(open_page, "api")
    page.get_by_role("button", name="Reset connections now").click()
    expect(state_of(page)).to_contain_text("until")
    assert (api.asked[-1].text, api.asked[-1].lasts_s) == ("latency=200ms rate=500kbit reset=yes", 1)
    page.get_by_label("Route", exact=True).select_option("game")
    expect(page.get_by_role("button", name="Reset connections now")).to_be_hidden()


def test_words_that_are_typed_and_a_mistake_in_them(api: FakeApi, open_page: Open) -> None:
    page = network(open_page, "web")
    words = page.get_by_label("Conditions as KEY=VALUE words")
    words.fill("latency=50ms slice=1kB")
    words.press("Enter")
    expect(page.locator(".net-plain")).to_contain_text("50 ms")
    words.fill("latncy=50ms")
    words.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("did you mean latency?")
    expect(slider(page, "Latency, both ways")).to_have_attribute("aria-valuetext", "50 ms")


def test_what_the_terminal_sets_shows_up_at_once(api: FakeApi, open_page: Open) -> None:
    page = network(open_page, "web")
    expect(page.locator("hp-views .badge")).to_have_text("2")
    api.scene.conditions.append(three_g("web"))
    api.push("conditions", three_g("web"))
    expect(state_of(page)).to_have_text("3g")
    expect(slider(page, "Latency, both ways")).to_have_attribute("aria-valuetext", "200 ms")
    expect(page.locator("hp-views .badge")).to_have_text("3")
    expect(page.get_by_role("article", name="web: ready").locator(".network-mark")).to_have_text("3g")
    api.scene.conditions.pop()
    api.push("conditions", msgspec.structs.replace(three_g("web"), gone=True))
    expect(state_of(page)).to_have_text("the network as it is")
    expect(page.get_by_role("article", name="web: ready").locator(".network-mark")).to_have_count(0)


def test_the_mark_of_a_route_leads_to_its_network(open_page: Open) -> None:
    page = open_page()
    mark = page.locator("hp-routes li", has_text="udp:").locator(".network-mark")
    expect(mark).to_contain_text("up.latency=40ms")
    mark.click()
    expect(page.get_by_label("Route", exact=True)).to_have_value("game")
    page.keyboard.press("2")
    expect(page.locator("hp-network")).to_be_hidden()
    page.keyboard.press("4")
    expect(page.get_by_label("Route", exact=True)).to_have_value("game")


def test_the_plots_follow_what_is_measured(api: FakeApi, open_page: Open) -> None:
    page = network(open_page, "web")
    latency, rate = page.locator("[data-plot=latency]"), page.locator("[data-plot=throughput]")
    expect(latency.locator(".plot-empty")).to_contain_text("curl http://web.localhost:62893/")
    assert api.is_measuring.wait(10)
    one = RouteMeasured(route="web", up_bps=8000, down_bps=90_000, answers=2, answer_p50_ms=12.3, answer_p95_ms=20.0)
    slow = msgspec.structs.replace(one, answer_p50_ms=412.3, answer_p95_ms=640.0, down_bps=30_000)
    api.push("measured", measured(2, one), measured(1.5, one))
    expect(latency).to_have_attribute("data-p50", "12.3")
    expect(rate).to_have_attribute("data-down", "90000.0")
    api.push("measured", measured(1, slow), measured(0.5, slow))
    expect(latency).to_have_attribute("data-p50", "412.3")
    expect(latency).to_have_attribute("data-p95", "640.0")
    expect(rate).to_have_attribute("data-down", "30000.0")
    expect(latency.get_by_role("img")).to_have_attribute(
        "aria-label",
        "Time to the first byte of an answer, the last minute. Now: half within 412 ms, 95 % within 640 ms",
    )
    expect(latency.locator(".plot-empty")).to_be_hidden()
    api.push("measured", measured(-20))
    expect(latency).to_have_attribute("data-p50", "")


def test_streams_and_datagrams_show_what_held_them_back(api: FakeApi, open_page: Open) -> None:
    page = network(open_page, "game")
    assert api.is_measuring.wait(10)
    up, down = DelayMeasured(p50_ms=40, p95_ms=48), DelayMeasured(p50_ms=60, p95_ms=68)
    api.push("measured", measured(0, RouteMeasured(route="game", up_bps=26_000, up_delay=up, down_delay=down)))
    latency = page.locator("[data-plot=latency]")
    expect(latency.get_by_role("heading")).to_have_text("Held back by the conditions")
    expect(latency).to_have_attribute("data-up", "40.0")
    expect(latency).to_have_attribute("data-down95", "68.0")


def test_nobody_measures_while_the_network_is_not_looked_at(api: FakeApi, open_page: Open) -> None:
    page = open_page()
    expect(page.locator(".rows .row")).to_have_count(21)
    assert not api.is_measuring.is_set()
    page.keyboard.press("4")
    assert api.is_measuring.wait(10)


def test_datagrams_by_client(open_page: Open) -> None:
    page = network(open_page, "game")
    table = page.get_by_role("region", name="Datagrams by client")
    expect(table.locator("tbody")).to_have_count(3)
    expect(table.locator("tbody").nth(0)).to_contain_text("all clients")
    expect(table.locator("tbody").nth(0)).to_contain_text("839 19.9 %")
    expect(table.locator("tbody").nth(1)).to_contain_text("127.0.0.1:53211")
    expect(table.locator("tbody").nth(1)).to_contain_text("40 ms")


def test_one_client_alone(api: FakeApi, open_page: Open) -> None:
    page = network(open_page, "game")
    page.get_by_label("Client", exact=True).select_option("127.0.0.1:53377")
    expect(state_of(page)).to_have_text("the network as it is")
    page.get_by_label("Profile").select_option("satellite")
    expect(state_of(page)).to_have_text("satellite")
    assert (api.asked[-1].client, api.asked[-1].text) == ("127.0.0.1:53377", "satellite")
    expect(page.locator(".net-words .command code")).to_have_text(
        "homeport net set game satellite --client 127.0.0.1:53377"
    )


def test_clients_that_have_a_name_are_offered(open_page: Open) -> None:
    page = network(open_page, "web")
    page.get_by_label("Client", exact=True).select_option("alice")
    page.get_by_label("Profile").select_option("3g")
    expect(page.locator(".net-words .command code")).to_have_text("homeport net set web 3g --client alice")


def test_a_wish_that_is_refused_does_not_hold_up_the_next(api: FakeApi, open_page: Open) -> None:
    page = network(open_page, "web")
    words = page.get_by_label("Conditions as KEY=VALUE words")
    words.fill("nonsense")
    page.evaluate("""() => {
        const form = document.querySelector(".net-words form"), text = document.getElementById("net-text");
        form.requestSubmit();
        text.value = "still wrong";
        form.requestSubmit();
        text.value = "latency=7ms";
        form.requestSubmit();
    }""")
    expect(state_of(page)).to_have_text("own settings")
    expect(slider(page, "Latency, both ways")).to_have_attribute("aria-valuetext", "7 ms")


def test_names_are_text_whatever_they_hold(api: FakeApi, open_page: Open) -> None:
    evil = "<img src=x onerror=alert(1)>"
    api.scene.conditions = [
        ConditionsState(route="web", client=evil, profile=evil, text=evil, words=[evil], timeline=evil)
    ]
    page = network(open_page, "web")
    expect(page.locator(".network-mark").first).to_contain_text("<img")
    page.get_by_label("Client", exact=True).select_option(evil)
    expect(page.locator(".net-plain")).to_have_text(evil)
    assert api.is_measuring.wait(10)
    api.push("measured", measured(1, RouteMeasured(route="web", answers=1, answer_p50_ms=5, answer_p95_ms=5)))
    expect(page.locator("[data-plot=latency]")).to_have_attribute("data-p50", "5.0")
    api.push("conditions", ConditionsState(route="web", text=evil + "2", words=[evil]))
    api.push("measured", measured(0, RouteMeasured(route="web", answers=1, answer_p50_ms=5, answer_p95_ms=5)))
    expect(page.locator(".mark-word").first).to_contain_text("<img")
    assert page.locator("img").count() == 0


def test_who_may_come_in_a_link_that_works_once_and_red_while_others_can(api: FakeApi, open_page: Open) -> None:
    page = open_page()
    mail = page.locator("hp-routes li", has_text="8025")
    expect(mail.locator(".tag")).to_have_text("same-user and token")
    expect(mail.get_by_role("note", name="mail is open to other computers")).to_contain_text("192.168.1.20:62893")
    mail.get_by_role("button", name="Copy a one-time link to mail", exact=True).click()
    expect(page.locator(".toast")).to_contain_text("Copied a link to mail")
    assert page.evaluate("navigator.clipboard.readText()").endswith("/routes.mail.link?key=once")
    expect(page.locator(".open-beyond")).to_contain_text("mail is open to other computers on 192.168.1.20:62893")
    mail.get_by_role("button", name="Copy a one-time link to mail for another device").click()
    expect(page.locator(".toast")).to_contain_text("Copied a link to mail")
    assert ("POST", "/api/routes/mail/expose/link") in api.calls
    mail.get_by_role("button", name="Close mail to other computers").click()
    expect(page.get_by_role("note")).to_have_count(0)
    expect(page.locator(".open-beyond")).to_have_count(0)


def test_a_link_to_this_page_for_another_browser(open_page: Open) -> None:
    page = open_page()
    page.get_by_role("button", name="Copy a one-time link to this page").click()
    expect(page.locator(".toast")).to_contain_text("Copied a link to this page")
    assert page.evaluate("navigator.clipboard.readText()").endswith("/engine.link?key=once")


def test_what_was_decided_stands_beside_a_request(open_page: Open) -> None:
    page = open_page(more="id=11")
    expect(page.locator(".rows .row[data-id='11'] .duration")).to_have_attribute(
        "title", "on a changed network: 3g latency=200ms rate=500kbit"
    )
    page.get_by_role("tab", name="Network 5").click()
    rows = page.get_by_role("table", name="Decisions").locator("tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.first).to_have_text("0.3 ms↑ up1, 312 Bdelayed by 200 ms, waited 5 ms for bandwidth")
    expect(page.get_by_role("tabpanel")).to_contain_text("2 decisions more.")


def test_it_works_with_a_finger(api: FakeApi, open_page: Open) -> None:
    page = network(open_page, "api", size=NARROW)
    expect(slider(page, "Latency, both ways")).to_be_visible()
    page.get_by_role("button", name="Clear").tap()
    expect(state_of(page)).to_have_text("the network as it is")

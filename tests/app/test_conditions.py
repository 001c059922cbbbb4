"""The use cases on conditions: one side, an end in time, and what is given back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from homeport.app.conditions import ConditionsUseCases
from homeport.app.fake import FakeConditioned, FakeExposures, FakeRoads
from homeport.app.routes import RoutesUseCases
from homeport.conditions.settings import Conditions
from homeport.model.errors import HomeportError
from homeport.model.network import ConditionsSpec, ConditionsState
from homeport.model.route import RouteSpec


class Timer:
    """What was asked to happen later, and how to let it happen."""

    def __init__(self) -> None:
        self.calls: list[tuple[float, Callable[[], None]]] = []
        self.cancelled = 0

    def __call__(self, delay_s: float, call: Callable[[], None]) -> Timer:
        self.calls.append((delay_s, call))
        return self

    def cancel(self) -> None:
        self.cancelled += 1


class House:
    def __init__(self) -> None:
        self.roads, self.conditioned, self.timer = FakeRoads(), FakeConditioned(), Timer()
        self.now_s = 100.0
        self.told: list[ConditionsState] = []
        self.net = ConditionsUseCases(
            self.roads, self.conditioned, self.timer, lambda: self.now_s, lambda state: self.told.append(state)
        )

    def text(self) -> str:
        from homeport.conditions.text import written

        return written(self.conditioned.now["api", ""])


@pytest.fixture
async def house() -> House:
    made = House()
    await made.roads.add(RouteSpec(name="api", target="http://127.0.0.1:8080"))
    return made


async def test_one_side_leaves_the_other(house: House) -> None:
    await house.net.set(ConditionsSpec(route="api", text="3g"))
    await house.net.set(ConditionsSpec(route="api", text="latency=5ms", side="up"))
    assert house.text() == "up.latency=5ms down.latency=200ms down.rate=500kbit"


async def test_what_is_set_for_a_while_is_as_it_was_before(house: House) -> None:
    await house.net.set(ConditionsSpec(route="api", text="loss=1%"))
    state = await house.net.set(ConditionsSpec(route="api", text="outage=hang", lasts_s=30))
    assert state.ends
    ((delay_s, over),) = house.timer.calls
    assert delay_s == 30
    over()
    assert house.text() == "loss=1%"
    assert [one.ends for one in await house.net.list()] == [""]


async def test_setting_or_clearing_forgets_the_end(house: House) -> None:
    await house.net.set(ConditionsSpec(route="api", text="3g", lasts_s=30))
    await house.net.set(ConditionsSpec(route="api", text="4g", lasts_s=30))
    await house.net.clear()
    assert house.timer.cancelled == 2
    house.timer.calls[0][1]()  # it was under way already
    assert house.conditioned.all() == []


async def test_a_route_that_is_gone_has_no_network(house: House) -> None:
    await house.net.set(ConditionsSpec(route="api", text="3g"))
    await house.roads.remove("api")
    assert await house.net.list() == []


async def test_clients_have_networks_of_their_own(house: House) -> None:
    await house.net.set(ConditionsSpec(route="api", text="3g"))
    await house.net.set(ConditionsSpec(route="api", text="tunnel", client="::1", profiles={"tunnel": "loss=50%"}))
    assert [(one.client, one.profile) for one in await house.net.list()] == [("", "3g"), ("::1", "tunnel")]
    assert [one.client for one in await house.net.clear("api", "::1")] == ["::1"]
    assert [one.client for one in await house.net.list()] == [""]


class Unconditioned:
    """A gateway that cannot do it."""

    def set(self, route: str, conditions: Conditions | None, client: str = "") -> None:
        raise HomeportError("unsupported", f"the network of {route} cannot be changed")

    def called(self, client: str) -> str:
        return client

    def client_changed(self, name: str) -> None:
        """Nothing was set for it."""

    def all(self) -> list[tuple[str, str, Conditions, dict[str, int]]]:
        return []


async def test_a_gateway_that_cannot_says_so() -> None:
    net = ConditionsUseCases((roads := FakeRoads()), Unconditioned())
    await roads.add(RouteSpec(name="api", target="http://127.0.0.1:8080"))
    with pytest.raises(HomeportError) as caught:
        await net.set(ConditionsSpec(route="api", text="3g"))
    assert caught.value.code == "unsupported"
    assert await net.list() == []


async def test_a_route_comes_with_its_network_or_not_at_all(house: House) -> None:
    routes = RoutesUseCases(house.roads, house.conditioned, FakeExposures(house.roads))
    await routes.add(RouteSpec(name="web", target="http://127.0.0.1:8080", conditions="3g"))
    assert [(one.route, one.profile) for one in await house.net.list()] == [("web", "3g")]
    house.conditioned.stubborn.add("db")
    for conditions in ("3g", "reorder=5%", "nope"):
        with pytest.raises(HomeportError):
            await routes.add(RouteSpec(name="db", target="http://127.0.0.1:8080", conditions=conditions))
    assert [state.name for state in await routes.list()] == ["api", "web"]


async def test_a_timeline_is_played_and_cleared(house: House) -> None:
    text = "at 0s 4g\nat 10s outage=hang for 3s\nat 20s clean\nloop 30s"
    spec = ConditionsSpec(route="api", text="", timeline=text, timeline_name="ride.txt")
    state = await house.net.set(spec)
    assert (state.profile, state.timeline) == ("4g", "ride.txt")
    seen = []
    for _ in range(4):
        delay_s, call = house.timer.calls.pop()
        house.now_s += delay_s
        call()
        [state] = await house.net.list()
        seen.append((house.now_s - 100, state.profile or state.text, state.timeline))
    assert seen == [
        (10, "outage=hang", "ride.txt"),
        (13, "4g", "ride.txt"),
        (20, "", "ride.txt"),
        (30, "4g", "ride.txt"),
    ]
    assert [one.route for one in await house.net.clear("api")] == ["api"]
    assert (await house.net.list(), house.timer.cancelled) == ([], 1)


async def test_a_timeline_of_a_route_that_goes_ends(house: House) -> None:
    await house.net.set(ConditionsSpec(route="api", text="", timeline="at 0s 4g\nat 10s 3g"))
    await house.roads.remove("api")
    house.conditioned.now.clear()
    house.timer.calls.pop()[1]()
    assert (house.conditioned.all(), house.timer.calls) == ([], [])


@pytest.mark.parametrize("timeline", [" ", "at 0s 4g\nat 9s reorder=5%", "at 0s 5gg"])
async def test_timelines_that_cannot_be_play_nothing(house: House, timeline: str) -> None:
    with pytest.raises(HomeportError) as caught:
        await house.net.set(ConditionsSpec(route="api", text="", timeline=timeline))
    assert caught.value.code == "bad-usage"
    assert (await house.net.list(), house.timer.calls) == ([], [])


async def test_every_change_is_told_with_its_end(house: House) -> None:
    await house.net.set(ConditionsSpec(route="api", text="3g"))
    await house.net.set(ConditionsSpec(route="api", text="loss=1%", lasts_s=30))
    house.timer.calls[-1][1]()
    await house.net.clear("api")
    assert [(one.profile, one.text, bool(one.ends), one.gone) for one in house.told] == [
        ("3g", "latency=200ms rate=500kbit", False, False),
        ("", "loss=1%", True, False),
        ("3g", "latency=200ms rate=500kbit", False, False),
        ("3g", "latency=200ms rate=500kbit", False, True),
    ]


async def test_what_was_set_for_a_while_on_a_clean_network_is_told_as_gone(house: House) -> None:
    await house.net.set(ConditionsSpec(route="api", text="loss=1%", lasts_s=30))
    house.timer.calls[-1][1]()
    assert [one.gone for one in house.told] == [False, True]

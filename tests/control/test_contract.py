"""One suite, two bodies: the service in process, and the client over a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from homeport import __version__
from homeport.app.events import Subscription
from homeport.control.client import Client
from homeport.model.access import Access, TokenSpec
from homeport.model.app import AppSpec, AppState
from homeport.model.conditions_felt import ConditionsFelt, Decided
from homeport.model.errors import HomeportError
from homeport.model.exchange import ExchangeSummary
from homeport.model.exposure import ExposeSpec
from homeport.model.lease import LeaseSpec, LeaseState
from homeport.model.log import LogLine
from homeport.model.measured import Measured, RouteMeasured
from homeport.model.net_client import NetClientSpec
from homeport.model.network import ConditionsSpec
from homeport.model.route import RouteSpec
from homeport.model.status import EngineState
from tests.control.conftest import TOKEN, Served

WEB = AppSpec(name="web", project="shop", folder="/shop", command="run {port}", env={"Ä": "ü", "A": "1"})


class InThread:
    """The client's calls as awaitables, because it is the engine's loop that answers them."""

    def __init__(self, part: Any) -> None:
        self._part = part

    def __getattr__(self, name: str) -> Any:
        part = getattr(self._part, name)
        if not callable(part):
            return InThread(part)

        async def call(*args: Any, **kwargs: Any) -> Any:
            return await asyncio.to_thread(part, *args, **kwargs)

        return call


class Body:
    """The two bodies behind one face. `watch` yields structs."""

    def __init__(self, bundle: Any, client: Client | None, served: Served) -> None:
        self.bundle, self.client, self.house = bundle, client, served.house

    async def watch(self, **what: Any) -> AsyncIterator[Any]:
        if self.client is None:
            subscription: Subscription = self.house.service.events(**what)
            try:
                while batch := await subscription.batch():
                    for _, data in batch:
                        yield data
            finally:
                subscription.close()
            return
        events = await asyncio.to_thread(self.client.events, **what)
        ended = object()
        try:
            while (event := await asyncio.to_thread(next, events, ended)) is not ended:
                yield event
        finally:
            events.close()


@pytest.fixture(params=["service", "client"])
def body(request: pytest.FixtureRequest, served: Served) -> Body:
    if request.param == "service":
        return Body(served.house.service, None, served)
    client = Client(served.socket, TOKEN)
    return Body(InThread(client), client, served)


def summary(number: int, method: str = "GET") -> ExchangeSummary:
    return ExchangeSummary(
        id=number, kind="http", route="web", client="127.0.0.1:1", started="2026-01-01T00:00:00Z", method=method
    )


async def test_apps_start_stop_and_restart(body: Body) -> None:
    [state] = await body.bundle.apps.start([WEB])
    assert (state.route, state.state) == ("web", "starting")
    assert await body.bundle.apps.list() == [state]
    assert (await body.bundle.apps.restart("web")).restarts == 1
    assert (await body.bundle.apps.stop("web")).state == "stopped"


async def test_waiting_for_an_app_ends_when_it_is_ready(body: Body) -> None:
    [state] = await body.bundle.apps.start([WEB])
    waiting = asyncio.create_task(body.bundle.apps.wait("web"))
    await asyncio.sleep(0)
    body.house.apps.become("web", msgspec.structs.replace(state, state="ready"))
    assert (await waiting).state == "ready"


async def test_starting_nothing_says_so(body: Body) -> None:
    with pytest.raises(HomeportError) as caught:
        await body.bundle.apps.start([])
    assert caught.value.code == "nothing-to-run"


@pytest.mark.parametrize("verb", ["stop", "restart", "wait"])
async def test_an_unknown_app_is_not_found_and_the_nearest_named(body: Body, verb: str) -> None:
    await body.bundle.apps.start([WEB])
    with pytest.raises(HomeportError) as caught:
        await getattr(body.bundle.apps, verb)("wbe")
    assert (caught.value.code, caught.value.hint) == ("not-found", "did you mean web?")
    with pytest.raises(HomeportError) as caught:
        await getattr(body.bundle.apps, verb)("../a/b ?c")
    assert caught.value.code == "not-found"


async def test_routes_are_added_listed_and_removed(body: Body) -> None:
    state = await body.bundle.routes.add(RouteSpec(name="v2.api", target="http://127.0.0.1:8080"))
    assert await body.bundle.routes.list() == [state]
    await body.bundle.routes.remove("v2.api")
    assert await body.bundle.routes.list() == []


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        (RouteSpec(name="homeport", target="http://127.0.0.1:1"), "name-taken"),
        (RouteSpec(name="A_b", target="http://127.0.0.1:1"), "bad-usage"),
        (RouteSpec(name="db", target="tcp:127.0.0.1:5432"), "bad-usage"),
        (RouteSpec(name="db", target="ftp://x"), "bad-usage"),
        (RouteSpec(name="db", target="tcp:127.0.0.1:5432", listen="99999"), "bad-usage"),
    ],
)
async def test_routes_that_cannot_be(body: Body, spec: RouteSpec, code: str) -> None:
    with pytest.raises(HomeportError) as caught:
        await body.bundle.routes.add(spec)
    assert caught.value.code == code
    assert await body.bundle.routes.list() == []


async def test_removing_an_unknown_route(body: Body) -> None:
    with pytest.raises(HomeportError) as caught:
        await body.bundle.routes.remove("nope")
    assert caught.value.code == "not-found"


async def test_conditions_are_set_listed_and_cleared(body: Body) -> None:
    await body.bundle.routes.add(RouteSpec(name="api", target="http://127.0.0.1:8080"))
    state = await body.bundle.conditions.set(ConditionsSpec(route="api", text="3g loss=1% seed=7"))
    assert (state.profile, state.seed, state.counts) == ("3g", 7, {"came": 3})
    assert state.text == "latency=200ms rate=500kbit loss=1% seed=7"
    assert await body.bundle.conditions.list() == [state]
    assert await body.bundle.conditions.clear("api") == [state]
    assert await body.bundle.conditions.list() == await body.bundle.conditions.clear() == []
    assert "3g" in [profile.name for profile in await body.bundle.conditions.profiles()]


async def test_the_conditions_of_an_exchange_are_set_again(body: Body) -> None:
    await body.bundle.routes.add(RouteSpec(name="web", target="http://127.0.0.1:8080"))
    await body.bundle.conditions.set(ConditionsSpec(route="web", text="4g"))
    for number in (1, 2, 3):
        body.house.recording.passed(summary(number))
    body.house.recording.felt[3] = ConditionsFelt(number=1, settings={"up": [{"kind": "warp"}]})
    lossy = {"up": [{"kind": "loss", "rate": 0.1}], "seed": 3}
    body.house.recording.felt[2] = ConditionsFelt(
        number=4, settings=lossy, decisions=[Decided(1.0, True, 1, 10, [("lost", 0.0, 1)])]
    )
    shown = (await body.bundle.traffic.show(2)).conditions
    assert shown is not None
    assert [one.words for one in shown.decisions] == ["dropped: lost"]
    state = await body.bundle.conditions.replay(2)
    assert (state.text, state.seed) == ("up.loss=10% seed=3 first=4", 3)
    assert await body.bundle.conditions.list() == [state]
    for number, code in ((1, "bad-usage"), (3, "unsupported"), (9, "not-found")):
        with pytest.raises(HomeportError) as caught:
            await body.bundle.conditions.replay(number)
        assert caught.value.code == code


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        (ConditionsSpec(route="ap", text="3g"), "not-found"),
        (ConditionsSpec(route="api", text="5gg"), "bad-usage"),
        (ConditionsSpec(route="api", text=""), "bad-usage"),
        (ConditionsSpec(route="api", text="reorder=1%"), "bad-usage"),
        (ConditionsSpec(route="api", text="3g", lasts_s=0.0), "bad-usage"),
        (ConditionsSpec(route="db", text="3g"), "unsupported"),
    ],
)
async def test_conditions_that_cannot_be(body: Body, spec: ConditionsSpec, code: str) -> None:
    for name in ("api", "db"):
        await body.bundle.routes.add(RouteSpec(name=name, target="http://127.0.0.1:8080"))
    body.house.conditioned.stubborn.add("db")
    with pytest.raises(HomeportError) as caught:
        await body.bundle.conditions.set(spec)
    assert caught.value.code == code
    assert await body.bundle.conditions.list() == []


async def test_clients_get_names(body: Body) -> None:
    clients = body.bundle.clients
    alice = await clients.name(NetClientSpec(name="alice"))
    bob = await clients.name(NetClientSpec(name="bob", words=["pid=4121"]))
    assert await clients.list() == [alice, bob]
    assert (alice.words, bob.words) == (["127.64.0.1"], ["pid=4121"])
    await clients.forget("alice")
    assert await clients.list() == [bob]
    for call in (clients.forget("alice"), clients.name(NetClientSpec(name="x", words=["y"]))):
        with pytest.raises(HomeportError):
            await call


async def test_a_route_has_a_link_for_browsers(body: Body) -> None:
    await body.bundle.routes.add(RouteSpec(name="v2.api", target="http://127.0.0.1:8080", access=Access(token=True)))
    assert await body.bundle.routes.link("v2.api") == "http://v2.api.localhost:4711/.homeport/enter?key=one"
    with pytest.raises(HomeportError) as caught:
        await body.bundle.routes.link("nope")
    assert caught.value.code == "not-found"


async def test_a_route_is_opened_to_other_computers_and_closed(body: Body) -> None:
    routes = body.bundle.routes
    await routes.add(RouteSpec(name="v2.api", target="http://127.0.0.1:8080", expose=ExposeSpec(address="10.0.0.2")))
    exposed = await routes.expose("v2.api", ExposeSpec(address="10.0.0.1", access=Access(token=True), lasts_s=60.0))
    assert [state.exposed for state in await routes.list()] == [exposed]
    assert await routes.exposed_link("v2.api") == f"{exposed.url}.homeport/enter?key=one"
    assert await routes.unexpose("v2.api") == exposed
    assert [state.exposed for state in await routes.list()] == [None]
    for call in (routes.unexpose("v2.api"), routes.exposed_link("v2.api"), routes.expose("no", ExposeSpec(address=""))):
        with pytest.raises(HomeportError) as caught:
            await call
        assert caught.value.code == "not-found"


async def test_tokens_are_made_listed_and_revoked(body: Body) -> None:
    made = await body.bundle.tokens.new(TokenSpec(name="my laptop ☃", route="web", lasts_s=60.0))
    assert made.token.startswith("hp_")
    assert made.token not in repr(made.state)
    assert (made.state.name, made.state.route, made.state.has_ended) == ("my laptop ☃", "web", False)
    assert await body.bundle.tokens.list() == [made.state]
    with pytest.raises(HomeportError) as caught:
        await body.bundle.tokens.new(TokenSpec(name="my laptop ☃"))
    assert caught.value.code == "name-taken"
    await body.bundle.tokens.revoke("my laptop ☃")
    assert await body.bundle.tokens.list() == []
    with pytest.raises(HomeportError) as caught:
        await body.bundle.tokens.revoke("my laptop ☃")
    assert caught.value.code == "not-found"


@pytest.mark.parametrize(
    "spec",
    [
        TokenSpec(name=""),
        TokenSpec(name=" "),
        TokenSpec(name="a\nb"),
        TokenSpec(name="x" * 65),
        TokenSpec(name="a", route="homeport"),
        TokenSpec(name="a", route="A_b"),
        TokenSpec(name="a", lasts_s=0.0),
        TokenSpec(name="a", lasts_s=1e12),
    ],
)
async def test_tokens_that_cannot_be(body: Body, spec: TokenSpec) -> None:
    with pytest.raises(HomeportError) as caught:
        await body.bundle.tokens.new(spec)
    assert caught.value.code == "bad-usage"
    assert await body.bundle.tokens.list() == []


async def test_traffic_is_searched_newest_first_and_paged(body: Body) -> None:
    body.house.recording.exchanges += [summary(1), summary(2, "POST"), summary(3), summary(4)]
    assert [one.id for one in await body.bundle.traffic.list()] == [4, 3, 2, 1]
    assert [one.id for one in await body.bundle.traffic.list("method:GET", limit=2, before=4)] == [3, 1]
    assert body.house.recording.asked[-1] == ("method:GET", 2, 4)
    with pytest.raises(HomeportError) as caught:
        await body.bundle.traffic.list("methud:GET")
    assert (caught.value.code, caught.value.hint) == ("bad-usage", "did you mean method?")


async def test_one_exchange_and_its_bodies(body: Body) -> None:
    body.house.recording.exchanges += [summary(7)]
    body.house.recording.bodies[7, "response"] = (b"\x00\xff\r\n" * 100_000, "text/html; charset=utf-8")
    assert (await body.bundle.traffic.show(7)).summary.id == 7
    assert await body.bundle.traffic.body(7, "response") == (b"\x00\xff\r\n" * 100_000, "text/html; charset=utf-8")
    for call in (body.bundle.traffic.show(8), body.bundle.traffic.body(8, "request")):
        with pytest.raises(HomeportError, match="8"):
            await call
    with pytest.raises(HomeportError, match="side"):
        await body.bundle.traffic.body(7, "middle")
    await body.bundle.traffic.clear()
    assert await body.bundle.traffic.list() == []


async def test_logs_of_one_app_and_of_all(body: Body) -> None:
    body.house.recording.lines += [
        LogLine(id=n, app="web" if n % 2 else "db", at="", text=f"{n} ☃") for n in range(1, 6)
    ]
    assert [line.id for line in await body.bundle.logs.list("web")] == [1, 3, 5]
    assert [line.id for line in await body.bundle.logs.list(limit=2)] == [4, 5]
    assert [line.text for line in await body.bundle.logs.list(after=4)] == ["5 ☃"]


async def test_ports_are_leased_listed_and_given_back(body: Body) -> None:
    spec = LeaseSpec(folder="/shop ä", name="web", count=2, pid=4711)
    states = await body.bundle.leases.take(spec)
    assert [(state.name, state.number, state.again) for state in states] == [("web", 1, False), ("web", 2, False)]
    assert states[0].owners[0].pid == 4711
    assert await body.bundle.leases.list() == states
    assert [state.again for state in await body.bundle.leases.take(spec)] == [True, True]
    assert await body.bundle.leases.release(port=states[0].port) == states[:1]
    assert await body.bundle.leases.release(name="web", folder="/shop ä") == states[1:]
    await body.bundle.leases.take(LeaseSpec(folder="/a"))
    assert len(await body.bundle.leases.release(every=True)) == 1
    assert await body.bundle.leases.release(every=True) == []


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        (LeaseSpec(folder="/a", count=0), "bad-usage"),
        (LeaseSpec(folder="/a", count=101), "bad-usage"),
        (LeaseSpec(folder="/a", pid=-1), "bad-usage"),
        (LeaseSpec(folder="/a", name="3000"), "bad-usage"),
        (LeaseSpec(folder="/a", name="a\nb"), "bad-usage"),
        (LeaseSpec(folder="/a", pid=666), "not-found"),
    ],
)
async def test_leases_that_cannot_be(body: Body, spec: LeaseSpec, code: str) -> None:
    body.house.leases.dead.add(666)
    with pytest.raises(HomeportError) as caught:
        await body.bundle.leases.take(spec)
    assert caught.value.code == code
    assert await body.bundle.leases.list() == []


async def test_giving_back_what_nobody_has_says_where_it_is(body: Body) -> None:
    [state] = await body.bundle.leases.take(LeaseSpec(folder="/there", name="web"))
    with pytest.raises(HomeportError) as caught:
        await body.bundle.leases.release(name="web", folder="/here")
    assert (caught.value.code, caught.value.hint) == ("not-found", f"homeport release {state.port}")
    for what in ({"port": 9}, {"name": "db", "folder": "/here"}, {}):
        with pytest.raises(HomeportError) as caught:
            await body.bundle.leases.release(**what)
        assert caught.value.code == "not-found"


async def test_the_ports_of_apps_are_not_given_back(body: Body) -> None:
    body.house.leases.all.append(LeaseState(port=12345, name="web", folder="/shop", kind="app"))
    with pytest.raises(HomeportError) as caught:
        await body.bundle.leases.release(port=12345)
    assert (caught.value.code, caught.value.hint) == ("bad-usage", "homeport stop web")
    assert await body.bundle.leases.release(every=True) == []
    assert len(await body.bundle.leases.list()) == 1


async def test_the_portserver_has_an_address_for_who_lives(body: Body) -> None:
    assert await body.bundle.leases.portserver(4711) == "/home/portserver.sock"
    body.house.leases.dead.add(666)
    with pytest.raises(HomeportError) as caught:
        await body.bundle.leases.portserver(666)
    assert caught.value.code == "not-found"
    assert body.house.leases.guests == [4711]


async def test_the_status_holds_everything(body: Body) -> None:
    [state] = await body.bundle.apps.start([WEB])
    status = await body.bundle.engine.status()
    assert status.apps == [state]
    assert status.engine.version == __version__
    assert status.engine.url == "http://127.0.0.1:4711"
    assert status.engine.dashboard == "http://homeport.localhost:4711"


async def test_links_into_the_dashboard_carry_a_key(body: Body) -> None:
    start, _, key = (await body.bundle.engine.enter_link()).partition("#enter=")
    assert start == "http://homeport.localhost:4711/"
    start, _, other = (await body.bundle.engine.dashboard_port()).partition("#enter=")
    assert start == "http://127.0.0.1:4712/"
    assert len(key) >= 43
    assert key != other


async def test_a_notice_is_told_to_one_client_once(body: Body) -> None:
    body.house.service.engine.begin([], ["two children were left"])
    assert (await body.bundle.engine.hello()).notices == ["two children were left"]
    assert (await body.bundle.engine.hello()).notices == []


async def test_stop_asks_the_engine_to_end(body: Body) -> None:
    await body.bundle.engine.stop()
    assert body.house.stops == 1


async def test_events_start_with_what_is_so_now(body: Body) -> None:
    [state] = await body.bundle.apps.start([WEB])
    events = body.watch()
    assert isinstance(await anext(events), EngineState)
    assert await anext(events) == state
    body.house.recording.passed(summary(1))
    assert (await anext(events)).id == 1
    body.house.hub.close()
    assert [event async for event in events] == []


async def test_events_are_filtered_where_they_arise(body: Body) -> None:
    [state] = await body.bundle.apps.start([WEB])
    events = body.watch(filter="method:POST", apps=["db"], kinds=["exchange", "log", "app"])
    waiting = asyncio.ensure_future(anext(events))
    while not body.house.hub.watchers:
        await asyncio.sleep(0)
    body.house.apps.become("web", state)
    for line in (LogLine(app="web", at="", text="no"), LogLine(app="db", at="", text="two\n\nlines")):
        body.house.hub.publish("log", line)
    body.house.recording.passed(summary(1, "GET"))
    body.house.recording.passed(summary(2, "POST"))
    assert (await waiting).text == "two\n\nlines"
    assert (await anext(events)).id == 2
    body.house.hub.close()
    assert [event async for event in events] == []


async def test_a_bad_filter_is_refused_before_the_stream_starts(body: Body) -> None:
    with pytest.raises(HomeportError) as caught:
        await anext(body.watch(filter="methud:GET"))
    assert caught.value.code == "bad-usage"
    assert body.house.hub.watchers == 0


async def test_who_leaves_is_forgotten_everywhere(body: Body) -> None:
    events = body.watch(kinds=["exchange"])
    waiting = asyncio.ensure_future(anext(events))
    while not body.house.hub.watchers:
        await asyncio.sleep(0)
    body.house.recording.passed(summary(1))
    await waiting
    assert len(body.house.recording.watches) == 1
    await events.aclose()  # type: ignore[attr-defined]
    while body.house.hub.watchers:
        await asyncio.sleep(0)
    assert body.house.recording.watches == {}


async def test_what_is_measured_comes_to_those_who_ask_for_it_alone(body: Body) -> None:
    everything, events = body.watch(), body.watch(kinds=["measured"])
    assert isinstance(await anext(everything), EngineState)
    waiting = asyncio.ensure_future(anext(events))
    while not body.house.measured:
        await asyncio.sleep(0)
    [tell] = body.house.measured
    measured = Measured(at="2026-03-03T14:02:11.000Z", span_ms=500, routes=[RouteMeasured(route="web", down_bps=8)])
    tell(measured)
    assert await waiting == measured
    await events.aclose()  # type: ignore[attr-defined]
    while body.house.measured:
        await asyncio.sleep(0)
    body.house.hub.close()
    assert [event async for event in everything] == []


async def test_changes_of_conditions_are_told(body: Body) -> None:
    await body.bundle.routes.add(RouteSpec(name="api", target="http://127.0.0.1:8080"))
    events = body.watch(kinds=["conditions"])
    waiting = asyncio.ensure_future(anext(events))
    while not body.house.hub.watchers:
        await asyncio.sleep(0)
    await body.bundle.conditions.set(ConditionsSpec(route="api", text="3g"))
    await body.bundle.conditions.clear("api")
    told = [await waiting, await anext(events)]
    assert [(one.profile, one.gone) for one in told] == [("3g", False), ("3g", True)]
    body.house.hub.close()
    assert [event async for event in events] == []


def test_both_bodies_have_the_same_verbs() -> None:
    """A verb that only one of them has would not be covered above."""
    from homeport.app.service import Service

    client = Client("/nowhere", "")
    hints = {name: kind for name, kind in Service.__annotations__.items() if name != "hub"}
    for noun in hints:
        part = getattr(client, noun)
        verbs = {name for name in dir(part) if not name.startswith("_") and callable(getattr(part, name))}
        module = __import__(f"homeport.app.{noun}", fromlist=["x"])
        use_cases = next(
            value
            for name, value in vars(module).items()
            if name.endswith("UseCases") and value.__module__ == module.__name__
        )
        ours = {name for name in vars(use_cases) if not name.startswith("_")}
        # Between the engine's own parts:
        inner = {"begin", "sentences", "state", "current", "apps_stopped", "restore", "close"}
        assert verbs == ours - inner


def test_app_states_survive_the_wire() -> None:
    state = AppState(name="a", project="p", folder="/f", route="a", kind="process", state="ready", listens=["[::1]:1"])
    assert msgspec.json.decode(msgspec.json.encode(state), type=AppState) == state

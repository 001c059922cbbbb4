"""Which app answers on the plain address, and that a start is all or nothing."""

from __future__ import annotations

import socket
from typing import Any, cast

import msgspec
import pytest

from homeport.app.exposures import Exposures, Prepared
from homeport.app.fake import FakeConditioned, FakeExposures
from homeport.app.fake import FakeRoads as NoRoutes
from homeport.app.roads import Roads
from homeport.app.running import RunningApps
from homeport.gateway.access import Rule
from homeport.model.app import AppSpec, AppState, State
from homeport.model.errors import HomeportError
from homeport.model.exposure import ExposeSpec
from homeport.targets.supervisor import Supervisor


class FakeApp:
    def __init__(self, spec: AppSpec, route: str) -> None:
        self.spec, self.route = spec, route
        self.state: State = "ready"

    def snapshot(self) -> AppState:
        return AppState(
            name=self.spec.name,
            project=self.spec.project,
            folder=self.spec.folder,
            route=self.route,
            kind="process",
            state=self.state,
            default=self.spec.default,
        )


class FakeSupervisor:
    def __init__(self) -> None:
        self.all: dict[str, FakeApp] = {}
        self.started: list[AppSpec] = []

    def route_for(self, spec: AppSpec) -> str:
        other = self.all.get(spec.name)
        return spec.name if other is None or other.spec.folder == spec.folder else f"{spec.name}.{spec.project}"

    async def start_all(self, specs: list[AppSpec]) -> list[FakeApp]:
        self.started += specs
        made = [FakeApp(spec, self.route_for(spec)) for spec in specs]
        self.all.update({app.route: app for app in made})
        return made

    def app(self, route: str) -> FakeApp:
        return self.all[route]

    def routes(self) -> list[str]:
        return list(self.all)

    def states(self) -> list[AppState]:
        return [app.snapshot() for app in self.all.values()]


class FakeRoads:
    def __init__(self) -> None:
        self.defaults: dict[str, bool] = {}
        self.extra_default = False
        self.taken: set[str] = set()

    def check_free_for_app(self, name: str) -> None:
        if name in self.taken:
            raise HomeportError("name-taken", name)

    def add_app(
        self, name: str, target: object, *, default: bool, https: str, h2: bool, rule: object, subdomains: bool
    ) -> None:
        self.defaults[name] = default

    def has_default(self) -> bool:
        return self.extra_default


class House:
    def __init__(self) -> None:
        self.supervisor, self.roads = FakeSupervisor(), FakeRoads()
        self.is_ending = False
        self.networks = FakeConditioned()
        self.apps = RunningApps(
            cast(Supervisor, self.supervisor),
            cast(Roads, self.roads),
            self.networks,
            cast(Exposures, FakeExposures(NoRoutes())),
            lambda: self.is_ending,
        )

    def defaults(self) -> list[str]:
        by_state = [state.route for state in self.apps.states() if state.default]
        assert by_state == [name for name, default in self.roads.defaults.items() if default]
        return by_state


@pytest.fixture
def house() -> House:
    return House()


async def test_an_app_comes_with_its_network(house: House) -> None:
    await house.apps.start([spec("web"), spec("api", conditions="3g loss=1%")])
    assert [(route, one.profile) for (route, _), one in house.networks.now.items()] == [("api", "3g")]


async def test_a_network_that_cannot_be_starts_nothing(house: House) -> None:
    with pytest.raises(HomeportError, match="reordering cannot act on a stream"):
        await house.apps.start([spec("web"), spec("api", conditions="reorder=5%")])
    assert house.apps.states() == []


def spec(name: str, project: str = "shop", **more: Any) -> AppSpec:
    return AppSpec(name=name, project=project, folder=f"/{project}", command="run", **more)


@pytest.mark.parametrize(
    ("specs", "default"),
    [
        ([spec("only")], "only"),
        ([spec("db"), spec("web")], "web"),
        ([spec("db"), spec("api", needs=["db"])], "api"),
        ([spec("web"), spec("admin", default=True)], "admin"),
        ([spec("one"), spec("two")], "one"),
    ],
)
async def test_the_likeliest_app_answers_on_the_plain_address(house: House, specs: list[AppSpec], default: str) -> None:
    await house.apps.start(specs)
    assert house.defaults() == [default]


async def test_a_second_project_leaves_it_to_the_first(house: House) -> None:
    await house.apps.start([spec("web", default=True)])
    await house.apps.start([spec("site", "blog", default=True)])
    assert house.defaults() == ["web"]


async def test_it_is_free_again_once_its_app_has_ended(house: House) -> None:
    await house.apps.start([spec("web")])
    house.supervisor.app("web").state = "stopped"
    await house.apps.start([spec("site", "blog")])
    assert house.defaults() == ["site"]


async def test_its_own_project_may_move_it_and_the_same_start_changes_nothing(house: House) -> None:
    await house.apps.start([spec("web"), spec("admin")])
    first = list(house.supervisor.started)
    await house.apps.start([spec("web"), spec("admin")])
    assert house.supervisor.started[2:] == first
    await house.apps.start([spec("admin", default=True)])
    assert house.defaults() == ["admin"]


async def test_an_extra_route_that_asked_for_it_keeps_it(house: House) -> None:
    house.roads.extra_default = True
    await house.apps.start([spec("web", default=True)])
    assert house.defaults() == []


async def test_nothing_starts_where_one_name_is_taken(house: House) -> None:
    house.roads.taken.add("api")
    with pytest.raises(HomeportError):
        await house.apps.start([spec("web"), spec("api")])
    assert house.supervisor.started == []


class OneAddress:
    """The first that is prepared can be opened, others cannot."""

    def __init__(self) -> None:
        self.sock: socket.socket | None = None

    async def prepare(self, name: str, spec: ExposeSpec, rule: Rule | None) -> Prepared:
        if self.sock is not None:
            raise HomeportError("bad-usage", f"this computer does not have the address {spec.address}")
        self.sock = socket.socket()
        return Prepared(self.sock, spec.address, cast(Rule, rule), None)


async def test_no_port_stays_bound_where_another_app_cannot_be_exposed() -> None:
    supervisor, exposures = FakeSupervisor(), OneAddress()
    apps = RunningApps(
        cast(Supervisor, supervisor),
        cast(Roads, FakeRoads()),
        FakeConditioned(),
        cast(Exposures, exposures),
        lambda: False,
    )
    with pytest.raises(HomeportError, match="does not have"):
        await apps.start([spec("web", expose=ExposeSpec(address="a")), spec("api", expose=ExposeSpec(address="b"))])
    assert exposures.sock is not None
    assert exposures.sock.fileno() == -1
    assert supervisor.started == []


async def test_nothing_begins_at_the_end(house: House) -> None:
    house.is_ending = True
    with pytest.raises(HomeportError) as caught:
        await house.apps.start([spec("web")])
    assert caught.value.code == "engine-unreachable"
    assert house.apps.states() == []


def test_the_default_is_part_of_what_an_app_was_asked_to_be() -> None:
    """If it were not, moving it would leave addresses behind that lead elsewhere."""
    assert msgspec.structs.replace(spec("web"), default=True) != spec("web")

"""What the page is shown in tests and pictures: apps, routes, exchanges and log lines as a working day leaves them.

Every value is a struct of homeport.model, so that the page is tested against the shapes that the engine really sends.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from homeport.model.app import AppState
from homeport.model.conditions_felt import ConditionsFelt, Decided
from homeport.model.exchange import ExchangeDetail
from homeport.model.exposure import Exposed
from homeport.model.finding import Finding
from homeport.model.log import LogLine
from homeport.model.network import ConditionsState
from homeport.model.route import RouteState
from homeport.model.status import EngineState, RecordingState, Status
from homeport.model.udp import DatagramCounts, UdpClientState, UdpState
from tests.control.dashboard.traffic import at, exchanges, logs


@dataclass(slots=True)
class Scene:
    """Everything that the fake API answers with; tests change it while the page looks on."""

    status: Status
    exchanges: dict[int, ExchangeDetail] = field(default_factory=dict)
    logs: list[LogLine] = field(default_factory=list)
    conditions: list[ConditionsState] = field(default_factory=list)


def engine() -> EngineState:
    return EngineState(
        version="0.1.0",
        pid=4012,
        home="/home/kim/.local/state/homeport",
        started=at(-5400),
        doors=["127.0.0.1:62893", "[::1]:62893"],
        url="http://127.0.0.1:62893",
        dashboard="http://homeport.localhost:62893",
        recording=RecordingState(exchanges=1204, bytes=18_400_000),
    )


def empty_scene() -> Scene:
    state = engine()
    state.recording = RecordingState()
    return Scene(status=Status(engine=state))


def full_scene() -> Scene:
    scene = Scene(status=Status(engine=engine(), apps=apps(), routes=routes()), logs=logs())
    for detail in exchanges():
        scene.exchanges[detail.summary.id] = detail
    return scene


def network_scene() -> Scene:
    """The same with a game over UDP, changed networks, rules, and a route that other computers reach."""
    scene = full_scene()
    scene.status.routes.insert(5, game())
    mail = scene.status.routes[4]
    mail.access = "same-user and token"
    mail.exposed = Exposed(
        address="192.168.1.20:62893",
        url="https://mail.localhost:62893/",
        access="token",
        since=at(-300),
        ends=at(1500),
    )
    scene.conditions = [three_g(), lossy_game()]
    slow = scene.exchanges[11]
    slow.summary.conditions, slow.conditions = "3g latency=200ms rate=500kbit", felt()
    return scene


def felt() -> ConditionsFelt:
    return ConditionsFelt(
        number=7,
        text="3g latency=200ms rate=500kbit",
        decisions=[
            decided(0.3, 1, 312, "delayed by 200 ms, waited 5 ms for bandwidth", from_client=True),
            decided(974.2, 1, 198, "delayed by 200 ms, waited 3.2 ms for bandwidth"),
            decided(975.1, 2, 1460, "delayed by 200 ms, waited 26.5 ms for bandwidth"),
        ],
        more=2,
    )


def decided(at_ms: float, number: int, size: int, words: str, *, from_client: bool = False) -> Decided:
    return Decided(at_ms=at_ms, from_client=from_client, number=number, bytes=size, what=[], words=words)


def three_g(route: str = "api") -> ConditionsState:
    return ConditionsState(
        route=route,
        profile="3g",
        text="latency=200ms rate=500kbit",
        words=["each way: 200 ms later, 500 kbit/s"],
        counts={"came": 1204, "sent": 1204, "delayed": 1204},
    )


def lossy_game() -> ConditionsState:
    return ConditionsState(
        route="game",
        text="up.latency=40ms down.latency=60ms jitter=10ms loss=20% burst=5",
        words=["up: 40 ms ± 10 ms later, 20 % lost, 5 in a row", "down: 60 ms ± 10 ms later, 20 % lost, 5 in a row"],
        counts={"came": 8420, "sent": 6731, "lost": 1689, "delayed": 6731},
    )


def game() -> RouteState:
    def counts(datagrams: int, dropped: int, p50_ms: float) -> DatagramCounts:
        return DatagramCounts(
            datagrams=datagrams,
            bytes=datagrams * 64,
            dropped=dropped,
            reordered=dropped // 9,
            delay_p50_ms=p50_ms,
            delay_p99_ms=p50_ms * 1.24,
            delay_max_ms=p50_ms * 1.25,
        )

    players = [
        UdpClientState(client="127.0.0.1:53211", idle_s=0.0, up=counts(2110, 431, 40.1), down=counts(2104, 419, 60.2)),
        UdpClientState(client="127.0.0.1:53377", idle_s=0.1, up=counts(2098, 408, 40.0), down=counts(2108, 431, 60.1)),
    ]
    udp = UdpState(active=2, visits=3, up=counts(4208, 839, 40.1), down=counts(4212, 850, 60.2), clients=players)
    return RouteState(
        name="game",
        kind="udp",
        target="udp:127.0.0.1:7777",
        url="udp://127.0.0.1:62901",
        listen="127.0.0.1:62901",
        active=2,
        visits=3,
        udp=udp,
    )


def apps() -> list[AppState]:
    shop = {"project": "shop", "folder": "/home/kim/shop"}
    return [
        AppState(
            **shop,  # type: ignore[arg-type]
            name="web",
            route="web",
            kind="process",
            state="ready",
            command="npm run dev",
            pid=4121,
            address="127.0.0.1:5173",
            port=21345,
            listens=["127.0.0.1:5173"],
            url="http://web.localhost:62893/",
            urls=["http://web.localhost:62893/", "http://127.0.0.1:62893/"],
            started=at(-3960),
            default=True,
            notice="It listens on 5173 instead of 21345, the port it was given; the route follows.",
        ),
        AppState(
            **shop,  # type: ignore[arg-type]
            name="api",
            route="api",
            kind="process",
            state="ready",
            command="uvicorn shop.api:app --port {port}",
            pid=4133,
            address="127.0.0.1:18220",
            port=18220,
            listens=["0.0.0.0:18220"],
            url="http://api.localhost:62893/",
            started=at(-3958),
            restarts=2,
            exposed=True,
        ),
        AppState(
            **shop,  # type: ignore[arg-type]
            name="worker",
            route="worker",
            kind="process",
            state="failed",
            command="node worker.js",
            port=27611,
            url="http://worker.localhost:62893/",
            started=at(-61),
            exit_code=1,
            finding=Finding(
                code="app-exited",
                what="worker exited with code 1 after 0.4 s.",
                why="Its last line: Error: Cannot find module 'bullmq'",
                next="npm install bullmq",
            ),
        ),
    ]


def routes() -> list[RouteState]:
    def route(name: str, kind: str, target: str, visits: int, **more: object) -> RouteState:
        url = "" if kind == "tcp" else f"http://{name}.localhost:62893/"
        return RouteState(name=name, kind=kind, target=target, url=url, visits=visits, **more)  # type: ignore[arg-type]

    return [
        route("web", "app", "127.0.0.1:5173", 861, active=2, default=True),
        route("api", "app", "127.0.0.1:18220", 340),
        route("worker", "app", "127.0.0.1:27611", 1),
        route("postgres", "tcp", "127.0.0.1:5432", 12, listen="127.0.0.1:62900", active=1),
        route("mail", "http", "http://127.0.0.1:8025", 3),
        RouteState(name="homeport", kind="control", target="", url="http://homeport.localhost:62893/"),
    ]

"""What the page is shown in tests and pictures: apps, routes, exchanges and log lines as a working day leaves them.

Every value is a struct of homeport.model, so that the page is tested against the shapes that the engine really sends.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from homeport.model.app import AppState
from homeport.model.exchange import ExchangeDetail
from homeport.model.finding import Finding
from homeport.model.log import LogLine
from homeport.model.route import RouteState
from homeport.model.status import EngineState, RecordingState, Status
from tests.control.dashboard.traffic import at, exchanges, logs


@dataclass(slots=True)
class Scene:
    """Everything that the fake API answers with; tests change it while the page looks on."""

    status: Status
    exchanges: dict[int, ExchangeDetail] = field(default_factory=dict)
    logs: list[LogLine] = field(default_factory=list)


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

"""Apps in the foreground: what is shown, who is stopped, and the exit status."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from homeport.cli.stopping import by_need
from homeport.model.app import AppState
from homeport.model.errors import HomeportError
from homeport.model.finding import Finding
from homeport.model.log import LogLine
from homeport.model.route import RouteSpec
from tests.cli.fake_engine import FakeEngine, app, exchange, invoke


def line(text: str, number: int = 0, name: str = "web", continues: bool = False) -> LogLine:
    return LogLine(id=number, app=name, at="2026-11-22T12:00:00+00:00", text=text, continues=continues)


def run_with(engine: FakeEngine, *events: object, words: str = "run --name web -- server") -> tuple[int, str, str]:
    engine.apps.on_start = lambda: engine.emit(*events)  # type: ignore[arg-type]
    outcome = invoke(words, engine)
    return outcome.status, outcome.out, outcome.err


def test_log_is_data_and_addresses_are_talk() -> None:
    status, out, err = run_with(FakeEngine(), line("hello"), app(), line("bye"), app(state="exited", exit_code=0))
    assert status == 0
    assert out == "hello\nbye\n"
    assert "web is ready: http://web.localhost:62893\n" in err
    assert "/@web" not in err


def test_plain_address_comes_first() -> None:
    urls = ["http://web.localhost:62893", "http://127.0.0.1:62893", "http://127.0.0.1:62893/@web"]
    _, _, err = run_with(FakeEngine(), app(urls=urls, default=True), app(state="exited", exit_code=0))
    assert "web is ready: http://127.0.0.1:62893  http://web.localhost:62893\n" in err


@pytest.mark.parametrize("code", [0, 1, 3, 143])
def test_exit_status_is_the_apps(code: int) -> None:
    state = app(state="exited" if code == 0 else "failed", exit_code=code)
    assert run_with(FakeEngine(), state)[0] == code


def test_failing_to_become_ready_is_a_failure_without_a_code() -> None:
    finding = Finding(code="app-not-ready", what="web did not become ready in 60 s", why="it listens nowhere", next="x")
    status, _, err = run_with(FakeEngine(), app(state="failed", finding=finding))
    assert status == 1
    assert "web did not become ready in 60 s\n  it listens nowhere\nhint: x\n" in err


def test_a_finding_is_said_once() -> None:
    finding = Finding(code="app-exited", what="web exited with code 1")
    failed = app(state="failed", exit_code=1, finding=finding)
    assert run_with(FakeEngine(), failed, failed)[2].count("exited with code 1") == 1


def test_last_lines_that_come_after_the_end_are_shown() -> None:
    engine = FakeEngine()
    engine.logs.lines = [line("of yesterday", 7)]
    late = [line("one", 8), line("two", 9)]

    def end_quietly() -> None:
        engine.logs.lines.extend(late)
        engine.emit(app(state="exited", exit_code=0))

    engine.apps.on_start = end_quietly
    assert invoke("run --name web -- server", engine).out == "one\ntwo\n"


def test_pieces_of_a_long_line_become_one_line() -> None:
    _, out, _ = run_with(FakeEngine(), line("long ", continues=True), line("line"), app(state="exited", exit_code=0))
    assert out == "long line\n"


def test_interrupt_stops_what_was_started() -> None:
    engine = FakeEngine(app("other"))
    engine.apps.on_start = lambda: signal.raise_signal(signal.SIGINT)
    outcome = invoke("run --name web -- server", engine)
    assert engine.apps.stopped == ["web"]
    assert outcome.status == 143
    assert "stopping web" in outcome.err
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_closed_terminal_leaves_the_apps_running() -> None:
    engine = FakeEngine()
    engine.apps.on_start = lambda: signal.raise_signal(signal.SIGHUP)
    assert invoke("run --name web -- server", engine).status == 129
    assert engine.apps.stopped == []


def test_end_of_the_engine_is_an_error() -> None:
    engine = FakeEngine()
    engine.apps.on_start = engine.end
    outcome = invoke("run --name web -- server", engine)
    assert outcome.status == 1
    assert "error: the engine is gone" in outcome.err


def test_several_apps_go_on_until_the_last_ends() -> None:
    engine = FakeEngine()
    events: list[AppState | LogLine] = [
        app("worker", state="failed", exit_code=7),
        line("still here", name="web"),
        app("web", state="failed", exit_code=9),
    ]
    engine.apps.on_start = lambda: engine.emit(*events)
    with open("Procfile", "w") as file:
        file.write("web: server\nworker: work\n")
    outcome = invoke("up", engine)
    assert outcome.status == 7, "the first that failed decides"
    assert outcome.out == "web    │ still here\n"


def test_requests_are_shown_on_demand() -> None:
    events = [exchange(), exchange(2, route="other"), app(state="exited", exit_code=0)]
    engine = FakeEngine()
    _, out, _ = run_with(engine, *events, words="run --name web --requests -- server")
    assert "exchange" in engine.subscriptions[0][2]
    assert "/users?id=1" in out
    assert len(out.splitlines()) == 1, "requests to other apps are not shown"


def test_events_as_json_lines() -> None:
    _, out, err = run_with(
        FakeEngine(), line("hello"), app(state="exited", exit_code=0), words="run --json --name web -- server"
    )
    events = [json.loads(text) for text in out.splitlines()]
    assert sorted(event["event"] for event in events) == ["app", "app", "log"]
    assert [event["data"]["text"] for event in events if event["event"] == "log"] == ["hello"]
    assert err == ""


def test_states_of_an_earlier_run_are_not_taken_for_news() -> None:
    engine = FakeEngine(app("web", "exited", exit_code=5))
    assert run_with(engine, line("again"), app(state="exited", exit_code=0))[:2] == (0, "again\n")


def test_detached_prints_addresses_and_leaves() -> None:
    engine = FakeEngine()
    outcome = invoke("run -d --name web -- server", engine)
    assert (outcome.status, outcome.out) == (0, "web  http://web.localhost:62893\n")
    assert engine.subscriptions == []


def test_detached_failure_is_told() -> None:
    engine = FakeEngine()
    finding = Finding(code="app-exited", what="web exited with code 1", next="homeport logs web")
    engine.apps.wait = lambda route: app(state="failed", exit_code=1, finding=finding)  # type: ignore[method-assign]
    outcome = invoke("run -d --name web -- server", engine)
    assert (outcome.status, outcome.out) == (1, "")
    assert "web exited with code 1\nhint: homeport logs web\n" in outcome.err


def test_interrupt_leaves_what_ran_already() -> None:
    engine = FakeEngine(app("web", "starting"))
    engine.apps.on_start = lambda: signal.raise_signal(signal.SIGINT)
    outcome = invoke("run --name web -- server", engine)
    assert engine.apps.stopped == []
    assert "web ran already" in outcome.err


def test_what_needs_others_is_stopped_before_them() -> None:
    assert by_need({"db": [], "api": ["db", "cache"], "cache": ["db"], "docs": []}) == [
        ["api"],
        ["cache"],
        ["db", "docs"],
    ]
    assert by_need({"a": ["b"], "b": ["a"]}) == [["a", "b"]]


def test_routes_of_a_project_go_with_its_foreground(surroundings: Path) -> None:
    text = '[apps.web]\nrun = "server"\n[routes.old]\ntarget = "http://127.0.0.1:8080"\n[routes.db]\ntarget = "http://127.0.0.1:8081"\n'
    (surroundings / "homeport.toml").write_text(text)
    engine = FakeEngine()
    engine.routes.add(RouteSpec(name="old", target="http://127.0.0.1:8080"))
    engine.apps.on_start = lambda: engine.emit(app(state="exited", exit_code=0))
    outcome = invoke("up", engine)
    assert outcome.status == 0
    assert [spec.name for spec in engine.routes.added] == ["old", "db"]
    assert list(engine.routes.all) == ["old"], "what stood before stays"
    invoke("up -d", engine)
    assert list(engine.routes.all) == ["old", "db"]


def test_an_app_that_cannot_be_stopped_does_not_hold_the_terminal() -> None:
    def refuse(route: str) -> AppState:
        raise HomeportError("internal", "it cannot be stopped")

    engine = FakeEngine()
    engine.apps.stop = refuse  # type: ignore[method-assign]
    engine.apps.on_start = lambda: signal.raise_signal(signal.SIGINT)
    outcome = invoke("run --name web -- server", engine)
    assert (outcome.status, outcome.err.splitlines()[-1]) == (70, "error: it cannot be stopped")

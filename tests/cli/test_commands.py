"""The commands that ask and answer: what they ask the engine for, and what they print."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from homeport.model.exchange import Body, Head
from homeport.model.finding import Finding
from homeport.model.log import LogLine
from homeport.model.route import RouteState
from tests.cli.fake_engine import FakeEngine, app, detail, exchange, invoke


def lines_of(*names: str) -> list[LogLine]:
    at = "2026-11-22T12:00:{:02d}+00:00"
    return [LogLine(id=i, app=name, at=at.format(i), text=f"line {i}") for i, name in enumerate(names, 1)]


class TestStatus:
    def test_everything_that_runs(self) -> None:
        finding = Finding(
            code="app-exited", what="api exited with code 1", why="its last line: boom", next="homeport logs api"
        )
        engine = FakeEngine(app(), app("api", "failed", exit_code=1, finding=finding))
        engine.routes.all["db"] = RouteState(
            name="db", kind="tcp", target="tcp:127.0.0.1:5432", url="", listen="127.0.0.1:62900"
        )
        out = invoke("status", engine).out
        assert "http://127.0.0.1:62893" in out
        assert "homeport open" in out
        assert "web  ● ready       http://web.localhost:62893  21345  4242  /code/shop\n" in out
        assert "✗ api exited with code 1\n  its last line: boom\nhint: homeport logs api" in out
        assert "127.0.0.1:62900" in out
        assert "\x1b" not in out

    def test_json_is_the_status(self) -> None:
        answer = json.loads(invoke("status --json", FakeEngine(app())).out)
        assert answer["apps"][0]["route"] == "web"
        assert answer["engine"]["pid"] == 4100

    def test_nothing_runs(self) -> None:
        outcome = invoke("status")
        assert (outcome.status, outcome.out) == (0, "nothing runs\n")
        assert json.loads(invoke("status --json").out) == {"engine": None, "apps": [], "routes": []}


class TestRoute:
    @pytest.mark.parametrize(
        ("typed", "target"),
        [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("8080", "http://127.0.0.1:8080"),
            ("localhost:8080", "http://localhost:8080"),
            ("unix:/run/app.sock", "unix:/run/app.sock"),
            ("/run/app.sock", "unix:/run/app.sock"),
        ],
    )
    def test_target_as_people_type_it(self, typed: str, target: str) -> None:
        engine = FakeEngine()
        outcome = invoke(["route", "api", typed], engine)
        assert engine.routes.added[0].target == target
        assert outcome.out == f"api  http://api.localhost:62893  → {target}\n"

    def test_tcp(self) -> None:
        outcome = invoke("route db tcp:127.0.0.1:5432 --listen 62900", FakeEngine())
        assert outcome.out == "db  127.0.0.1:62900  → tcp:127.0.0.1:5432\n"

    def test_remove(self) -> None:
        engine = FakeEngine()
        invoke("route api 8080", engine)
        assert invoke("route --remove api", engine).status == 0
        assert engine.routes.all == {}

    def test_name_without_target_is_bad_usage(self) -> None:
        outcome = invoke("route api", FakeEngine())
        assert outcome.status == 2
        assert outcome.err.startswith("error: route 'api' needs a target")


class TestLogs:
    def test_lines_of_one_app(self) -> None:
        engine = FakeEngine(app(), app("api"))
        engine.logs.lines = lines_of("web", "api", "web")
        assert invoke("logs web", engine).out == "line 1\nline 3\n"

    def test_lines_of_all_apps_in_their_order(self) -> None:
        engine = FakeEngine(app(), app("api"))
        engine.logs.lines = lines_of("web", "api", "web")
        assert invoke("logs", engine).out == "web │ line 1\napi │ line 2\nweb │ line 3\n"
        assert invoke("logs -n 2", engine).out == "api │ line 2\nweb │ line 3\n"

    def test_lines_of_an_app_that_an_earlier_engine_ran(self) -> None:
        engine = FakeEngine()
        engine.logs.lines = lines_of("web", "web")
        assert invoke("logs web", engine).out == "line 1\nline 2\n"
        assert invoke("logs", engine).out == "line 1\nline 2\n"
        assert invoke("logs api", engine).status == 1

    def test_following_shows_no_line_twice(self) -> None:
        engine = FakeEngine(app())
        engine.logs.lines = lines_of("web", "web")
        engine.emit(*lines_of("web", "web", "web"))
        engine.end()
        assert invoke("logs -f web", engine).out == "line 1\nline 2\nline 3\n"

    def test_unknown_app_names_the_nearest(self) -> None:
        outcome = invoke("logs wbe", FakeEngine(app()))
        assert outcome.err == "error: no app is called 'wbe'\nhint: did you mean web?\n"
        assert outcome.status == 1

    def test_terminal_is_spared_cursor_movements(self) -> None:
        engine = FakeEngine(app())
        engine.logs.lines = [
            LogLine(id=1, app="web", at="2026-11-22T12:00:00+00:00", text="\x1b[2J\x1b[31mred\x1b]0;t\x07")
        ]
        assert invoke("logs web", engine, screen=True).out == "\x1b[31mred\x1b[0m\n"
        assert invoke("logs web --no-color", engine, screen=True).out == "red\n"
        assert invoke("logs web", engine).out == "\x1b[2J\x1b[31mred\x1b]0;t\x07\n"


class TestStopAndRestart:
    def test_without_a_name_only_this_folder(self, surroundings: Path) -> None:
        engine = FakeEngine(app("web", folder=str(surroundings)), app("other"))
        assert invoke("stop", engine).err == "stopped web\n"
        assert engine.apps.stopped == ["web"]

    def test_nothing_here_names_what_runs_elsewhere(self) -> None:
        engine = FakeEngine(app("other"))
        outcome = invoke("stop", engine)
        assert outcome.status == 1
        assert "homeport stop --all would stop other" in outcome.err
        assert engine.apps.stopped == []

    def test_all(self) -> None:
        engine = FakeEngine(app("web"), app("other"))
        invoke("stop --all", engine)
        assert sorted(engine.apps.stopped) == ["other", "web"]

    def test_restart_waits_and_says_where(self) -> None:
        engine = FakeEngine(app("web"))
        outcome = invoke("restart web", engine)
        assert engine.apps.restarted == ["web"]
        assert outcome.out == "web  http://web.localhost:62893\n"

    def test_down(self) -> None:
        engine = FakeEngine(app("web"))
        assert invoke("down", engine).err == "stopped web; the engine has ended\n"
        assert engine.engine.is_stopped
        assert invoke("down").err == "nothing runs\n"

    @pytest.mark.parametrize("words", ["stop web", "restart web"])
    def test_without_an_engine_nothing_is_started(self, words: str) -> None:
        outcome = invoke(words)
        assert outcome.status == 1
        assert outcome.err.startswith("error: nothing runs")


class TestRequests:
    def test_newest_last(self) -> None:
        engine = FakeEngine()
        engine.traffic.found = [exchange(7), exchange(8, status=502, ending="upstream-gone", kind="upgrade")]
        out = invoke("requests", engine).out.splitlines()
        assert out[0].split() == ["ID", "TIME", "METHOD", "PATH", "STATUS", "TOOK", "SIZE", "ROUTE", "ENDING"]
        assert out[1].split() == ["7", "12:01:03", "GET", "/users?id=1", "200", "12", "ms", "1.2", "kB", "web"]
        assert out[2].split()[0] == "8"
        assert "WS" in out[2]
        assert out[2].endswith("upstream-gone")

    def test_filter_with_negated_words(self) -> None:
        engine = FakeEngine()
        assert invoke("requests method:POST -path:/health -n 5 -health --limit 6", engine).status == 0
        assert engine.traffic.asked == [("method:POST -path:/health -health", 6)]

    def test_fits_into_80_columns(self) -> None:
        engine = FakeEngine()
        engine.traffic.found = [exchange(123456, path="/" + "x" * 200, ending="upstream-gone")]
        lines = invoke("requests --no-color", engine, screen=True).out.splitlines()
        assert max(map(len, lines)) <= 80
        assert "…" in lines[1]
        assert "x" * 200 in invoke("requests", engine).out, "piped output is never cut"

    def test_paths_cannot_move_the_cursor(self) -> None:
        engine = FakeEngine()
        engine.traffic.found = [exchange(path="/\x1b[2J\n\x9b")]
        out = invoke("requests", engine, screen=True).out
        assert "\\x1b[2J\\n\\x9b" in out

    def test_clear(self) -> None:
        engine = FakeEngine()
        invoke("requests --clear", engine)
        assert engine.traffic.is_cleared

    def test_watch(self) -> None:
        engine = FakeEngine()
        engine.emit(exchange(1, ending="open", status=0, duration_ms=None), exchange(1))
        engine.end()
        outcome = invoke("watch route:web -status:404", engine)
        assert engine.subscriptions == [("route:web -status:404", (), ("exchange",))]
        first, second = outcome.out.splitlines()
        assert first.endswith("open")
        assert first.index("/users") == second.index("/users")

    def test_watch_as_json_lines(self) -> None:
        engine = FakeEngine()
        engine.emit(exchange(5))
        engine.end()
        assert json.loads(invoke("watch --json", engine).out)["data"]["id"] == 5


class TestShow:
    def test_page(self) -> None:
        engine = FakeEngine()
        out = invoke("show 1", engine).out
        assert "#1 GET http://web.localhost:62893/users?id=1" in out
        assert "200  12 ms" in out
        assert '  "name": "Åsa"' in out
        assert "wait" in out

    def test_a_tcp_connection_has_no_answer_to_miss(self) -> None:
        engine = FakeEngine()
        engine.traffic.detail = detail(exchange(1, kind="tcp", status=0, path="127.0.0.1:5432"))
        out = invoke("show 1", engine).out
        assert "#1 127.0.0.1:5432" in out
        assert "connection  12 ms" in out

    def test_credentials_are_hidden_on_a_terminal_only(self) -> None:
        engine = FakeEngine()
        headers = [("Authorization", "Bearer s3cret"), ("X-Api-Key", "s3cret"), ("Accept", "*/*")]
        engine.traffic.detail = detail(request=Head(line="GET / HTTP/1.1", headers=headers))
        screen = invoke("show 1", engine, screen=True).out
        assert "s3cret" not in screen
        assert "*/*" in screen
        assert "s3cret" in invoke("show 1 --secrets", engine, screen=True).out
        assert "s3cret" in invoke("show 1", engine).out
        assert "s3cret" not in invoke("show 1 --curl", engine, screen=True).out

    def test_body_as_it_is(self) -> None:
        engine = FakeEngine()
        engine.traffic.bodies["response"] = b'{"a": 1}'
        assert invoke("show 1 --body response", engine).out == '{"a": 1}'
        engine.traffic.bodies["response"] = b"\x89PNG\x00"
        outcome = invoke("show 1 --body response", engine, screen=True)
        assert outcome.status == 2
        assert "homeport show 1 --body response > FILE" in outcome.err

    def test_curl(self) -> None:
        engine = FakeEngine()
        engine.traffic.detail = detail(
            exchange(method="PUT", path="/it's"),
            request=Head(line="PUT /it's HTTP/1.1", headers=[("Content-Type", "text/plain"), ("Content-Length", "3")]),
            request_body=Body(bytes_on_wire=3, kept=3, text="a'b"),
        )
        out = invoke("show 1 --curl", engine).out
        assert out == (
            "curl 'http://web.localhost:62893/it'\"'\"'s' \\\n  -X PUT \\\n  -H 'Content-Type: text/plain' \\\n"
            "  --data-raw 'a'\"'\"'b'\n"
        )

    def test_last(self) -> None:
        engine = FakeEngine()
        engine.traffic.found = [exchange(1)]
        assert invoke("show last", engine).out.startswith("#1 ")

    def test_unknown(self) -> None:
        assert invoke("show 99", FakeEngine()).err.startswith("error: no exchange has the number 99\nhint: ")
        assert invoke("show x1", FakeEngine()).status == 2


class TestOpen:
    def test_prints_where_there_is_no_terminal(self) -> None:
        assert invoke("open", FakeEngine()).out == "http://homeport.localhost:62893/#enter=KEY\n"
        assert invoke("open --own-port", FakeEngine()).out == "http://127.0.0.1:41234/#enter=KEY\n"
        assert invoke("open web", FakeEngine(app())).out == "http://web.localhost:62893\n"

    def test_opens_the_browser_once_and_does_not_print_the_link(self, monkeypatch: pytest.MonkeyPatch) -> None:
        opened: list[str] = []

        def open_page(url: str) -> bool:
            opened.append(url)
            return True

        monkeypatch.setenv("DISPLAY", ":0")
        monkeypatch.setattr("webbrowser.open", open_page)
        outcome = invoke("open", FakeEngine(), screen=True)
        assert opened == ["http://homeport.localhost:62893/#enter=KEY"]
        assert "KEY" not in outcome.out + outcome.err


class TestInit:
    def test_writes_what_it_found(self, surroundings: Path) -> None:
        (surroundings / "Procfile").write_text("web: python -m http.server $PORT\n")
        outcome = invoke("init")
        assert outcome.status == 0
        assert "Procfile" in outcome.err
        assert "python -m http.server $PORT" in (surroundings / "homeport.toml").read_text()
        again = invoke("init")
        assert again.status == 2
        assert "homeport init --force" in again.err

    def test_empty_folder(self) -> None:
        outcome = invoke("init")
        assert outcome.status == 2
        assert "hint: homeport run" in outcome.err

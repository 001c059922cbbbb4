"""From a folder and an environment to what is started: paths, environments, names, defaults and branches."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from homeport.app.project import Project, load_project
from homeport.formats.toml_render import render
from homeport.model.app import AppSpec, Ready, Serve
from homeport.model.errors import HomeportError
from homeport.model.route import RouteSpec

TOML = """\
[apps.api]
run = "node api.js"
needs = ["db"]
[apps.db]
run = ["postgres", "-p", "{port}"]
[apps.web]
run = "npm run dev"
needs = ["api"]
[routes.mail]
target = "http://127.0.0.1:8025"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "shop"
    path.mkdir()
    return path


def put(folder: Path, name: str, text: str = "") -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def names(project: Project) -> list[str]:
    return [spec.name for spec in project.specs]


def defaults(project: Project) -> list[str]:
    return [spec.name for spec in project.specs if spec.default]


def only(project: Project) -> AppSpec:
    [spec] = project.specs
    return spec


def failure(folder: Path, *wanted: str, environ: Mapping[str, str] | None = None) -> HomeportError:
    with pytest.raises(HomeportError) as raised:
        load_project(folder, environ or {}, wanted)
    return raised.value


def test_everything_that_a_table_says_reaches_the_spec(folder: Path) -> None:
    (folder / "web").mkdir()
    put(
        folder,
        "homeport.toml",
        """
name = "acme"
[apps.web]
run = "x {port}"
cwd = "web"
env = { A = "1" }
host = "::1"
port = 3000
port_env = "WEB_PORT"
ports = { ADMIN_PORT = "auto" }
socket = true
ready.log = "up"
ready_timeout = 5
restart = "always"
stop_timeout = 0
start = "on-request"
idle_stop = "15m"
""",
    )
    assert only(load_project(folder, {"PATH": "/bin"})) == AppSpec(
        name="web",
        project="acme",
        folder=str(folder),
        command="x {port}",
        cwd=str(folder / "web"),
        env={"PATH": "/bin", "A": "1"},
        host="::1",
        port=3000,
        port_env="WEB_PORT",
        ports={"ADMIN_PORT": None},
        socket=True,
        ready=Ready(log="up"),
        ready_timeout_s=5.0,
        restart="always",
        stop_timeout_s=0.0,
        start="on-request",
        idle_stop_s=900.0,
        default=True,
    )


def test_a_directory_is_served_from_its_absolute_path(folder: Path) -> None:
    (folder / "site").mkdir()
    put(folder, "homeport.toml", '[apps.docs]\nserve = "site"\nspa = true\nlisting = false')
    spec = only(load_project(folder, {"SECRET": "x"}))
    assert spec.serve == Serve(directory=str(folder / "site"), spa=True, listing=False)
    assert (spec.command, spec.env) == ("", {})


def test_a_real_web_server_becomes_a_command(folder: Path) -> None:
    asked: list[tuple[str, Serve, str, str]] = []

    def serve_with(kind: str, serve: Serve, where: str, name: str) -> list[str]:
        asked.append((kind, serve, where, name))
        return ["nginx", "-c", "{port}"]

    put(folder, "homeport.toml", '[apps.docs]\nserve = "."\nwith = "nginx"\nport = 8081')
    spec = only(load_project(folder, {}, serve_with=serve_with))
    assert (spec.command, spec.serve, spec.port) == (["nginx", "-c", "{port}"], None, 8081)
    assert asked == [("nginx", Serve(directory=str(folder)), str(folder), "docs")]


def test_the_file_is_found_from_below(folder: Path) -> None:
    put(folder, "homeport.toml", TOML)
    put(folder, "web/src/package.json", "{}")
    project = load_project(folder / "web" / "src", {})
    assert (project.source, project.folder, project.name) == ("homeport.toml", str(folder), "shop")
    assert project.words == f"{os.path.join('..', '..', 'homeport.toml')} says what to run"


def test_a_strangers_file_above_is_not_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(folder, "homeport.toml", TOML)
    put(folder, "web/index.html")
    monkeypatch.setattr("homeport.app.project._is_trusted", lambda file, start: False)
    project = load_project(folder / "web", {})
    assert project.source == "index.html"
    assert project.notices == [f"{folder / 'homeport.toml'} is not used: it belongs to another user"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="giving a file away takes root")
def test_whose_file_is_a_strangers(folder: Path) -> None:
    put(folder, "homeport.toml", TOML)
    (folder / "web").mkdir()
    os.chown(folder / "homeport.toml", 12345, 12345)
    assert failure(folder / "web").code == "nothing-to-run"
    os.chown(folder / "web", 12345, 12345)  # a project of that user, as in a container with a mounted folder
    assert load_project(folder / "web", {}).source == "homeport.toml"


def test_names_bring_what_they_need_and_keep_the_order_of_the_file(folder: Path) -> None:
    put(folder, "homeport.toml", TOML)
    assert names(load_project(folder, {})) == ["api", "db", "web"]
    assert names(load_project(folder, {}, ["web"])) == ["api", "db", "web"]
    assert names(load_project(folder, {}, ["api"])) == ["api", "db"]
    assert names(load_project(folder, {}, ["db"])) == ["db"]


def test_routes_come_with_everything_or_by_name(folder: Path) -> None:
    put(folder, "homeport.toml", TOML)
    mail = RouteSpec(name="mail", target="http://127.0.0.1:8025")
    assert load_project(folder, {}).routes == [mail]
    assert load_project(folder, {}, ["db"]).routes == []
    only_mail = load_project(folder, {}, ["mail"])
    assert (only_mail.routes, only_mail.specs) == ([mail], [])


def test_an_unknown_name_is_answered_with_the_nearest(folder: Path) -> None:
    put(folder, "homeport.toml", TOML)
    error = failure(folder, "wbe")
    assert (error.code, error.hint) == ("not-found", "did you mean web? homeport up web")
    assert failure(folder, "zzz").hint == "there are api, db, web, mail"


def test_a_process_may_be_named_as_its_procfile_does(folder: Path) -> None:
    put(folder, "Procfile", "Web_1: x\nb: y\n")
    assert names(load_project(folder, {}, ["Web_1"])) == ["web-1"]


@pytest.mark.parametrize(
    ("apps", "extra", "expected"),
    [
        (["only"], "", ["only"]),
        (["api", "web"], "", ["web"]),
        (["api", "frontend", "app"], "", ["app"]),
        (["b", "a"], "", ["b"]),
        (["web", "api"], "\ndefault = true", ["api"]),
        (["web"], '\n[routes.x]\ntarget = "unix:/x"\ndefault = true', []),
    ],
)
def test_the_default_app(folder: Path, apps: list[str], extra: str, expected: list[str]) -> None:
    put(folder, "homeport.toml", "\n".join(f'[apps.{name}]\nrun = "x"' for name in apps) + extra)
    assert defaults(load_project(folder, {})) == expected


def test_the_default_does_not_move_with_what_is_started(folder: Path) -> None:
    put(folder, "homeport.toml", TOML)
    assert defaults(load_project(folder, {}, ["db"])) == []


def test_env_files_win_over_the_environment_and_the_table_over_both(folder: Path) -> None:
    put(folder, ".env", "A=file\nB=file\nC=$A\n")
    put(folder, "homeport.toml", '[apps.web]\nrun = "x"\nenv = { B = "table" }')
    environ = {"A": "os", "D": "os"}
    assert only(load_project(folder, environ)).env == {"A": "file", "B": "table", "C": "$A", "D": "os"}
    assert environ == {"A": "os", "D": "os"}


def test_named_env_files_replace_the_usual_one_and_the_later_wins(folder: Path) -> None:
    put(folder, ".env", "A=usual\n")
    put(folder, "one", "B=1\nC=1\n")
    put(folder, "two", "C=2\n")
    put(folder, "homeport.toml", '[apps.web]\nrun = "x"\nenv_file = ["one", "two"]\n[apps.b]\nrun = "y"\nenv_file = []')
    web, b = load_project(folder, {}).specs
    assert (web.env, b.env) == ({"B": "1", "C": "2"}, {})


def test_what_an_env_file_drops_is_told_once_for_all_apps(folder: Path) -> None:
    put(folder, ".env", "export A=1\nPORT=5000\n")
    put(folder, "Procfile", "web: x\nworker: y\n")
    assert load_project(folder, {}).notices == [
        ".env:1: ignored, as honcho does: there is no `export` in this format, write NAME=value",
        ".env: PORT is not used, each app gets a port of its own (homeport.toml: port)",
    ]


def test_procfile_names_another_procfile_as_in_honcho(folder: Path) -> None:
    put(folder, "Procfile", "web: production\n")
    put(folder, "Procfile.dev", "web: development\n")
    assert only(load_project(folder, {"PROCFILE": "Procfile.dev"})).command == "development"
    put(folder, ".env", "PROCFILE=Procfile.dev\n")
    project = load_project(folder, {})
    assert (project.source, only(project).command) == ("Procfile.dev", "development")


def test_a_worktree_gives_its_branch_to_apps_and_routes(folder: Path) -> None:
    put(folder, "homeport.toml", TOML)
    asked: list[str] = []

    def git_branch(where: str) -> str:
        asked.append(where)
        return "feature-x"

    (folder / "web").mkdir()
    project = load_project(folder / "web", {}, git_branch=git_branch)
    assert {spec.branch for spec in project.specs} == {"feature-x"}
    assert [route.name for route in project.routes] == ["feature-x.mail"]
    assert asked == [str(folder)]


def test_what_does_not_exist_is_told_with_its_line_all_at_once(folder: Path) -> None:
    put(
        folder,
        "homeport.toml",
        '[apps.web]\nrun = "x"\ncwd = "nope"\nenv_file = [\n"a", "b"]\n[apps.docs]\nserve = "homeport.toml"\n',
    )
    error = failure(folder)
    assert error.code == "bad-config"
    assert error.message.split("\n") == [
        f"homeport.toml:3: apps.web.cwd: {folder / 'nope'} does not exist",
        f"homeport.toml:4: apps.web.env_file: {folder / 'a'} does not exist",
        f"homeport.toml:4: apps.web.env_file: {folder / 'b'} does not exist",
        f"homeport.toml:7: apps.docs.serve: {folder / 'homeport.toml'} is not a folder",
    ]


def test_mistakes_name_the_file_as_seen_from_here(folder: Path) -> None:
    put(folder, "homeport.toml", "[apps.web]\ncomand = 'x'\n")
    (folder / "web").mkdir()
    assert failure(folder / "web").message == (
        f'{os.path.join("..", "homeport.toml")}:2: apps.web.comand: unknown key; did you mean "run"?'
    )


def test_an_empty_file_has_nothing_to_run(folder: Path) -> None:
    put(folder, "homeport.toml", "# later\n")
    assert failure(folder).code == "nothing-to-run"


def test_what_was_detected_can_be_written_down_and_means_the_same(folder: Path) -> None:
    put(folder, "Procfile", "web: node .\nworker: node worker.js\n")
    before = load_project(folder, {"A": "1"})
    put(folder, "homeport.toml", render(before.file))
    after = load_project(folder, {"A": "1"})
    assert after.specs == before.specs
    assert (before.source, after.source) == ("Procfile", "homeport.toml")


def test_a_process_gets_the_environment_that_honcho_would_give_it(folder: Path) -> None:
    put(folder, ".env", "A='one two' three\nB=$A\nHOME=/elsewhere\nC=x#y\nexport D=1\nE=\nF='a\\nb'\n")
    show = "import json, os; print(json.dumps(dict(os.environ)))"
    put(folder, "Procfile", f"web: {shlex.join([sys.executable, '-c', show])}\n")
    environ = {"PATH": os.environ["PATH"], "A": "os", "G": "os", "HOME": "/root"}
    honcho = subprocess.run(
        [sys.executable, "-m", "honcho", "start", "--no-prefix", "--no-colour"],
        cwd=folder, env=environ, capture_output=True, text=True, check=True,
    )  # fmt: skip
    [printed] = [line for line in honcho.stdout.splitlines() if line.startswith("{")]
    spec = only(load_project(folder, environ))
    ours = subprocess.run(
        spec.command, shell=True, cwd=spec.cwd, env=spec.env, capture_output=True, text=True, check=True
    )
    added = {"PORT", "HONCHO_PROCESS_NAME", "PYTHONUNBUFFERED"}  # by honcho; homeport's supervisor adds its own
    expected = {name: value for name, value in json.loads(printed).items() if name not in added}
    assert json.loads(ours.stdout) == expected

"""What folders are taken for: the order, the words, the command, and what is said to be missing."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from homeport.app.detect import LOOKED_FOR, Detected, detect
from homeport.formats.homeport_toml import parse
from homeport.formats.project_file import AppTable
from homeport.formats.toml_render import render
from homeport.model.errors import HomeportError

BIN = "Scripts" if sys.platform == "win32" else "bin"
PYTHON = str(Path(".venv") / BIN / ("python.exe" if sys.platform == "win32" else "python"))


def everything(program: str) -> str | None:
    return f"/usr/bin/{program}"


def nothing(program: str) -> str | None:
    return None


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "My Shop"
    path.mkdir()
    return path


def put(folder: Path, name: str, text: str = "") -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def with_virtual_environment(folder: Path, *packages: str) -> None:
    put(folder, PYTHON)
    for package in packages:
        put(folder, f".venv/lib/python3.12/site-packages/{package}/__init__.py")


def only_app(found: Detected) -> AppTable:
    [app] = found.file.apps.values()
    return app


FASTAPI = "from fastapi import FastAPI\napp = FastAPI()\n"
SOURCES = {
    "Procfile": "web: node .\nWorker_1: node worker.js\n",
    "package.json": '{"scripts": {"dev": "vite"}}',
    "manage.py": "import django",
    "main.py": FASTAPI,
    "index.html": "<!doctype html>",
    "public/index.html": "<!doctype html>",
    "dist/index.html": "<!doctype html>",
}


@pytest.mark.parametrize("first", range(len(SOURCES)))
def test_the_order(folder: Path, first: int) -> None:
    for name in list(SOURCES)[first:]:
        put(folder, name, SOURCES[name])
    assert detect(folder, everything).source == list(SOURCES)[first]


@pytest.mark.parametrize("source", SOURCES)
def test_what_init_writes_for_it_reads_back(folder: Path, source: str) -> None:
    put(folder, source, SOURCES[source])
    found = detect(folder, everything)
    assert parse(render(found.file)) == found.file
    assert found.words.startswith(source)


def test_nothing_to_run_lists_what_was_looked_for(folder: Path) -> None:
    put(folder, "package.json", '{"scripts": {"build": "tsc"}}')
    with pytest.raises(HomeportError) as raised:
        detect(folder, everything)
    assert raised.value.code == "nothing-to-run"
    assert all(each in raised.value.message for each in LOOKED_FOR)
    assert "package.json has no dev or start script" in raised.value.message
    assert "homeport run -- CMD" in raised.value.hint
    assert "homeport serve ." in raised.value.hint


def test_a_procfile_gives_an_app_for_each_process(folder: Path) -> None:
    put(folder, "Procfile", "web: node . $PORT\n\nWorker_1: node worker.js\nbroken\n")
    found = detect(folder, everything)
    assert found.file.apps == {
        "web": AppTable(run="node . $PORT"),
        "worker-1": AppTable(run="node worker.js", listens="maybe"),
    }
    assert found.words == "Procfile has 2 processes: web, worker-1"
    assert found.notices == [
        "Procfile:4: ignored, as honcho and foreman do: it is not NAME: COMMAND",
        'Procfile: Worker_1 is called "worker-1" here, because its name is part of a URL',
    ]


def test_processes_that_would_share_a_route_are_a_mistake(folder: Path) -> None:
    put(folder, "Procfile", "a_b: x\na-b: y\n")
    with pytest.raises(HomeportError, match='the route "a-b"'):
        detect(folder, everything)


def test_an_empty_procfile_is_told_and_passed_over(folder: Path) -> None:
    put(folder, "Procfile", "# nothing yet\n")
    put(folder, "index.html")
    found = detect(folder, everything)
    assert (found.source, found.notices) == ("index.html", ["Procfile has no process in it"])


@pytest.mark.parametrize(
    ("files", "field", "manager"),
    [
        ([], "", "npm"),
        ([], "pnpm@9.0.0", "pnpm"),
        (["package-lock.json"], "", "npm"),
        (["pnpm-lock.yaml"], "", "pnpm"),
        (["yarn.lock"], "yarn@4", "yarn"),
        (["bun.lockb"], "", "bun"),
        (["package-lock.json", "yarn.lock"], "yarn@4", "yarn"),
        (["package-lock.json", "yarn.lock"], "", "npm"),
        (["yarn.lock"], "npm@10", "yarn"),
    ],
)
def test_the_package_manager(folder: Path, files: list[str], field: str, manager: str) -> None:
    put(folder, "package.json", f'{{"scripts": {{"start": "x"}}, "packageManager": "{field}"}}')
    for file in files:
        put(folder, file)
    found = detect(folder, everything)
    assert only_app(found).run == f"{manager} run start"
    assert found.words == f"package.json has a start script: {manager} run start"


def test_a_workspace_keeps_its_lock_file_and_modules_at_the_top(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "node_modules").mkdir()
    put(tmp_path, "pnpm-lock.yaml")
    put(tmp_path, "packages/web/package.json", '{"scripts": {"dev": "vite"}, "dependencies": {"vite": "6"}}')
    found = detect(tmp_path / "packages" / "web", everything)
    assert only_app(found).run == "pnpm run dev"
    assert found.notices == []


def test_outside_of_a_repository_nobody_elses_lock_file_counts(tmp_path: Path) -> None:
    put(tmp_path, "yarn.lock")
    put(tmp_path, "web/package.json", '{"scripts": {"dev": "vite"}}')
    assert only_app(detect(tmp_path / "web", everything)).run == "npm run dev"


def test_missing_modules_and_managers_are_told(folder: Path) -> None:
    put(folder, "package.json", '{"name": "@acme/web", "scripts": {"dev": "vite"}, "dependencies": {"vite": "6"}}')
    found = detect(folder, everything)
    assert found.notices == ["node_modules is missing: run `npm install` first"]
    assert list(found.file.apps) == ["web"]
    put(folder, "pnpm-lock.yaml")
    assert detect(folder, nothing).notices == ["pnpm is not installed here: npm install --global pnpm"]


def test_a_second_app_beside_the_package_is_told(folder: Path) -> None:
    put(folder, "package.json", SOURCES["package.json"])
    put(folder, "main.py", FASTAPI)
    [notice] = detect(folder, everything).notices
    assert notice == "main.py looks like an app too: after `homeport init`, homeport.toml can run both"


def test_django_runs_in_the_projects_own_environment(folder: Path) -> None:
    put(folder, "manage.py", "from django.core.management import execute_from_command_line")
    with_virtual_environment(folder, "django")
    found = detect(folder, nothing)
    assert only_app(found).run == f"{PYTHON} manage.py runserver {{host}}:{{port}}"
    assert list(found.file.apps) == ["my-shop"]
    assert found.notices == []


def test_a_manage_py_of_something_else_is_not_djangos(folder: Path) -> None:
    put(folder, "manage.py", "print('backup')")
    with pytest.raises(HomeportError, match="nothing that homeport knows"):
        detect(folder, everything)


@pytest.mark.parametrize(
    ("file", "source", "command"),
    [
        ("main.py", FASTAPI, "uvicorn main:app --host {host} --port {port} --reload"),
        ("app/main.py", FASTAPI, "uvicorn app.main:app --host {host} --port {port} --reload"),
        (
            "asgi.py",
            "from quart import Quart\ndef create_app():\n  return Quart('x')",
            "uvicorn asgi:create_app --factory --host {host} --port {port} --reload",
        ),
        (
            "app.py",
            "import flask\napp = flask.Flask('x')",
            "flask --app app:app run --host {host} --port {port} --reload",
        ),
        ("app.py", "import bottle\napp = bottle.Bottle()", "bottle --bind {host}:{port} --reload app:app"),
        (
            "wsgi.py",
            "def application(environ, start_response): ...",
            "gunicorn --bind {host}:{port} --reload wsgi:application",
        ),
        (
            "app.py",
            "import falcon\ndef create_app():\n  return falcon.App()",
            'gunicorn --bind {host}:{port} --reload "app:create_app()"',
        ),
    ],
)
def test_python_applications(folder: Path, file: str, source: str, command: str) -> None:
    put(folder, file, source)
    with_virtual_environment(folder, "uvicorn", "flask", "bottle", "gunicorn")
    found = detect(folder, nothing)
    assert only_app(found).run == f"{PYTHON} -m {command}"
    assert found.source == file
    assert found.notices == []


def test_plain_wsgi_takes_the_server_that_is_there(folder: Path) -> None:
    put(folder, "app.py", "def app(environ, start_response): ...")
    with_virtual_environment(folder, "waitress")
    assert only_app(detect(folder, nothing)).run == f"{PYTHON} -m waitress --listen {{host}}:{{port}} app:app"


def test_an_application_is_read_and_never_imported(folder: Path) -> None:
    put(folder, "app.py", "raise SystemExit('imported')\n")
    put(folder, "main.py", f"open('touched', 'w')\n{FASTAPI}")
    assert detect(folder, everything).source == "main.py"
    assert not (folder / "touched").exists()


@pytest.mark.parametrize(
    ("files", "packages", "notice"),
    [
        ([], None, "uvicorn does not seem to be installed here: python3 -m venv .venv, then "),
        (["uv.lock"], None, "uvicorn does not seem to be installed here: uv sync"),
        (["uv.lock"], (), "uvicorn does not seem to be installed in .venv: uv add --dev uvicorn"),
        (["poetry.lock"], None, "uvicorn does not seem to be installed here: poetry install"),
        ([], (), "uvicorn does not seem to be installed in .venv: uv pip install uvicorn"),
        ([], ("pip",), f"uvicorn does not seem to be installed in .venv: {PYTHON} -m pip install uvicorn"),
    ],
)
def test_how_to_install_a_missing_server(
    folder: Path, files: list[str], packages: tuple[str, ...] | None, notice: str
) -> None:
    put(folder, "main.py", FASTAPI)
    for file in files:
        put(folder, file)
    if packages is not None:
        with_virtual_environment(folder, *packages)
    [found] = detect(folder, nothing).notices
    assert found.startswith(notice)


def test_a_broken_file_is_a_mistake_and_not_passed_over(folder: Path) -> None:
    put(folder, "index.html")
    (folder / "Procfile").write_bytes(b"web: x\n\xff: y\n")
    with pytest.raises(HomeportError) as raised:
        detect(folder, everything)
    assert raised.value.message == "Procfile:2: is not UTF-8 text"


@pytest.mark.skipif(sys.platform == "win32", reason="links to a virtual environment take POSIX")
def test_the_detected_command_serves_a_real_application(folder: Path) -> None:
    put(
        folder,
        "main.py",
        "from starlette.applications import Starlette\n"
        "from starlette.responses import PlainTextResponse\n"
        "from starlette.routing import Route\n"
        "app = Starlette(routes=[Route('/', lambda request: PlainTextResponse('ahoy'))])\n",
    )
    (folder / ".venv").symlink_to(sys.prefix, target_is_directory=True)
    found = detect(folder, nothing)
    assert found.notices == []
    with socket.socket() as hold:  # as a lease holds it: nobody else can listen there
        hold.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        hold.bind(("127.0.0.1", 0))
        port = hold.getsockname()[1]
        command = str(only_app(found).run).replace("{host}", "127.0.0.1").replace("{port}", str(port))
        with subprocess.Popen(
            command, shell=True, cwd=folder, stderr=subprocess.PIPE, start_new_session=True
        ) as process:
            try:
                assert process.stderr is not None
                assert any(b"startup complete" in line for line in process.stderr)
                with socket.socket() as client:  # uvicorn says so before it listens
                    while client.connect_ex(("127.0.0.1", port)):
                        assert process.poll() is None
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
                    assert answer.read() == b"ahoy"
            finally:
                os.killpg(process.pid, signal.SIGTERM)

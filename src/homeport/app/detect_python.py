"""How a Python project is served in development: Django's manage.py, or a server for its ASGI or WSGI application.

It prefers the project's own virtual environment, looks into its site-packages to tell what is missing, and never runs
an interpreter.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from homeport.app.read_text import read_text
from homeport.formats.python_app import PythonApp, find_python_app
from homeport.model.errors import HomeportError

Which = Callable[[str], str | None]  # the path of a program, or None when it is not installed

VIRTUAL_ENVIRONMENTS = (".venv", "venv")
MODULES = {  # where an application is looked for, and how it is imported from the project's folder
    "app.py": "app",
    "main.py": "main",
    "asgi.py": "asgi",
    "wsgi.py": "wsgi",
    "app/main.py": "app.main",
    "app/__init__.py": "app",
}
PROGRAMS = {"django": "django-admin"}  # the program that a package installs, where it is called otherwise


class PythonServer(NamedTuple):
    """A command and why it was chosen."""

    source: str
    words: str
    command: str


class Python(NamedTuple):
    """An interpreter as a command line in the project's folder names it; `environment` is None outside of one."""

    command: str
    environment: Path | None
    which: Which

    def has(self, package: str) -> bool:
        """Whether a package seems to be installed: a guess, good enough for a notice."""
        if self.environment is None:
            return self.which(PROGRAMS.get(package, package)) is not None
        places = [*self.environment.glob("lib/python*/site-packages"), self.environment / "Lib" / "site-packages"]
        return any((place / package).is_dir() or (place / f"{package}.py").is_file() for place in places)


def find_python(folder: Path, which: Which) -> Python:
    """The project's own interpreter, else the one on PATH."""
    inside = Path("Scripts/python.exe") if sys.platform == "win32" else Path("bin/python")
    for name in VIRTUAL_ENVIRONMENTS:
        if (folder / name / inside).is_file():
            return Python(str(Path(name) / inside), folder / name, which)
    names = ("python", "py") if sys.platform == "win32" else ("python3", "python")
    return Python(next(filter(which, names), names[0]), None, which)


def detect_django(folder: Path, which: Which, notices: list[str]) -> PythonServer | None:
    path = folder / "manage.py"
    if not path.is_file() or "django" not in _source(path, "manage.py"):
        return None
    python = find_python(folder, which)
    _notice_missing(python, "django", folder, notices)
    command = f"{python.command} manage.py runserver {{host}}:{{port}}"
    return PythonServer("manage.py", f"manage.py is Django's: {command}", command)


def detect_python_app(folder: Path, which: Which, notices: list[str]) -> PythonServer | None:
    for file, module in MODULES.items():
        path = folder / file
        app = find_python_app(_source(path, file)) if path.is_file() else None
        if app is None:
            continue
        python = find_python(folder, which)
        server = choose_server(app, python)
        _notice_missing(python, server, folder, notices)
        command = f"{python.command} -m {server} {arguments(server, app, module)}"
        makes = "makes" if app.factory else "has"
        return PythonServer(file, f"{file} {makes} a {app.framework} application: {command}", command)
    return None


def choose_server(app: PythonApp, python: Python) -> str:
    """The package to run with `python -m`. Plain WSGI takes whichever server is installed."""
    if app.interface == "asgi":
        return "uvicorn"
    if app.framework == "Flask" or (app.framework == "Bottle" and not app.factory):
        return app.framework.lower()
    portable = "waitress" if sys.platform == "win32" else "gunicorn"
    return next((server for server in ("gunicorn", "waitress") if python.has(server)), portable)


def arguments(server: str, app: PythonApp, module: str) -> str:
    """What follows `python -m SERVER`; {host} and {port} are replaced when it starts."""
    target = f"{module}:{app.name}"
    if server == "uvicorn":
        return f"{target} {'--factory ' if app.factory else ''}--host {{host}} --port {{port}} --reload"
    if server == "flask":
        return f"--app {target} run --host {{host}} --port {{port}} --reload"
    if server == "bottle":
        return f"--bind {{host}}:{{port}} --reload {target}"
    if server == "waitress":
        return f"--listen {{host}}:{{port}} {'--call ' if app.factory else ''}{target}"
    return f"--bind {{host}}:{{port}} --reload {_called(target) if app.factory else target}"


def _called(target: str) -> str:
    return f'"{target}()"'  # gunicorn calls it; the quotes are for the shell


def _notice_missing(python: Python, package: str, folder: Path, notices: list[str]) -> None:
    if python.has(package):
        return
    place = f"in {python.environment.name}" if python.environment else "here"
    notices.append(f"{package} does not seem to be installed {place}: {_how_to_install(python, package, folder)}")


def _how_to_install(python: Python, package: str, folder: Path) -> str:
    """The project's own tool, where a lock file names one."""
    if (folder / "uv.lock").is_file():
        return "uv sync" if python.environment is None else f"uv add --dev {package}"
    if (folder / "poetry.lock").is_file():
        return "poetry install" if python.environment is None else f"poetry add --group dev {package}"
    if python.environment is None:
        environment = VIRTUAL_ENVIRONMENTS[0]
        inside = rf"{environment}\Scripts\python" if sys.platform == "win32" else f"{environment}/bin/python"
        listed = " -r requirements.txt" if (folder / "requirements.txt").is_file() else ""
        return f"{python.command} -m venv {environment}, then {inside} -m pip install{listed} {package}"
    return f"{python.command} -m pip install {package}" if python.has("pip") else f"uv pip install {package}"


def _source(path: Path, shown: str) -> str:
    """Source in another encoding than UTF-8 is rare, and no reason to stop."""
    try:
        return read_text(path, shown)
    except HomeportError:
        return ""

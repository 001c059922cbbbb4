"""What a folder without a homeport.toml can run, in the order of LOOKED_FOR, and why, in words.

It looks at files and never runs, imports or installs anything. A route follows its app, so a dev server that ignores
PORT (Vite) is started as its script says, with nothing appended.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec

from homeport.app.detect_python import Which, detect_django, detect_python_app
from homeport.app.read_text import read_text
from homeport.formats.package_json import LOCK_FILES, Package, parse_package
from homeport.formats.procfile import parse_procfile
from homeport.formats.project_file import AppTable, ProjectFile
from homeport.model.errors import HomeportError
from homeport.model.name import slug

LOOKED_FOR = (
    "homeport.toml (here and in the folders above)",
    "Procfile",
    "package.json with a dev or start script",
    "manage.py of Django",
    "app.py, main.py, asgi.py or wsgi.py with an ASGI or WSGI application",
    "index.html (here, in public/ or in dist/)",
)
STATIC_FOLDERS = (".", "public", "dist")


class Detected(msgspec.Struct, frozen=True, kw_only=True):
    """`words` say what was seen and what it leads to: "package.json has a dev script: npm run dev"."""

    source: str  # the file that told: "Procfile", "package.json", "main.py"
    words: str
    file: ProjectFile  # what homeport.toml would say
    notices: list[str]


def detect(folder: Path, which: Which, procfile: str = "Procfile") -> Detected:
    """Raises HomeportError: "nothing-to-run", or "bad-config" for a file that cannot be read."""
    notices: list[str] = []
    for look in (partial(_procfile, procfile), _package, _django, _python_app, _static):
        if found := look(folder, which, notices):
            source, words, apps = found
            return Detected(source=source, words=words, file=ProjectFile(apps=apps), notices=notices)
    looked = "; ".join(LOOKED_FOR)
    message = f"{folder} holds nothing that homeport knows how to run; looked for: {looked}"
    raise HomeportError(
        "nothing-to-run",
        "\n".join([message, *notices]),
        "homeport run -- CMD for any command, homeport serve . for files",
    )


Found = tuple[str, str, dict[str, AppTable]]


def _procfile(file: str, folder: Path, which: Which, notices: list[str]) -> Found | None:
    if not (folder / file).is_file():
        return None
    processes, dropped = parse_procfile(read_text(folder / file, file), file)
    notices += [f"{file}:{line}: ignored, as honcho and foreman do: {why}" for line, why in dropped]
    apps: dict[str, AppTable] = {}
    for process, command in processes.items():
        name = slug(process)
        if name in apps:
            raise HomeportError("bad-config", f'{file}: {process} and another process would both be the route "{name}"')
        if name != process:
            notices.append(f'{file}: {process} is called "{name}" here, because its name is part of a URL')
        # By convention only `web` takes requests; whether the others are workers nobody says.
        apps[name] = AppTable(run=command, listens="yes" if name == "web" else "maybe")
    if not apps:
        notices.append(f"{file} has no process in it")
        return None
    return file, f"{file} has {len(apps)} process{'es' * (len(apps) > 1)}: {', '.join(apps)}", apps


def _package(folder: Path, which: Which, notices: list[str]) -> Found | None:
    path = folder / "package.json"
    if not path.is_file():
        return None
    package = parse_package(read_text(path, "package.json"))
    if not package.script:
        notices.append("package.json has no dev or start script")
        return None
    manager = package_manager(folder, package)
    if not which(manager):
        notices.append(f"{manager} is not installed here: {_how_to_install(manager)}")
    elif package.has_dependencies and not _has_modules(folder):
        notices.append(f"node_modules is missing: run `{manager} install` first")
    command = f"{manager} run {package.script}"
    if other := detect_django(folder, which, []) or detect_python_app(folder, which, []):
        notices.append(f"{other.source} looks like an app too: after `homeport init`, homeport.toml can run both")
    name = slug(package.name or folder.name)
    return "package.json", f"package.json has a {package.script} script: {command}", {name: AppTable(run=command)}


def package_manager(folder: Path, package: Package) -> str:
    """Whose lock file is nearest; between several in one folder, and without any, the packageManager field decides."""
    for place in _up_to_repository(folder):
        managers = {manager for file, manager in LOCK_FILES.items() if (place / file).is_file()}
        if package.manager in managers:
            return package.manager
        if managers:
            return min(managers, key=list(LOCK_FILES.values()).index)
    return package.manager or "npm"


def _has_modules(folder: Path) -> bool:
    """A workspace keeps them further up; Yarn's Plug'n'Play keeps a .pnp.cjs instead."""
    return any((place / file).exists() for place in _up_to_repository(folder) for file in ("node_modules", ".pnp.cjs"))


def _up_to_repository(folder: Path) -> Iterator[Path]:
    """The folder and those above it inside its git repository; outside of one, the folder alone."""
    places = [folder, *folder.parents]
    root = next((position for position, place in enumerate(places) if os.path.exists(place / ".git")), 0)
    yield from places[: root + 1]


def _how_to_install(manager: str) -> str:
    if manager == "npm":
        return "it comes with Node.js, https://nodejs.org"
    return f"npm install --global {manager}"


def _django(folder: Path, which: Which, notices: list[str]) -> Found | None:
    found = detect_django(folder, which, notices)
    return found and ("manage.py", found.words, {slug(folder.name): AppTable(run=found.command)})


def _python_app(folder: Path, which: Which, notices: list[str]) -> Found | None:
    found = detect_python_app(folder, which, notices)
    return found and (found.source, found.words, {slug(folder.name): AppTable(run=found.command)})


def _static(folder: Path, which: Which, notices: list[str]) -> Found | None:
    for name in STATIC_FOLDERS:
        if (folder / name / "index.html").is_file():
            index = (Path(name) / "index.html").as_posix()
            return index, f"{index} is there: serving {name}", {slug(folder.name): AppTable(serve=name)}
    return None

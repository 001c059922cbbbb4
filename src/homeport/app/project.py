"""A project made ready to start: a folder and an environment in, the AppSpecs and RouteSpecs of `homeport up` out.

Its homeport.toml may stand in the folder or above it; without one, the folder is detected. It starts nothing and
writes nothing. The rules for the default app, `.env` and the choice of apps are in docs/homeport-toml.md.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import msgspec

from homeport.app.detect import detect
from homeport.app.project_env import EnvFiles
from homeport.app.read_text import read_text
from homeport.formats.homeport_toml import FILE_NAME, Mistakes, parse
from homeport.formats.project_file import AppTable, ProjectFile
from homeport.formats.toml_lines import key_lines
from homeport.formats.toml_values import nearest
from homeport.model.app import AppSpec, Serve
from homeport.model.errors import HomeportError
from homeport.model.name import slug
from homeport.model.route import RouteSpec

GitBranch = Callable[[str], str]  # folder -> slug of the branch of a worktree other than the main one, else ""
# Kind ("nginx", "apache"), what to serve, folder of the project, name of the app -> the command that serves it.
ServeWith = Callable[[str, Serve, str, str], str | list[str]]

USUAL_DEFAULTS = ("web", "app", "frontend")


class Project(msgspec.Struct, frozen=True, kw_only=True):
    """`notices` are sentences that are not errors. `file` is what homeport.toml says or, if detected, would say."""

    name: str
    folder: str  # absolute: where homeport.toml stands, or the folder that was detected
    source: str  # "homeport.toml", "Procfile", "package.json" …
    words: str  # where the apps come from, for the user
    file: ProjectFile
    specs: list[AppSpec]
    routes: list[RouteSpec]
    notices: list[str]


def no_branch(folder: str) -> str:
    """The GitBranch of someone without git."""
    return ""


def no_server(kind: str, serve: Serve, folder: str, name: str) -> str | list[str]:
    """The ServeWith of a build without web servers."""
    raise HomeportError("unsupported", f"{name}: serving with {kind} is not available here")


def load_project(
    folder: Path | str,
    environ: Mapping[str, str],
    names: Sequence[str] = (),
    *,
    git_branch: GitBranch = no_branch,
    serve_with: ServeWith = no_server,
) -> Project:
    """All apps and routes of a project, or the named ones with the apps that they need.

    Raises HomeportError: "bad-config", "nothing-to-run", "not-found" for a name.
    """
    notices: list[str] = []
    start = Path(folder).absolute()
    root = find_root(start, notices) or start
    env = EnvFiles(root, environ, notices)
    if (root / FILE_NAME).is_file():
        shown = os.path.relpath(root / FILE_NAME, start)
        text = read_text(root / FILE_NAME, shown)
        source, words, file = FILE_NAME, f"{shown} says what to run", parse(text, shown)
        mistakes = Mistakes(shown, key_lines(text))
        if not file.apps and not file.routes:
            raise HomeportError("nothing-to-run", f"{shown} has no app and no route in it", "homeport run -- CMD")
    else:
        procfile = env.environment(None, {}).get("PROCFILE", "Procfile")  # as in honcho
        detected = detect(root, partial(shutil.which, path=environ.get("PATH")), procfile)
        source, words, file = detected.source, detected.words, detected.file
        notices += detected.notices
        mistakes = Mistakes(source, {(): 1})
    names = [slug(name) if slug(name) in file.apps else name for name in names]  # a Procfile's Web_1 is web-1
    chosen = choose(file, names)
    branch = git_branch(str(root))
    maker = _SpecMaker(root, file, branch, env, serve_with, mistakes)
    specs = [maker.spec(name) for name in file.apps if name in chosen]
    mistakes.raise_if_any()
    return Project(
        name=maker.project,
        folder=str(root),
        source=source,
        words=words,
        file=file,
        specs=specs,
        routes=[_route(name, file, str(root), branch) for name in file.routes if not names or name in names],
        notices=notices,
    )


def find_root(folder: Path, notices: list[str]) -> Path | None:
    """The nearest folder, upwards, with a homeport.toml. One that a stranger put above us is not run, and told."""
    for place in (folder, *folder.parents):
        if not os.path.isfile(place / FILE_NAME):  # unlike Path's, false where we may not look
            continue
        if place == folder or _is_trusted(place / FILE_NAME, folder):
            return place
        notices.append(f"{place / FILE_NAME} is not used: it belongs to another user")
    return None


def _is_trusted(file: Path, folder: Path) -> bool:
    """Ours, root's, or of whoever owns the folder that we work in (a mounted project in a container)."""
    if not hasattr(os, "getuid"):
        return True
    return file.stat().st_uid in (os.getuid(), 0, folder.stat().st_uid)


def choose(file: ProjectFile, names: Sequence[str]) -> set[str]:
    """The named apps and, step by step, what they need; all apps when none is named."""
    known = [*file.apps, *file.routes]
    for name in names:
        if name not in known:
            near = nearest(name, known)
            hint = f"did you mean {near}? homeport up {near}" if near else f"there are {', '.join(known)}"
            raise HomeportError("not-found", f"no app or route of this project is called {name!r}", hint)
    chosen: set[str] = set()
    pending = [name for name in names or file.apps if name in file.apps]
    while pending:
        name = pending.pop()
        if name not in chosen:
            chosen.add(name)
            pending += file.apps[name].needs
    return chosen


def default_app(file: ProjectFile) -> str:
    """The app on the plain address, the same whichever apps are started; "" when a route has been given it."""
    explicit = [name for name, app in file.apps.items() if app.default]
    if explicit or any(route.default for route in file.routes.values()):
        return explicit[0] if explicit else ""
    usual = [name for name in USUAL_DEFAULTS if name in file.apps]
    return next(iter([*usual, *file.apps]), "")


def _route(name: str, file: ProjectFile, folder: str, branch: str) -> RouteSpec:
    """A worktree has routes of its own too: without its branch the second one would find the name taken."""
    table = file.routes[name]
    verify = table.verify if table.verify in ("", "off") else os.path.join(folder, table.verify)
    client_ca = os.path.join(folder, table.client_ca) if table.client_ca else ""
    full_name = f"{branch}.{name}" if branch else name
    return RouteSpec(
        name=full_name,
        target=table.target,
        listen=table.listen,
        default=table.default,
        https=table.https,
        h2=table.h2,
        access=table.access,
        cross_site=table.cross_site,
        tls=table.tls,
        client_ca=client_ca,
        verify=verify,
        conditions=_conditions(table.conditions, file),
        subdomains=table.subdomains,
    )


def _conditions(text: str, file: ProjectFile) -> str:
    """With the project's own profiles replaced by what they mean: the engine does not know them."""
    if not text:
        return ""
    from homeport.conditions.text import expanded

    return expanded(text, file.profiles)


class _SpecMaker:
    """Makes AppSpecs of one project; what does not fit the folder goes to `mistakes`."""

    def __init__(
        self, root: Path, file: ProjectFile, branch: str, env: EnvFiles, serve_with: ServeWith, mistakes: Mistakes
    ) -> None:
        self.project = file.name or slug(root.name, "project")
        self._root = root
        self._file = file
        self._branch = branch
        self._serve_with = serve_with
        self._mistakes = mistakes
        self._env = env
        self._default = default_app(file)

    def spec(self, name: str) -> AppSpec:
        app = self._file.apps[name]
        serve = Serve(
            directory=self._folder(name, "serve", app.serve), spa=app.spa, reload=app.reload, listing=app.listing
        )
        is_builtin = bool(app.serve) and app.server == "builtin"
        command = app.run
        if app.serve and not is_builtin and os.path.isdir(serve.directory):
            command = self._serve_with(app.server, serve, str(self._root), name)
        return AppSpec(
            name=name,
            project=self.project,
            folder=str(self._root),
            command=command,
            serve=serve if is_builtin else None,
            cwd=self._folder(name, "cwd", app.cwd),
            env={} if is_builtin else self._environment(name, app),
            host=app.host,
            port=app.port,
            port_env=app.port_env,
            ports=app.ports,
            socket=app.socket,
            listens=app.listens,
            ready=app.ready,
            ready_timeout_s=app.ready_timeout_s,
            needs=app.needs,
            restart=app.restart,
            stop_timeout_s=app.stop_timeout_s,
            start=app.start,
            idle_stop_s=app.idle_stop_s,
            default=name == self._default,
            https=app.https,
            h2=app.h2,
            access=app.access,
            cross_site=app.cross_site,
            conditions=_conditions(app.conditions, self._file),
            subdomains=app.subdomains,
            branch=self._branch,
        )

    def _folder(self, name: str, key: str, written: str) -> str:
        """Absolute; the project's own folder where nothing is written."""
        place = Path(os.path.normpath(self._root / written))
        if not place.is_dir():
            what = "is not a folder" if place.exists() else "does not exist"
            self._mistakes.add(("apps", name, key), f"{place} {what}")
        return str(place)

    def _environment(self, name: str, app: AppTable) -> dict[str, str]:
        missing = self._env.missing(app.env_file)
        for file in missing:
            self._mistakes.add(("apps", name, "env_file"), f"{self._root / file} does not exist")
        return self._env.environment(app.env_file, app.env) if not missing else {}

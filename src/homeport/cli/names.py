"""Which app is meant by a name: the route itself, or the short name of an app of this folder's project.

Pure lookups in a list of states. Errors name the nearest.
"""

from __future__ import annotations

import difflib
from pathlib import Path

from homeport.model.app import AppState
from homeport.model.errors import HomeportError


def find_app(name: str, apps: list[AppState], folder: Path) -> AppState:
    """Raises HomeportError("not-found"), or "bad-usage" where several could be meant."""
    if exact := [app for app in apps if app.route == name]:
        return exact[0]
    matching = [app for app in apps if app.name == name]
    here = of_folder(matching, folder)
    if len(here) == 1 or len(matching) == 1:
        return (here or matching)[0]
    if matching:
        choice = ", ".join(app.route for app in matching)
        raise HomeportError("bad-usage", f"several apps are called {name!r}", f"use one of {choice}")
    routes = [app.route for app in apps]
    near = difflib.get_close_matches(name, routes, 1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(routes)}" if routes else "homeport up"
    raise HomeportError("not-found", f"no app is called {name!r}", hint)


def of_folder(apps: list[AppState], folder: Path) -> list[AppState]:
    """The apps whose project's folder is this one or one above it: the nearest such project."""
    found = [app for app in apps if app.folder and folder.is_relative_to(app.folder)]
    deepest = max((len(Path(app.folder).parts) for app in found), default=0)
    return [app for app in found if len(Path(app.folder).parts) == deepest]

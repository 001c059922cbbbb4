"""What no single key of homeport.toml can tell: keys that contradict each other, and names that must fit together.

It hands every mistake to `report` with the path of its key, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from homeport.formats.project_file import AppTable, ProjectFile, RouteTable
from homeport.formats.toml_lines import Path
from homeport.formats.toml_values import did_you_mean

Report = Callable[[Path, str], None]

DIRECTORY_KEYS = ("with", "spa", "reload", "listing")  # mean something for `serve` alone
# A directory that homeport serves itself is no process: only these keys mean something for it.
BUILTIN_KEYS = (
    "serve",
    "needs",
    "start",
    "idle_stop",
    "default",
    "https",
    "access",
    "cross_site",
    "conditions",
    *DIRECTORY_KEYS,
)


def check_project(project: ProjectFile, written: Mapping[str, set[str]], report: Report) -> None:
    """`written` are the keys that stand in each app's table, to tell an unset key from its default."""
    for name, app in project.apps.items():
        _check_app(app, written[name], ("apps", name), report)
        _check_needs(name, project, report)
    for name, route in project.routes.items():
        _check_tls(route, ("routes", name), report)
    _check_cycles(project, report)
    _check_defaults(project, report)
    for name in project.apps.keys() & project.routes.keys():
        report(("routes", name), "an app has that name already")


def _check_app(app: AppTable, written: set[str], path: Path, report: Report) -> None:
    if "run" in written and "serve" in written:
        report((*path, "serve"), "an app has either run or serve, not both")
    elif "run" in written:
        for key in written & set(DIRECTORY_KEYS):
            report((*path, key), "means something only beside serve")
    elif "serve" not in written:
        report(path, "needs run (a command) or serve (a directory)")
    elif app.server == "builtin":
        for key in written - set(BUILTIN_KEYS):
            report((*path, key), "has no effect on a directory that homeport serves itself")
    elif app.reload:
        report((*path, "reload"), f"is not something that {app.server} does; leave out with")
    if app.idle_stop_s is not None and app.start != "on-request":
        report((*path, "idle_stop"), 'needs start = "on-request", or nothing would start the app again')
    for variable, key in ((app.port_env, "port"), ("HOST", "host")):
        if variable in app.env:
            report((*path, "env", variable), f"homeport sets this variable itself; use the key {key}")
    if app.port_env in app.ports:
        report((*path, "ports", app.port_env), "is already the name of the first port (port_env)")


def _check_needs(name: str, project: ProjectFile, report: Report) -> None:
    for position, needed in enumerate(project.apps[name].needs):
        if needed not in project.apps:
            report(("apps", name, "needs", position), f'no app is named "{needed}"{did_you_mean(needed, project.apps)}')


def _check_tls(route: RouteTable, path: Path, report: Report) -> None:
    if route.tls and route.target and not route.target.startswith("tcp:"):
        report((*path, "tls"), "means something only for a target that is tcp:")
    if route.client_ca and route.tls != "terminate":
        report((*path, "client_ca"), 'needs tls = "terminate", or nobody is asked for a certificate')


def _check_cycles(project: ProjectFile, report: Report) -> None:
    """Walk depth first; an app met again on the way down closes a cycle, and each app is walked once."""
    done: set[str] = set()
    for first in project.apps:
        way = {} if first in done else {first: iter(project.apps[first].needs)}
        while way:
            name = next(reversed(way))
            needed = next(way[name], None)
            if needed is None:
                done.add(name)
                del way[name]
            elif needed in way:
                names = list(way)
                cycle = " needs ".join([*names[names.index(needed) :], needed])
                report(("apps", name, "needs"), f"{cycle}, so none of them could start first")
            elif needed in project.apps and needed not in done:
                way[needed] = iter(project.apps[needed].needs)


def _check_defaults(project: ProjectFile, report: Report) -> None:
    chosen: list[Path] = [("apps", name) for name, app in project.apps.items() if app.default]
    chosen += [("routes", name) for name, route in project.routes.items() if route.default]
    for path in chosen[1:]:
        report((*path, "default"), f'only one can answer on the plain address, and "{chosen[0][1]}" already does')

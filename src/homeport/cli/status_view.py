"""`homeport status` as text. It takes the API's JSON as it came (plain dicts): importing msgspec alone takes 50 ms.

Pure: a status in, lines out. Never asks the engine.
"""

from __future__ import annotations

from homeport.cli.table import Cell, Column
from homeport.cli.table import lines as table_lines
from homeport.cli.terminal import Paint
from homeport.cli.udp_view import udp_lines
from homeport.cli.words import clock, plural, size

TYPE_CHECKING = False  # see homeport.cli
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

ANYONE_LOCAL = "anyone-local"  # of homeport.model.access, whose import costs 50 ms

MARKS = {
    "ready": ("●", "green"),
    "idle": ("○", "cyan"),
    "waiting": ("◌", "yellow"),
    "starting": ("◌", "yellow"),
    "backoff": ("◌", "yellow"),
    "stopping": ("◌", "yellow"),
    "stopped": ("·", "dim"),
    "exited": ("·", "dim"),
    "failed": ("✗", "red"),
}

_APPS = [
    Column("APP"),
    Column("STATE"),
    Column("ADDRESS"),
    Column("PORT", right=True),
    Column("PID", right=True),
    Column("ACCESS"),
    Column("FOLDER", flexible=True),
]
_ROUTES = [
    Column("ROUTE"),
    Column("TARGET", flexible=True),
    Column("ADDRESS"),
    Column("ACCESS"),
    Column("VISITS", right=True),
]


def status_lines(status: Json, paint: Paint, width: int | None) -> list[str]:
    """Everything that runs: the door, the apps, the routes, and what is wrong with them."""
    engine = status.get("engine")
    if not engine:
        return ["nothing runs"]
    apps = status.get("apps") or []
    every = status.get("routes") or []
    routes = [route for route in every if route["kind"] not in ("app", "control")]
    access = {route["name"]: _access(route) for route in every}
    blocks = [
        [*_engine_lines(engine, paint), *_exposed_lines(every, paint)],
        table_lines(_APPS, [_app_row(app, access.get(app["route"], "")) for app in apps], paint, width) or ["no apps"],
        route_lines(routes, paint, width),
        [line for app in apps for line in trouble_lines(app, paint)],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block).split("\n")


def exposed_text(name: str, exposed: Json, paint: Paint) -> str:
    """Where other computers reach a route, and until when; red, because it should not be forgotten."""
    return f"{paint(name, 'bold')} is {paint('open to other computers', 'red')} at {_beyond(exposed, paint)}"


def _exposed_lines(routes: list[Json], paint: Paint) -> list[str]:
    found = [(route["name"], route["exposed"]) for route in routes if route.get("exposed")]
    return [f"{paint('exposed', 'red')}    {paint(name, 'bold')} at {_beyond(one, paint)}" for name, one in found]


def _beyond(exposed: Json, paint: Paint) -> str:
    ends = f", until {clock(exposed['ends'])}" if exposed.get("ends") else ""
    return f"{paint(exposed['url'], 'red', 'bold')} ({exposed['access']}){ends}"


def route_lines(routes: list[Json], paint: Paint, width: int | None) -> list[str]:
    table = table_lines(_ROUTES, [_route_row(route) for route in routes], paint, width)
    return table + [line for route in routes if route.get("udp") for line in udp_lines(route, paint)]


def trouble_lines(app: Json, paint: Paint) -> list[str]:
    """What is the matter with an app, as sentences: its finding, its notice, and whether others can reach it."""
    found = app.get("finding")
    lines = finding_lines(found, paint) if found else []
    if app.get("notice"):
        lines.append(f"{paint('notice:', 'yellow')} {app['notice']}")
    return lines


def finding_lines(finding: Json, paint: Paint) -> list[str]:
    what, why, following = finding["what"], finding.get("why", ""), finding.get("next", "")
    lines = [f"{paint('✗', 'red')} {what}"]
    if why:
        lines.append(f"  {why}")
    if following:
        lines.append(f"{paint('hint:', 'cyan')} {following}")
    return lines


def _engine_lines(engine: Json, paint: Paint) -> list[str]:
    recording = engine.get("recording") or {}
    recorded = f"{plural(recording.get('exchanges', 0), 'request')} ({size(recording.get('bytes', 0))})"
    if recording.get("lost"):
        # What is wrong now is a warning below; this may be long over.
        why = f" ({recording['lost_why']})" if recording.get("lost_why") and not recording.get("problem") else ""
        recorded += f", {paint(str(recording['lost']) + ' lost', 'red')}{why}"
    facts = [
        ("door", paint(engine.get("url") or ", ".join(engine.get("doors") or []), "bold")),
        ("dashboard", f"{engine.get('dashboard', '')}  (homeport open)"),
        ("engine", f"{engine['version']}, pid {engine['pid']}, since {clock(engine['started'])}"),
        ("recorded", recorded),
    ]
    lines = [f"{paint(name.ljust(9), 'dim')}  {value}" for name, value in facts]
    warnings = [*(engine.get("warnings") or []), *([recording["problem"]] if recording.get("problem") else [])]
    return lines + [f"{paint('warning', 'yellow')}    {warning}" for warning in warnings]


def _app_row(app: Json, access: str) -> list[Cell | str]:
    mark, colour = MARKS.get(app["state"], ("?", "dim"))
    word = app["state"]
    if app["state"] == "failed" and app.get("exit_code"):
        word += f" ({app['exit_code']})"
    return [
        Cell(app["route"], "bold"),
        Cell(f"{mark} {word}", colour),
        _address(app),
        _port(app),
        str(app.get("pid") or ""),
        access,
        Cell(_short_path(app.get("folder", "")), "dim"),
    ]


def _address(app: Json) -> str:
    """The plain address where the app has it: that is what the user types."""
    return str((app.get("urls") or [app.get("url", "")])[0] if app.get("default") else app.get("url", ""))


def _port(app: Json) -> str:
    """Where it really listens; the port that it was given while it listens nowhere."""
    port = app.get("address", "").rpartition(":")[2]
    return port if port.isdigit() else str(app.get("port") or "")


def _route_row(route: Json) -> list[Cell | str]:
    has_port = route["kind"] in ("tcp", "udp") and not route.get("tls")
    address = f"{route['listen']}" if has_port else route.get("url", "")
    return [
        Cell(route["name"], "bold"),
        route["target"] or route["kind"],
        address,
        _access(route),
        str(route.get("visits", 0)),
    ]


def _access(route: Json) -> str:
    """Who may use it, where not everybody may."""
    words = [route.get("access", ANYONE_LOCAL), "no other sites" if route.get("cross_site") == "deny" else ""]
    return ", ".join(word for word in words if word not in ("", ANYONE_LOCAL))


def _short_path(folder: str) -> str:
    from os.path import expanduser

    home = expanduser("~")
    return "~" + folder[len(home) :] if home != "/" and (folder + "/").startswith(home + "/") else folder

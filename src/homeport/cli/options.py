"""Options that several commands share, and how help looks. Accepted before and after the command's name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import rich_click as click

from homeport.cli.session import Session

# Command panels of `homeport --help`; the module of a command has its name.
PANELS: dict[str, list[str]] = {
    "Run": ["run", "up", "serve", "route", "init", "demo"],
    "See": ["status", "logs", "watch", "requests", "show", "open"],
    "Ports": ["doctor", "who", "ports", "free", "lease", "leases", "release"],
    "Play": ["echo", "connect", "net", "toxiproxy"],
    "Trust": ["trust", "untrust", "cert", "token", "password", "expose", "audit"],
    "Stop": ["restart", "stop", "down"],
    "More": ["engine", "completion", "version"],
}

HELP_CONFIG: dict[str, Any] = {
    "theme": "default-slim",
    "max_width": 100,
    "text_paragraph_linebreaks": "\n\n",
    "command_groups": {"homeport": [{"name": name, "commands": commands} for name, commands in PANELS.items()]},
    "options_table_help_sections": ["help", "required"],
}

Function = TypeVar("Function", bound=Callable[..., Any])
pass_session = click.make_pass_decorator(Session)


def command_options(*, json: bool = False, door: bool = False) -> Callable[[Function], Function]:
    """`--no-color` always, `--json` where the command answers, `--door` where it may start the engine."""

    def decorate(function: Function) -> Function:
        function = _option("--no-color", _set_no_colour, "Print without colour (as NO_COLOR=1 does).")(function)
        if door:
            function = _door_option(function)
        if json:
            function = _option("--json", _set_json, "Print data as JSON.")(function)
        return function

    return decorate


def launch_options(function: Function) -> Function:
    """What `run`, `up` and `serve` share: `detach` and `requests`."""
    function = click.option("--requests", is_flag=True, help="Show each request to it as one line.")(function)
    return click.option("-d", "--detach", is_flag=True, help="Return once it is ready; it goes on in the background.")(
        function
    )


def _option(name: str, callback: Callable[..., None], about: str) -> Callable[[Function], Function]:
    return click.option(name, is_flag=True, expose_value=False, callback=callback, help=about)


def _door_option(function: Function) -> Function:
    return click.option(
        "--door",
        metavar="HOST:PORT",
        expose_value=False,
        callback=_set_door,
        help="Where the door listens, if this starts the engine. [127.0.0.1:62893]",
    )(function)


def _set_json(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        ctx.ensure_object(Session).as_json = True


def _set_no_colour(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        ctx.color = False
        ctx.ensure_object(Session).terminal.no_colour = True


def _set_door(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    if value:
        from homeport.model.endpoint import parse_endpoint

        ctx.ensure_object(Session).door = str(parse_endpoint(value))

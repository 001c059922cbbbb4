"""The `homeport` command itself: which commands there are, each imported when it is used.

Shows help, finds the nearest name for a mistyped one, and does `up` where no command is given. Does nothing else.
"""

from __future__ import annotations

import difflib
from importlib import import_module
from typing import Any

import rich_click as click

from homeport.cli.failure import PipeGone
from homeport.cli.options import HELP_CONFIG, PANELS, command_options

COMMANDS = [name for names in PANELS.values() for name in names]


class LazyGroup(click.RichGroup):
    """Imports the module of a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return COMMANDS

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"homeport.cli.commands.{cmd_name}").command
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """`homeport -d` is `homeport up -d`."""
        try:
            return super().parse_args(ctx, list(args))
        except click.NoSuchOption:
            if any(word in COMMANDS for word in args):
                raise
            return super().parse_args(ctx, ["up", *args])

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = difflib.get_close_matches(args[0], COMMANDS, 1)
            hint = f"; did you mean `homeport {near[0]}`?" if near else ""
            raise click.UsageError(f"{args[0]!r} is not a command{hint}", ctx) from error

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise PipeGone from error  # rich-click would exit with 1 and print "Aborted" on some paths


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "rich_help_config": HELP_CONFIG},
)
@command_options(json=True, door=True)
@click.option("--version", "show_version", is_flag=True, help="Show the version and exit.")
@click.pass_context
def homeport(ctx: click.Context, show_version: bool) -> Any:
    """Everything a developer does with 127.0.0.1, behind one door.

    Your apps run on ports without conflicts, answer on http://127.0.0.1:62893 and
    http://NAME.localhost:62893, and every request is there to be seen.
    Without a command, homeport does what `homeport up` does.

    \b
    Examples:
      homeport run -- npm run dev     run a command behind the door
      homeport                        run the project in this folder
      homeport watch status:5xx       see failing requests as they pass
      homeport open                   open the dashboard in the browser
    """
    if ctx.invoked_subcommand is not None:
        return None
    if show_version:
        return ctx.invoke(import_module("homeport.cli.commands.version").command)
    return ctx.invoke(import_module("homeport.cli.commands.up").command)

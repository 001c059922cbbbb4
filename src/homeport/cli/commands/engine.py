"""`homeport engine`: the engine in the foreground."""

from __future__ import annotations

import os
import sys

import rich_click as click

from homeport.cli.options import command_options, pass_session
from homeport.cli.session import Session


@click.command("engine", short_help="Run the engine in the foreground")
@command_options(door=True)
@pass_session
def command(session: Session) -> int:
    """Run the engine in the foreground, for service managers, containers and CI.

    Everyday use needs no such thing: every command starts the engine when it is needed, and it
    ends when nothing needs it. In the foreground it stays until SIGTERM or Ctrl-C, and says on
    stderr what it does.

    \b
    Examples:
      homeport engine
      homeport engine --door 127.0.0.1:8000
    """
    if session.door:
        os.environ["HOMEPORT_DOOR"] = session.door
    return run_engine_process()


def run_engine_process() -> int:
    """Become the engine: the room that plugs the parts together lies above this one and is reached as a program."""
    words = [sys.executable, "-m", "homeport.build", "--foreground"]
    if sys.platform != "win32":
        os.execv(words[0], words)  # noqa: S606 - the same process id for whoever manages us
    import subprocess

    return subprocess.call(words)

"""`homeport version`."""

from __future__ import annotations

import platform
import sys

import rich_click as click

from homeport import __version__
from homeport.cli.options import command_options, pass_session
from homeport.cli.session import Session


@click.command("version", short_help="Show the version")
@command_options(json=True)
@pass_session
def command(session: Session) -> None:
    """Show the version of homeport.

    \b
    Examples:
      homeport version
      homeport version --json     with the versions of Python and of this system
    """
    if session.as_json:
        python = platform.python_version()
        session.json({"version": __version__, "python": python, "system": f"{sys.platform} {platform.release()}"})
    else:
        session.data(f"homeport {__version__}")

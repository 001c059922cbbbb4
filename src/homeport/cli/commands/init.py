"""`homeport init`: write down what `homeport up` would run."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import rich_click as click

from homeport.cli.options import command_options, pass_session
from homeport.cli.session import Session
from homeport.model.errors import HomeportError

if TYPE_CHECKING:
    from homeport.app.detect import Detected


@click.command("init", short_help="Write a homeport.toml for this folder")
@click.option("--force", is_flag=True, help="Write over a homeport.toml that exists.")
@click.option("--print", "only_print", is_flag=True, help="Print the file instead of writing it.")
@command_options(json=True)
@pass_session
def command(session: Session, force: bool, only_print: bool) -> None:
    """Write a homeport.toml for what this folder holds, to be changed as you like.

    \b
    Examples:
      homeport init
      homeport init --print
    """
    from homeport.formats.homeport_toml import FILE_NAME
    from homeport.formats.toml_render import render

    path = session.folder / FILE_NAME
    if path.exists() and not force and not only_print:
        raise HomeportError("bad-usage", f"there is a {FILE_NAME} here already", "homeport init --force, or --print")
    detected = _detect(session)
    text = render(detected.file)
    if only_print:
        session.data(text.rstrip("\n"))
        return
    path.write_text(text, encoding="utf-8")
    if session.as_json:
        session.json({"file": str(path), "source": detected.source, "apps": list(detected.file.apps)})
    else:
        session.say(f"{detected.words}\nwrote {FILE_NAME}; `homeport` runs it")


def _detect(session: Session) -> Detected:
    """What the folder holds, whatever a homeport.toml in it says."""
    from homeport.app.detect import detect

    detected = detect(session.folder, shutil.which)
    for notice in detected.notices:
        session.say_warning(notice)
    return detected

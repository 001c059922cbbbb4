"""The one edge where errors become sentences on stderr and an exit status.

A traceback goes to a file in the home, never to the user.
"""

from __future__ import annotations

import os
import time
import traceback

import click

from homeport.cli.terminal import Terminal
from homeport.model.errors import CODES, HomeportError

INTERRUPTED = 130  # 128 + SIGINT, as shells report it


class PipeGone(Exception):  # noqa: N818 - nobody made a mistake: the reader of our output has seen enough
    """stdout was closed by whoever read it."""


def report(error: BaseException, terminal: Terminal) -> int:
    """Say what went wrong; returns the exit status."""
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return INTERRUPTED
    if isinstance(error, HomeportError):
        say_error(terminal, error.message, error.hint)
        return error.exit_status
    if isinstance(error, click.ClickException):
        say_error(terminal, _sentence(error.format_message()), _usage_hint(error))
        return error.exit_code
    say_error(terminal, f"homeport made a mistake: {_short(error)}", f"please report it with {_keep_traceback(error)}")
    return CODES["internal"][0]


def say_error(terminal: Terminal, message: str, hint: str = "") -> None:
    paint = terminal.paint_talk
    # Several mistakes in one file come as several lines.
    terminal.say(f"{paint('error:', 'red', 'bold')} " + message.replace("\n", "\n       "))
    if hint:
        terminal.say(f"{paint('hint:', 'cyan')} {hint}")


def _sentence(text: str) -> str:
    """click's messages begin with a capital and end with a full stop; ours do neither."""
    text = text.rstrip(".")
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def _usage_hint(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"{context.command_path} --help" if context else ""


def _short(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _keep_traceback(error: BaseException) -> str:
    """Write the traceback into the home (0600, it may show paths and arguments); returns where it is, in words."""
    from homeport.machine.home import Home, private_file

    text = "".join(traceback.format_exception(error))
    try:
        home = Home.find()
        home.prepare()
        path = os.path.join(home.root, f"error-{time.strftime('%Y%m%d-%H%M%S')}.log")
        private_file(path, text.encode())
    except (HomeportError, OSError):
        return "what you typed; its traceback could not be written to the home"
    return path

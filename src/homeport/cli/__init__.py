"""The use cases in a terminal. `main` is the `homeport` command.

`version` and `status` are typed (and polled by prompts and scripts) all day: they are answered here without importing
click or msgspec, which together take longer than the answer; `who` without click. Everything else goes through `entry`.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # importing `typing` takes 15 ms, most of what `homeport version` may need
if TYPE_CHECKING:
    from typing import NoReturn

COMPLETE_VARIABLE = "_HOMEPORT_COMPLETE"  # click's name: set by the completion scripts


def main(argv: list[str] | None = None) -> NoReturn:
    """Run the command line and exit with its status."""
    words = sys.argv[1:] if argv is None else argv
    status = None if COMPLETE_VARIABLE in os.environ else _fast(words)
    if status is None:
        from homeport.cli.entry import run

        status = run(words)
    sys.exit(status)


def _fast(words: list[str]) -> int | None:
    """The exit status, where the words are one of the quick commands in a plain form; None: take the long way."""
    options = set(words[1:])
    try:
        if words in (["version"], ["--version"]):
            from homeport import __version__

            print(f"homeport {__version__}")
            return 0
        if words[:1] == ["status"] and options <= {"--json", "--no-color"}:
            from homeport.cli.quick import quick_status

            return quick_status(as_json="--json" in options, no_colour="--no-color" in options)
        if words[:1] == ["who"] and (places := [word for word in words[1:] if not word.startswith("-")]):
            return _who(places, {word for word in words[1:] if word.startswith("-")})
    except BrokenPipeError:
        return quiet_pipe()
    return None


def _who(places: list[str], options: set[str]) -> int | None:
    """None as well where something surprising happened: the long way says what."""
    if len(places) != 1 or not options <= {"--json", "--no-color"}:
        return None
    from homeport.cli.terminal import Terminal

    terminal = Terminal()
    terminal.no_colour = "--no-color" in options
    try:
        from homeport.cli.who import answer

        return answer(places[0], terminal, as_json="--json" in options)
    except BrokenPipeError:
        raise
    except Exception:  # whatever it was: the long way meets it again and reports it
        return None


def quiet_pipe() -> int:
    """Whoever read our output is gone: end without a word, with the status of a program ended by SIGPIPE (128 + 13)."""
    # The interpreter flushes stdout when it ends; that must not fail again.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 141

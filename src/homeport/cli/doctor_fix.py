"""`homeport doctor --fix`: show what would be done about a firewall, ask, do it, tell the undo."""

from __future__ import annotations

import os
import shlex
import sys
from typing import Any

import rich_click as click

from homeport.app.doctor import Report
from homeport.app.doctor_firewall import Fixed, blocked_endpoint, fix_firewall
from homeport.cli.doctor_view import exit_status
from homeport.cli.session import Session
from homeport.model.firewall import Deciding, Fix


def repair(session: Session, report: Report, *, is_agreed: bool) -> int:
    """Exit status 0 once the port is open, that of the doctor where a firewall was not the reason, else 2."""
    endpoint = blocked_endpoint(report)
    if endpoint is None:
        session.say("no firewall is in the way of this, so there is nothing to fix")
        if session.as_json:
            _print(session, report, None)
        return exit_status(report)
    fixed = fix_firewall(
        endpoint, lambda deciding, fix: _agreed(session, deciding, fix, is_agreed=is_agreed), os.environ
    )
    if session.as_json:
        _print(session, report, fixed)
    _tell(session, fixed)
    return 0 if fixed.is_open else 2


def fix_lines(deciding: Deciding, fix: Fix) -> list[str]:
    """What would be done, and how to take it back: commands stand as they can be pasted into a shell."""
    lines = [f"the rule: {deciding.rule}"] if deciding.rule else []
    lines += [fix.why] if fix.why else []
    lines += [f"  {_typed(words, fix.stdin)}" for words in fix.commands]
    for words in fix.undo:
        lines += ["to undo it later:", f"  {shlex.join(words)}"]
    return lines


def _typed(words: tuple[str, ...], stdin: str) -> str:
    """What a command reads is piped into it."""
    command = shlex.join(words)
    if not stdin:
        return command
    how = r"%s\n" if stdin.endswith("\n") else "%s"
    return f"printf '{how}' {shlex.quote(stdin.removesuffix(chr(10)))} | {command}"


def _agreed(session: Session, deciding: Deciding, fix: Fix, *, is_agreed: bool) -> bool:
    for line in fix_lines(deciding, fix):
        session.say(line)
    if is_agreed:
        return True
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        session.say("there is no terminal to ask on; --yes carries it out")
        return False
    answer: Any = click.confirm("carry it out?", default=False, err=True)
    return bool(answer)


def _tell(session: Session, fixed: Fixed) -> None:
    if fixed.is_open and fixed.done:
        session.say(f"{fixed.endpoint} is reached now; to undo it:")
        for words in fixed.undo:
            session.say(f"  {shlex.join(words)}")
    elif fixed.is_open:
        session.say(f"{fixed.endpoint} is reached; nothing was changed")
    else:
        session.say(f"not fixed: {fixed.problem}")


def _print(session: Session, report: Report, fixed: Fixed | None) -> None:
    import msgspec

    from homeport.model.fact import plain

    told = msgspec.to_builtins(report, enc_hook=plain)
    session.json({**told, "fixed": msgspec.to_builtins(fixed) if fixed else None})

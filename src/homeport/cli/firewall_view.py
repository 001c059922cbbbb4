"""`homeport doctor --trace` and `--fix` in a terminal: the rule that decides, the commands, the question, the undo."""

from __future__ import annotations

import shlex
import sys
from typing import Any

import rich_click as click

from homeport.cli.session import Session
from homeport.model.errors import HomeportError

TYPE_CHECKING = False  # see homeport.cli
if TYPE_CHECKING:
    from homeport.app.firewall import Fixed
    from homeport.model.endpoint import Endpoint
    from homeport.model.firewall import Deciding, Fix

OPEN, BLOCKED = 0, 2  # as homeport doctor ends: nothing wrong, a problem


def trace(session: Session, endpoint: Endpoint) -> int:
    """Name the rule that decides about one connection made now."""
    from homeport.app.firewall import traced
    from homeport.machine.firewall import is_root, this_firewall

    found = traced(this_firewall(), endpoint, is_root=is_root())
    if session.as_json:
        session.json(found)
    else:
        session.data("\n".join(deciding_lines(endpoint, found)))
    return BLOCKED if found.is_blocked else OPEN


def fix(session: Session, endpoint: Endpoint, *, yes: bool) -> int:
    """Print what would let the endpoint through on loopback, ask, do it, try it, print the undo."""
    from homeport.app import firewall as use_case
    from homeport.machine.firewall import is_root, this_firewall
    from homeport.machine.firewall_probe import probe

    def reaches(place: Endpoint) -> bool:
        return probe(place).is_connected

    def confirm(decided: Deciding, planned: Fix) -> bool:
        for line in (*deciding_lines(endpoint, decided), *fix_lines(planned)):
            session.say(line)
        if planned.needs_root and not is_root():
            return True  # the use case says how to go on
        return yes or _agreed(endpoint)

    fixed = use_case.fix(this_firewall(), endpoint, confirm, reaches, is_root=is_root())
    if session.as_json:
        session.json(fixed)
    else:
        session.data("\n".join(fixed_lines(fixed)))
    return OPEN if fixed.is_open else BLOCKED


def deciding_lines(endpoint: Endpoint, decided: Deciding) -> list[str]:
    from homeport.cli.words import visible

    does = {"accept": "lets", "drop": "drops", "reject": "rejects"}.get(decided.verdict, "may change")
    what = f"the answer of {endpoint}" if decided.packet == "answer" else f"a connection to {endpoint}"
    through = " through" if decided.verdict == "accept" else ""
    if decided.rule:
        lines = [
            f"this rule {does} {what}{through}:",
            f"  {visible(decided.rule.text)}",
            f"  ({decided.rule.tool}, {visible(decided.rule.chain)})",
        ]
    elif decided.chain:
        lines = [f"the policy of {visible(decided.chain)} ({decided.tool}) {does} {what}{through}"]
    else:
        lines = [f"no rule of a firewall stops {what}"]
    return lines if decided.certain else [*lines, f"  not certain: {visible(decided.why)}"]


def fix_lines(planned: Fix) -> list[str]:
    given = f"printf '%s\\n' {shlex.quote(planned.stdin)} | " if planned.stdin else ""
    lines = ["to allow it:", *(f"  {given}{shlex.join(words)}" for words in planned.commands)]
    lines += ["to undo that:", *(f"  {shlex.join(words)}" for words in planned.undo)]
    return [*lines, f"  ({planned.why})"] if planned.why else lines


def fixed_lines(fixed: Fixed) -> list[str]:
    if not fixed.is_open:
        left = [f"still there, take it back with: {shlex.join(words)}" for words in fixed.undo]
        return [f"{fixed.endpoint} is not reached: {fixed.problem}", *left]
    if not fixed.done:
        return [f"{fixed.endpoint} is reached: there is nothing to fix"]
    return [f"{fixed.endpoint} is reached now", *(f"undo: {shlex.join(words)}" for words in fixed.undo)]


def _agreed(endpoint: Endpoint) -> bool:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise HomeportError(
            "bad-usage",
            "there is no terminal to ask on, so nothing was changed",
            f"homeport doctor --fix {endpoint} --yes",
        )
    answer: Any = click.confirm("do this?", default=False, err=True)
    return bool(answer)

"""`homeport audit`: known vulnerabilities, certificates near their end, exposed listeners, files open to others."""

from __future__ import annotations

import os
import time

import rich_click as click

from homeport.cli.failure import report as report_mistake
from homeport.cli.options import command_options, pass_session
from homeport.cli.session import Session
from homeport.model.errors import HomeportError

INVALID = 4

TYPE_CHECKING = False  # see homeport.cli
if TYPE_CHECKING:
    from homeport.model.audit import AuditReport
    from homeport.model.status import Status


@click.command("audit", short_help="Look for known vulnerabilities and open doors")
@command_options(json=True)
@pass_session
def command(session: Session) -> int:
    """Look for known vulnerabilities, certificates near their end, exposed listeners and open files.

    Looks at homeport's own packages and home, at the lock files of the projects that run and of
    the current folder, and at the listeners of apps and routes. Changes nothing, needs no engine.
    What it could not find out it says; that is not clean.

    \b
    Examples:
      homeport audit
      homeport audit --json
    """
    from homeport.cli.audit_view import audit_lines, exit_status

    try:
        found = _report(session)
    except HomeportError as error:
        report_mistake(error, session.terminal)
        return INVALID
    if session.as_json:
        session.json({"version": found.version, "parts": found.parts})
    else:
        session.data("\n".join(audit_lines(found, session.terminal.paint, session.terminal.width)))
    return exit_status(found)


def _report(session: Session) -> AuditReport:
    from homeport.app.audit import Auditor
    from homeport.app.ports import listing
    from homeport.app.settings import load_settings
    from homeport.machine.home import Home
    from homeport.machine.ports import this_computer

    home = Home.find()
    keylog = load_settings(home.settings_file, os.environ).tls_keylog
    rows = listing(this_computer())
    auditor = Auditor(home, str(session.folder), _status(session), rows, time.time(), keylog)
    return auditor.report(lambda what: session.say(f"looking at {what} …"))


def _status(session: Session) -> Status:
    """Of the engine, where one runs and answers."""
    from homeport.model.status import Status

    try:
        engine = session.maybe_engine()
        return engine.engine.status() if engine else Status()
    except HomeportError as error:
        session.say_warning(f"apps and routes are left out: {error.message}")
        return Status()

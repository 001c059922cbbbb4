"""What `trust`, `untrust` and `cert` print, and the question before root is used. Changes nothing itself."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import rich_click as click

from homeport.cli.session import Session
from homeport.cli.table import Cell, Column, lines
from homeport.cli.words import visible

if TYPE_CHECKING:
    from homeport.app.certificates import Made
    from homeport.app.trust import StoreReport, Trust, TrustReport

_COLUMNS = (Column(""), Column("STORE"), Column("STATE"), Column("WHERE", flexible=True))
EXPIRES_SOON_DAYS = 30
_ENVIRONMENT = 'eval "$(homeport trust --env)"'


def trust_of_home(may_use_root: Callable[[str], bool]) -> Trust:
    from homeport.app.trust import Trust
    from homeport.machine import this_machine
    from homeport.machine.home import Home

    return Trust(Home.find(), this_machine(), may_use_root)


def ask_for_root(session: Session, *, yes: bool) -> Callable[[str], bool]:
    """A question on a terminal; without one, no, unless --yes said so before."""

    def may(what: str) -> bool:
        if yes:
            return True
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            return False
        session.say(what)
        return bool(click.confirm("change it?", default=False, err=True))

    return may


def show_trust(session: Session, report: TrustReport) -> None:
    if not report.fingerprint:
        session.data("there is no local CA yet")
        session.say(_hint(session, "homeport trust"))
        return
    session.data(
        f"{report.name}, valid until {report.not_after[:10]}\nsha256 {report.fingerprint}\nroot {report.root}\n"
    )
    _show_stores(session, report.stores)
    if report.days_left < EXPIRES_SOON_DAYS:
        session.say_warning(
            f"the CA expires in {max(0, report.days_left)} days: every store will have to be asked again"
        )
        session.say(_hint(session, "homeport trust --renew"))
    if not report.environment:
        session.say(f"Node, Python and others that read no store, outside of homeport: {_ENVIRONMENT}")


def show_untrust(session: Session, report: TrustReport) -> None:
    gone = [store for store in report.stores if store.did == "removed"]
    left = [store for store in report.stores if store.stale or store.did in ("failed", "skipped")]
    _show_stores(session, [*gone, *left])
    if report.fingerprint:
        session.say("homeport's CA is still in a store; its folder is kept until that is done")
    else:
        session.say("nothing trusts homeport's CA any more" if gone else "nothing trusted homeport's CA")
    if report.kept:
        session.say_warning("programs that run were given the paths of its root and bundle, which stay for them")
        session.say(_hint(session, "homeport down, then homeport untrust in a new shell"))


def show_environment(session: Session) -> int:
    """Lines for a POSIX shell. Asks the Javas whether one of them needs a store of its own."""
    import os

    from homeport.app.trust import ca_folder, shell_environment
    from homeport.machine.home import Home

    found, kept = shell_environment(ca_folder(Home.find()), os.environ)
    if session.as_json:
        session.json(found)
    else:
        if kept:
            session.say_warning(f"left as you have set it: {', '.join(kept)}; add homeport's root to that file")
        for name, value in found.items():
            session.data(f"export {name}={shlex.quote(value)}")
    return 0


def show_certificate(session: Session, made: Made) -> None:
    rows = [("certificate", made.certificate), ("key", made.key), ("root", made.root)]
    if made.pkcs12:
        rows.append(("pkcs12", f"{made.pkcs12}  (password {made.pkcs12_password})"))
    for what, path in rows:
        session.data(f"{what:<12}{visible(path)}")
    session.say(f"for {', '.join(made.names)}, valid until {made.not_after[:10]}")


def _show_stores(session: Session, stores: list[StoreReport] | tuple[StoreReport, ...]) -> None:
    rows = [(_mark(store), visible(store.name), _state(store), visible(store.path)) for store in stores]
    for line in lines(_COLUMNS, rows, session.terminal.paint, session.terminal.width):
        session.data(line)
    for store in stores:
        if store.why:
            session.say_warning(f"{visible(store.name)}: {visible(store.why)}")
            if store.next:
                session.say(_hint(session, visible(store.next)))


def _mark(store: StoreReport) -> Cell:
    if store.did == "failed":
        return Cell("✗", "red")
    if store.state == "unknown" or store.did == "skipped":
        return Cell("?", "yellow")
    return Cell("✓", "green") if store.state == "trusted" or store.did == "removed" else Cell("-", "dim")


def _state(store: StoreReport) -> str:
    state = {"trusted": "trusted", "not-trusted": "not trusted", "unknown": "not known"}[store.state]
    said = {"": state, "added": "trusted now", "removed": "removed", "skipped": f"skipped, {state}", "failed": "failed"}
    stale = f", and {store.stale} old of ours" if store.stale and store.state != "unknown" else ""
    return said[store.did] + stale


def _hint(session: Session, command: str) -> str:
    return f"{session.terminal.paint_talk('hint:', 'cyan')} {command}"

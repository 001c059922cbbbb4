"""`homeport release`: give a leased port back."""

from __future__ import annotations

import rich_click as click

from homeport.cli.complete import complete_lease
from homeport.cli.options import command_options, pass_session
from homeport.cli.session import Session
from homeport.model.lease import LeaseState


@click.command("release", short_help="Give leased ports back")
@click.argument("what", metavar="NAME|PORT", required=False, default="", shell_complete=complete_lease)
@click.option("--all", "every", is_flag=True, help="Every lease, in all folders, but those of apps.")
@command_options(json=True)
@pass_session
def command(session: Session, what: str, every: bool) -> None:
    """Give a leased port back, before the process that it belongs to ends.

    NAME is a lease of this folder, with all its ports. Nothing is ended: whoever listens on the
    port goes on to. The ports of apps belong to them (`homeport stop`).

    \b
    Examples:
      homeport release web
      homeport release 23871
      homeport release --all
    """
    if bool(what) == every:
        raise click.UsageError("what is to be released? NAME, PORT or --all")
    released = _release(session, what, every)
    if session.as_json:
        session.json(released)
        return
    for state in released:
        called = f" ({state.name})" if state.name else ""
        session.say(f"port {state.port}{called} is released")
    if not released:
        session.say("no port is leased")


def _release(session: Session, what: str, every: bool) -> list[LeaseState]:
    from homeport.app.place import place
    from homeport.model.errors import HomeportError

    engine = session.maybe_engine()
    if every:
        return engine.leases.release(every=True) if engine else []
    if engine is None:
        raise HomeportError("not-found", "no port is leased: no engine runs", "homeport lease")
    if what.isascii() and what.isdigit():
        if not 1 <= int(what[:6]) <= 65535:
            raise HomeportError("bad-usage", f"{what} is not a port from 1 to 65535", "homeport leases")
        return engine.leases.release(port=int(what))
    return engine.leases.release(name=what, folder=place(str(session.folder)))

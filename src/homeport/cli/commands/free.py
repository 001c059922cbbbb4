"""`homeport free`: show what would end, ask, end it."""

from __future__ import annotations

import sys
from typing import Any

import rich_click as click

from homeport.cli.options import command_options, pass_session
from homeport.cli.session import Session
from homeport.model.errors import HomeportError

TYPE_CHECKING = False  # see homeport.cli
if TYPE_CHECKING:
    from homeport.model.ports_free import Freed, Plan


def _ports(context: click.Context, parameter: click.Parameter, words: tuple[str, ...]) -> tuple[int, ...]:
    for word in words:
        if not word.isascii() or not word.isdigit() or not 1 <= int(word) <= 65535:
            raise HomeportError("bad-usage", f"{word!r} is not a port from 1 to 65535", "homeport free 3000")
    return tuple(int(word) for word in words)


@click.command("free", short_help="End what listens on a port")
@click.argument("numbers", metavar="PORT...", nargs=-1, required=True, callback=_ports)
@click.option("--dry-run", is_flag=True, help="Show what would end, and end nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--force", is_flag=True, help="SIGKILL what does not end, and do without tools that are missing.")
@command_options(json=True)
@pass_session
def command(session: Session, numbers: tuple[int, ...], dry_run: bool, yes: bool, force: bool) -> int:
    """End what listens on these ports, the right way for each.

    An app of homeport is stopped through the engine, a systemd unit, a container, or what pm2 or
    supervisord keep running with their own tool, anything else with SIGTERM. Shows first what will
    happen, and asks on a terminal; elsewhere --yes is needed. Clients that are connected are left
    alone.

    \b
    Examples:
      homeport free 3000
      homeport free 3000 5173 --dry-run
      homeport free 3000 --yes --force     for scripts, and for what ignores SIGTERM
    """
    from homeport.app.free import Freeing
    from homeport.machine.ports import this_computer

    ports = this_computer()
    plans = [_plan(session, number, force) for number in dict.fromkeys(numbers)]
    if not session.as_json or not dry_run:
        _show(session, plans)
    if dry_run:
        if session.as_json:
            session.json(plans)
        return 0
    if any(plan.endings for plan in plans) and not (yes or _agreed(numbers)):
        session.say("nothing was ended")
        return 1
    freeing = Freeing(ports, session.say)
    done = [freeing.free(plan, lambda route: _stop(session, route), force=force) for plan in plans]
    if session.as_json:
        session.json(done)
    for plan, freed in zip(plans, done, strict=True):
        _report(session, plan, freed)
    return 0 if all(freed.is_free for freed in done) else 1


def _plan(session: Session, number: int, force: bool) -> Plan:
    import os

    from homeport.app.free_plan import plan
    from homeport.machine.ports import this_computer

    ports = this_computer()
    me = ports.process(os.getpid())
    return plan(ports, number, _apps(session), user=me.user if me else "", force=force)


def _apps(session: Session) -> dict[str, str]:
    """address -> route of what our engine runs; nothing where none runs or it does not answer."""
    try:
        engine = session.maybe_engine()
        states = engine.apps.list() if engine else []
    except HomeportError:
        return {}
    return {address: state.route for state in states if state.pid for address in state.listens}


def _stop(session: Session, route: str) -> None:
    session.running_engine().apps.stop(route)


def _show(session: Session, plans: list[Plan]) -> None:
    from homeport.cli.words import visible
    from homeport.model.ports_free import sentence

    for plan in plans:
        if not plan.endings and not plan.refusals:
            session.say(f"port {plan.port}: nobody listens")
        for ending in plan.endings:
            session.say(f"port {plan.port}: {visible(sentence(ending))}")
        for refusal in plan.refusals:
            session.say(f"port {plan.port}: left alone: {visible(refusal.what)}")


def _agreed(numbers: tuple[int, ...]) -> bool:
    words = " ".join(map(str, numbers))
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise HomeportError(
            "bad-usage", "there is no terminal to ask on, so nothing was ended", f"homeport free {words} --yes"
        )
    answer: Any = click.confirm("end this?", default=False, err=True)
    return bool(answer)


def _report(session: Session, plan: Plan, freed: Freed) -> None:
    from homeport.cli.failure import say_error
    from homeport.cli.words import visible

    if freed.is_free:
        session.say(f"port {freed.port} is free" + (" already" if not plan.endings else ""))
        if freed.warning:
            session.say(f"warning: {visible(freed.warning)}\nhint: {visible(freed.next)}")
        return
    following = f"sudo homeport free {freed.port}" if freed.next == "sudo homeport free" else freed.next
    say_error(session.terminal, f"port {freed.port} is not free: {visible(freed.problem)}", following)

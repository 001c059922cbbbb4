"""`homeport lease`: a port for a script, a test, an agent, or a command that is run with it."""

from __future__ import annotations

import os
from typing import Any

import rich_click as click

from homeport.cli.options import command_options, pass_session
from homeport.cli.session import Session
from homeport.model.lease import LeaseState, variables

WORDS = "homeport.words"  # in the context: what stands behind --


class LeaseCommand(click.RichCommand):
    """Keeps NAME apart from CMD: click alone drops the `--` between them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        at = args.index("--") if "--" in args else len(args)
        ctx.meta[WORDS] = args[at + 1 :] if at < len(args) else None
        return super().parse_args(ctx, args[:at])

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "[-- CMD...]"]


@click.command("lease", cls=LeaseCommand, short_help="Get a port that nobody else gets")
@click.argument("name", metavar="[NAME]", required=False, default="")
@click.option("--count", metavar="N", type=int, default=1, help="So many ports. [1]")
@click.option("--env", is_flag=True, help="Print lines for eval that set PORT, or NAME_PORT.")
@click.option("--shell", type=click.Choice(["sh", "fish", "powershell"]), help="Whose lines --env prints. [sh]")
@click.option("--pid", metavar="PID", type=click.IntRange(1), help="Whose end is its end. [what called homeport]")
@click.option("--keep", is_flag=True, help="Keep it until `homeport release` or `homeport down`.")
@click.option("--portserver", is_flag=True, help="Print PORTSERVER_ADDRESS for portpicker instead.")
@command_options(json=True, door=True)
@pass_session
@click.pass_context
def command(
    ctx: click.Context,
    session: Session,
    name: str,
    count: int,
    env: bool,
    shell: str | None,
    pid: int | None,
    keep: bool,
    portserver: bool,
) -> int:
    """Print a port that is free, and that nobody else is given until the caller ends or gives it back.

    With NAME it is the same port every time in this folder (or git work tree), and whoever asks
    there by that name meanwhile is told the same one. Without NAME it is another port each time.
    With CMD the command runs with it in PORT, and {port} in its words is replaced; while it runs,
    its NAME is refused to other commands.

    \b
    Examples:
      PORT=$(homeport lease)
      homeport lease web -- npm run dev
      homeport lease --count 2 -- ./test --http {port1} --admin {port2}
      eval "$(homeport lease api --env)"; echo $API_PORT
      eval "$(homeport lease --portserver)"; pytest
    """
    words: list[str] | None = ctx.meta[WORDS]
    _check(words, env=env or bool(shell), pid=pid, keep=keep, portserver=portserver, name=name)
    syntax = shell or ("powershell" if os.name == "nt" else "sh")
    if portserver:
        _portserver(session, syntax, pid)
        return 0
    if words is not None:
        from homeport.cli.lease_command import run_with_lease

        return run_with_lease(session, name, count, words)
    states = _take(session, name, count, 0 if keep else pid)
    ports = [state.port for state in states]
    if session.as_json:
        session.json(states)
    elif env or shell:
        session.data("\n".join(_setting(syntax, *pair) for pair in variables(name, ports).items()))
    else:
        session.data("\n".join(map(str, ports)))
    return 0


def _check(words: list[str] | None, *, env: bool, pid: int | None, keep: bool, portserver: bool, name: str) -> None:
    if words is not None and not words:
        raise click.UsageError("there is no command behind --")
    if words and (env or pid or keep):
        raise click.UsageError("a command is its lease's owner, and told its port: no --env, --pid or --keep with --")
    if pid and keep:
        raise click.UsageError("--pid and --keep exclude each other")
    if portserver and (words or keep or name):
        raise click.UsageError("--portserver stands alone: portpicker asks for ports by itself")


def _take(session: Session, name: str, count: int, pid: int | None) -> list[LeaseState]:
    from homeport.app.place import place
    from homeport.machine.caller import caller
    from homeport.model.lease import LeaseSpec

    owner = caller() if pid is None else pid
    spec = LeaseSpec(folder=place(str(session.folder)), name=name, count=count, pid=owner)
    return session.engine().leases.take(spec)


def _portserver(session: Session, syntax: str, pid: int | None) -> None:
    from homeport.machine.caller import caller

    address = session.engine().leases.portserver(pid or caller())
    if session.as_json:
        session.json({"PORTSERVER_ADDRESS": address})
    else:
        session.data(_setting(syntax, "PORTSERVER_ADDRESS", address))


def _setting(syntax: str, name: str, value: str) -> str:
    quoted: Any = (
        value if value.isdigit() else "'" + value.replace("'", "''" if syntax == "powershell" else r"'\''") + "'"
    )
    if syntax == "fish":
        return f"set -gx {name} {quoted};"
    if syntax == "powershell":
        return f"$env:{name} = {quoted};"
    return f"export {name}={quoted};"

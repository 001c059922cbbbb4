"""`homeport token`: tokens for routes that ask for one."""

from __future__ import annotations

import rich_click as click

from homeport.cli.duration_option import read_for
from homeport.cli.options import command_options, pass_session
from homeport.cli.session import Session
from homeport.model.access import NewToken, TokenSpec, TokenState


@click.command("token", short_help="Make, list and revoke tokens for routes")
@click.argument("action", type=click.Choice(["list", "new", "revoke"]), default="list")
@click.argument("name", required=False, default="")
@click.option("--route", metavar="ROUTE", default="", help="It opens this route alone. [every route that takes tokens]")
@click.option("--for", "lasts", metavar="TIME", default="", help="How long it works, such as 12h or 30d. [for ever]")
@command_options(json=True, door=True)
@pass_session
def command(session: Session, action: str, name: str, route: str, lasts: str) -> None:
    """Make, list and revoke the tokens of programs that may use a route with `--access token`.

    A new token is shown once, and only its hash is kept. Programs send it as
    `Authorization: Bearer TOKEN`; browsers need none, they enter by `homeport open NAME`.

    \b
    Examples:
      homeport token
      homeport token new laptop --route admin --for 30d
      homeport token revoke laptop
    """
    if (route or lasts) and action != "new":
        raise click.UsageError("--route and --for belong to `homeport token new NAME`")
    if action == "list":
        if name:
            raise click.UsageError("`homeport token list` takes no name")
        _list(session)
    elif not name:
        raise click.UsageError(f"`homeport token {action}` needs the name of a token")
    elif action == "new":
        _show(session, session.engine().tokens.new(TokenSpec(name=name, route=route, lasts_s=read_for(lasts, "30d"))))
    else:
        session.engine().tokens.revoke(name)
        session.say(f"token {name} opens nothing any more, and what it had opened has ended")


def _show(session: Session, made: NewToken) -> None:
    if session.as_json:
        session.json(made)
        return
    session.data(made.token)
    session.say(f"token {made.state.name} {_opens(made.state)}; it is shown this once and kept as a hash")


def _list(session: Session) -> None:
    states = session.engine().tokens.list()
    if session.as_json:
        session.json(states)
    elif states:
        width = max(len(state.name) for state in states)
        session.data("\n".join(f"{state.name.ljust(width)}  {_opens(state)}" for state in states))
    else:
        session.say("no tokens")


def _opens(state: TokenState) -> str:
    if state.has_ended:
        return f"ended {state.ends}"
    what = f"opens {state.route}" if state.route else "opens every route that takes tokens"
    return f"{what} until {state.ends}" if state.ends else what

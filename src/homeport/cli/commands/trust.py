"""`homeport trust`: the local CA into every store of this user; `--status` and `--env` only tell."""

from __future__ import annotations

import rich_click as click

from homeport.cli.options import command_options, pass_session
from homeport.cli.session import Session
from homeport.model.errors import HomeportError


@click.command("trust", short_help="Make https on loopback trusted")
@click.option("--status", is_flag=True, help="Show each store, and change nothing.")
@click.option("--renew", is_flag=True, help="Make a new CA, and take the old one out of the stores.")
@click.option("--env", "as_environment", is_flag=True, help="Print what a shell exports for Node, Python and others.")
@click.option("--yes", is_flag=True, help="Do not ask before something that needs root.")
@command_options(json=True)
@pass_session
def command(session: Session, status: bool, renew: bool, as_environment: bool, yes: bool) -> int:
    """Make https on loopback trusted by this user's browsers and programs.

    Makes a CA that can sign for localhost, *.localhost and loopback addresses alone, once, and puts
    it into the system's store, Chromium's and Firefox's databases and Java's. Asks before anything
    that needs root. The key never leaves the home, and the root's own key is destroyed at once.

    \b
    Examples:
      homeport trust
      homeport trust --status
      eval "$(homeport trust --env)"     for Node, Python, curl and Deno in this shell
      homeport trust --renew
    """
    from homeport.cli.trust_view import ask_for_root, show_environment, show_trust, trust_of_home

    if status + renew + as_environment > 1:
        raise HomeportError("bad-usage", "--status, --renew and --env exclude each other", "homeport trust --help")
    if as_environment:
        return show_environment(session)
    trust = trust_of_home(ask_for_root(session, yes=yes))
    report = trust.status() if status else trust.trust(renew=renew)
    if session.as_json:
        session.json(report)
    else:
        show_trust(session, report)
    if status:
        return 0 if report.is_complete else 1
    return 1 if any(store.did == "failed" for store in report.stores) else 0

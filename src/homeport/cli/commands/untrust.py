"""`homeport untrust`: the local CA out of every store again."""

from __future__ import annotations

import rich_click as click

from homeport.cli.options import command_options, pass_session
from homeport.cli.session import Session


@click.command("untrust", short_help="Take homeport's CA out of every store")
@click.option("--yes", is_flag=True, help="Do not ask before something that needs root.")
@command_options(json=True)
@pass_session
def command(session: Session, yes: bool) -> int:
    """Take homeport's CA out of every store, and remove its key.

    Removes what has the fingerprint of a CA of this home and leaves everything else as it is. When a
    store cannot be changed, the CA's folder is kept, so that the next run finds what is left.

    \b
    Examples:
      homeport untrust
      homeport untrust --yes --json
    """
    from homeport.cli.trust_view import ask_for_root, show_untrust, trust_of_home

    report = trust_of_home(ask_for_root(session, yes=yes)).untrust()
    if session.as_json:
        session.json(report)
    else:
        show_untrust(session, report)
    return 1 if report.fingerprint else 0

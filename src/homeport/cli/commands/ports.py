"""`homeport ports`: every listening socket of this computer."""

from __future__ import annotations

import rich_click as click

from homeport.cli.options import command_options, pass_session
from homeport.cli.session import Session


@click.command("ports", short_help="List every port that somebody listens on")
@click.argument("words", metavar="[FILTER]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="With those of other users and of the system.")
@click.option("--udp", is_flag=True, help="With UDP sockets.")
@command_options(json=True)
@pass_session
def command(session: Session, words: tuple[str, ...], everything: bool, udp: bool) -> None:
    """List every port that somebody listens on: address, process, folder and homeport app.

    Only your own, unless you are root or say --all. Words in FILTER must all occur in a row: a
    port, a process, a user, a folder, an app, or exposed for what other computers may reach.

    \b
    Examples:
      homeport ports
      homeport ports node
      homeport ports --all exposed
      homeport ports --udp --json | jq '.[].port'
    """
    from homeport.app.ports import listing, matching, own
    from homeport.cli.port_table import table_lines
    from homeport.machine.ports import this_computer

    ports = this_computer()
    rows = listing(ports, udp=udp)
    mine = rows if everything or words else own(rows, ports)
    found = matching(mine, words)
    if session.as_json:
        session.json(found)
        return
    for line in table_lines(found, session.terminal.paint, session.terminal.width):
        session.data(line)
    if not found:
        session.say("nobody listens" + (f" that matches {' '.join(words)}" if words else ""))
    if len(mine) < len(rows):
        session.say(f"{len(rows) - len(mine)} of others are left out; --all shows them")

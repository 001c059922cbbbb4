"""`homeport ports`: every listening socket of this computer."""

from __future__ import annotations

import rich_click as click

from homeport.cli.options import command_options, pass_session
from homeport.cli.session import Session

TYPE_CHECKING = False  # see homeport.cli
if TYPE_CHECKING:
    from homeport.app.ports import PortRow


@click.command("ports", short_help="List every port that somebody listens on")
@click.argument("words", metavar="[FILTER]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="With those of other users and of the system.")
@click.option("--udp", is_flag=True, help="With UDP sockets.")
@click.option("--watch", is_flag=True, help="Go on, and show what opens and closes; Ctrl-C ends it.")
@command_options(json=True)
@pass_session
def command(session: Session, words: tuple[str, ...], everything: bool, udp: bool, watch: bool) -> None:
    """List every port that somebody listens on: address, process, folder and homeport app.

    Only your own, unless you are root or say --all. Words in FILTER must all occur in a row: a
    port, a process, a user, a folder, an app, a container, or exposed for what other computers
    may reach.

    \b
    Examples:
      homeport ports
      homeport ports node
      homeport ports --all exposed
      homeport ports --udp --json | jq '.[].port'
      homeport ports --watch node
    """
    from homeport.app.ports import listing, matching, own
    from homeport.cli.port_table import table_lines
    from homeport.machine.ports import this_computer

    ports = this_computer()
    if watch:
        from homeport.app.ports_watch import watch as watching
        from homeport.cli.port_watch import show

        def look() -> list[PortRow]:
            every = listing(ports, udp=udp)
            return matching(every if everything or words else own(every, ports), words)

        show(session, watching(look))
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

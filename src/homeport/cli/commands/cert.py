"""`homeport cert`: a certificate and its key as files, for apps that do TLS themselves."""

from __future__ import annotations

import rich_click as click

from homeport.cli.options import command_options, pass_session
from homeport.cli.session import Session


@click.command("cert", short_help="Give an app a certificate of its own")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("--out", metavar="DIR", default=".", help="Where the files go. [.]")
@click.option("--pkcs12", is_flag=True, help="Also one file in PKCS#12, as Java and browsers import it.")
@click.option(
    "--days", type=click.IntRange(1, 825), default=90, metavar="N", help="How long it is valid, 1 to 825. [90]"
)
@command_options(json=True)
@pass_session
def command(session: Session, names: tuple[str, ...], out: str, pkcs12: bool, days: int) -> int:
    """Give an app that does TLS itself (nginx, Node, PostgreSQL) a certificate and its key.

    Names are those below localhost and loopback addresses; `web` stands for web.localhost. Apps
    behind the door need none: the door has certificates of its own.

    \b
    Examples:
      homeport cert db
      homeport cert web '*.web.localhost' localhost 127.0.0.1 ::1 --out certs
      homeport cert broker --pkcs12 --days 30
    """
    from homeport.app.certificates import make_certificate
    from homeport.app.trust import ca_folder
    from homeport.cli.trust_view import show_certificate
    from homeport.machine.home import Home

    home = Home.find()
    home.prepare()
    made = make_certificate(ca_folder(home), names, out, pkcs12=pkcs12, days=days)
    if session.as_json:
        session.json(made)
    else:
        show_certificate(session, made)
    return 0

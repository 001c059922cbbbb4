"""`homeport serve`: a directory behind the door."""

from __future__ import annotations

import rich_click as click

from homeport.cli.access_option import access_options, read_access
from homeport.cli.expose_option import expose_options, read_expose
from homeport.cli.launch import launch
from homeport.cli.options import command_options, launch_options, pass_session
from homeport.cli.projects import Wish, directory_spec
from homeport.cli.session import Session
from homeport.model.access import CrossSite
from homeport.model.app import Serve
from homeport.model.errors import HomeportError

SERVERS = ("builtin", "nginx", "apache")


@click.command("serve", short_help="Serve the files of a directory")
@click.argument("directory", metavar="[DIR]", default=".", type=click.Path(file_okay=True))
@click.option("--with", "server", type=click.Choice(SERVERS), default="builtin", help="Which server does it. [builtin]")
@click.option("--spa", is_flag=True, help="Answer unknown paths with index.html, for pages that route by themselves.")
@click.option("--reload", is_flag=True, help="Refresh the open pages when a file changes.")
@click.option("--no-listing", is_flag=True, help="Do not list folders that have no index.html.")
@click.option("--name", metavar="NAME", default="", help="Its name behind the door. [the directory's name]")
@click.option("--port", metavar="PORT", type=click.IntRange(1, 65535), help="A fixed port for nginx or apache.")
@access_options
@expose_options
@launch_options
@command_options(json=True, door=True)
@pass_session
def command(
    session: Session,
    directory: str,
    server: str,
    spa: bool,
    reload: bool,
    no_listing: bool,
    name: str,
    port: int | None,
    access: tuple[str, ...],
    cross_site: CrossSite,
    expose: str | None,
    lasts: str,
    detach: bool,
    requests: bool,
) -> int:
    """Serve the files of a directory: index pages, ranges, compression, listings.

    With nginx or Apache, homeport writes the smallest configuration that does the same, runs
    the real server on a leased port, and stops it with Ctrl-C.

    \b
    Examples:
      homeport serve
      homeport serve dist --spa
      homeport serve public --reload
      homeport serve public --with nginx
    """
    path = session.folder / directory
    if not path.is_dir():
        what = "is a file, not a directory" if path.exists() else "does not exist"
        raise HomeportError("bad-usage", f"{directory} {what}", "homeport serve .")
    serve = Serve(directory=str(path.resolve()), spa=spa, reload=reload, listing=not no_listing)
    exposed = read_expose(expose, lasts, access)
    wish = Wish(name=name, port=port, access=read_access(access), cross_site=cross_site, expose=exposed)
    spec = directory_spec(session, serve, server, wish)
    return launch(session, [spec], detach=detach, requests=requests)

"""`homeport run`: one command behind the door."""

from __future__ import annotations

import rich_click as click

from homeport.cli.access_option import access_options, read_access
from homeport.cli.expose_option import expose_options, read_expose
from homeport.cli.launch import launch
from homeport.cli.options import command_options, launch_options, pass_session
from homeport.cli.projects import Wish, command_spec
from homeport.cli.session import Session
from homeport.model.access import CrossSite

READY_HELP = "When it is ready: /PATH answers, log:REGEX matches a line, command:LINE ends with 0. [it listens]"


@click.command("run", short_help="Run a command behind the door", context_settings={"allow_interspersed_args": False})
@click.argument("words", metavar="CMD...", nargs=-1, required=True, type=click.UNPROCESSED)
@click.option("--name", metavar="NAME", default="", help="Its name behind the door. [the folder's name]")
@click.option("--ready", metavar="CHECK", default="", help=READY_HELP)
@click.option("--ready-timeout", metavar="SECONDS", type=float, default=60.0, help="How long that may take. [60]")
@click.option("--port", metavar="PORT", type=click.IntRange(1, 65535), help="This port instead of a leased one.")
@click.option("--port-env", metavar="NAME", default="PORT", help="The variable that tells it the port. [PORT]")
@click.option("--env-file", "env_files", metavar="FILE", multiple=True, help="Variables from FILE. [.env, if there]")
@access_options
@expose_options
@launch_options
@command_options(json=True, door=True)
@pass_session
def command(
    session: Session,
    words: tuple[str, ...],
    name: str,
    ready: str,
    ready_timeout: float,
    port: int | None,
    port_env: str,
    env_files: tuple[str, ...],
    access: tuple[str, ...],
    cross_site: CrossSite,
    expose: str | None,
    lasts: str,
    detach: bool,
    requests: bool,
) -> int:
    """Run a command behind the door, with a port of its own in PORT.

    CMD is the words of a command or one quoted shell line; {port} and {host} in it are replaced.
    The route follows the app: it is ready when it listens on any port, whatever it was told.
    Ctrl-C stops it, and its exit status is that of the command.

    \b
    Examples:
      homeport run -- npm run dev
      homeport run --name api --ready /health -- uvicorn main:app --port {port}
      homeport run 'cd site && python -m http.server $PORT'
      homeport run -d -- nginx -c "$PWD/my.conf"
      homeport run --expose 192.168.1.20 --access token --for 2h -- npm run dev
    """
    wish = Wish(
        name=name,
        ready=ready,
        ready_timeout_s=ready_timeout,
        port=port,
        port_env=port_env,
        env_files=list(env_files),
        access=read_access(access),
        cross_site=cross_site,
        expose=read_expose(expose, lasts, access),
    )
    return launch(session, [command_spec(session, words, wish)], detach=detach, requests=requests)

"""`homeport toxiproxy`: Toxiproxy's API over homeport's network conditions, for tests that speak it already."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rich_click as click

from homeport.cli.options import command_options, pass_session
from homeport.cli.session import Session

if TYPE_CHECKING:
    from homeport.app.toxiproxy import Toxiproxy

DEFAULT_PORT = 8474


@click.command("toxiproxy", short_help="Serve Toxiproxy's API over homeport's conditions")
@click.option("--port", type=click.IntRange(0, 65535), default=DEFAULT_PORT, help="Where the API listens. [8474]")
@click.option("--config", type=click.Path(exists=True, dir_okay=False), help="Proxies to begin with, as JSON.")
@click.option("--seed", type=int, default=0, help="The same seed repeats the same decisions. [0]")
@command_options()
@pass_session
def command(session: Session, port: int, config: str | None, seed: int) -> None:
    """Serve the HTTP API of Toxiproxy 2.x on loopback, until Ctrl-C. Its clients need no change.

    Every toxic is one of homeport's network conditions; docs/toxiproxy.md says where that differs.
    The API has no token, as in the original; it refuses web pages and other users' programs.

    \b
    Examples:
      homeport toxiproxy
      homeport toxiproxy --config toxiproxy.json --seed 7
      curl -d '{"name":"db","listen":"127.0.0.1:5433","upstream":"127.0.0.1:5432"}' 127.0.0.1:8474/proxies
    """
    import asyncio

    from homeport.control.toxiproxy_api import serve

    proxies = _proxies(config) if config else []

    def begun(number: int, toxiproxy: Toxiproxy) -> None:
        session.say(f"Toxiproxy's API listens on http://127.0.0.1:{number}")
        for proxy in toxiproxy.list().values():
            session.say(f"  {proxy.name}  {proxy.listen} → {proxy.upstream}")

    async def run() -> None:
        from homeport.cli.loop_signals import calling

        ending = asyncio.Event()
        with calling(ending.set, "SIGINT", "SIGTERM"):
            await serve(port, seed, proxies, begun, ending)

    asyncio.run(run())


def _proxies(path: str) -> list[dict[str, object]]:
    """The file that `toxiproxy-server -config` takes: an array of proxies."""
    import json

    from homeport.model.errors import HomeportError

    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError) as error:
        raise HomeportError("bad-config", f"{path} cannot be read: {error}") from error
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise HomeportError("bad-config", f"{path} is no array of proxies", "docs/toxiproxy.md")
    return found

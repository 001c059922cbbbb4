"""`homeport net`: how the network behaves on a route."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from homeport.app.own_network import own_clients, own_profiles
from homeport.cli.complete import complete_route
from homeport.cli.duration_option import read_for
from homeport.cli.key_options import KeyOptionsCommand
from homeport.cli.net_clients import forget_client, list_clients, name_client
from homeport.cli.net_view import key_lines, profile_lines, state_lines
from homeport.cli.options import command_options, pass_session
from homeport.cli.session import Session
from homeport.model.errors import HomeportError
from homeport.model.net_client import NetClientSpec
from homeport.model.network import ConditionsSpec, Side

_ACTIONS = ["show", "set", "clear", "timeline", "replay", "client", "profiles", "keys"]


@click.command("net", cls=KeyOptionsCommand, short_help="Make the network of a route slow, lossy or broken")
@click.argument("action", type=click.Choice(_ACTIONS), default="show")
@click.argument("route", required=False, default="", shell_complete=complete_route)
@click.argument("words", metavar="[PROFILE|KEY=VALUE]...", nargs=-1)
@click.option("--up", is_flag=True, help="What clients send alone; what they get stays as it is.")
@click.option("--down", is_flag=True, help="What clients get alone; what they send stays as it is.")
@click.option("--client", metavar="CLIENT", default="", help="This client alone. [every client]")
@click.option("--for", "lasts", metavar="TIME", default="", help="Then it is as it was before. [until it is cleared]")
@click.option("--seed", metavar="N", type=click.IntRange(0), help="The same seed decides the same. [0]")
@click.option("--remove", is_flag=True, help="Forget the name of a client, and what was set for it.")
@command_options(json=True)
@pass_session
def command(
    session: Session,
    action: str,
    route: str,
    words: tuple[str, ...],
    up: bool,
    down: bool,
    client: str,
    lasts: str,
    seed: int | None,
    remove: bool,
) -> int | None:
    """Make the network of a route slow, lossy or broken, while it runs and without root.

    A change acts on the next byte, of connections that are open too. Latency, rate and the rest
    count for each direction: latency=50ms makes a round trip 100 ms longer. `homeport net keys`
    lists every KEY, `homeport net profiles` networks that people know by name.

    A CLIENT is an address (127.0.0.7, 127.0.1.0/24, 127.0.0.1:51234), a process (pid=4121,
    app=web, program=node), a request (agent=Firefox, header=X-Player:1), or a name that
    `homeport net client` gave to any of these.

    \b
    Examples:
      homeport net set api 3g
      homeport net set api latency=80ms jitter=20ms rate=2mbit
      homeport net set game loss=20% burst=5 --down --for 30s
      homeport net timeline game ride.txt
      homeport net client alice pid=4121
      homeport net set game train --client alice
      homeport net
      homeport net clear api
      homeport net replay 42
    """
    if action == "replay":
        return _replay(session, route, words, lasts, is_plain=not (up or down or client or remove or seed is not None))
    if (up or down or client or lasts or seed is not None) and action not in ("set", "clear", "timeline"):
        raise click.UsageError("--up, --down, --client, --for and --seed belong to `homeport net set ROUTE`")
    if remove and (action != "client" or not route or words):
        raise click.UsageError("--remove belongs to `homeport net client NAME`")
    if words and action not in ("set", "timeline", "client"):
        raise click.UsageError(f"`homeport net {action}` takes no conditions")
    if action == "client":
        _client(session, route, words, remove=remove)
    elif action == "profiles":
        _profiles(session)
    elif action == "keys":
        _keys(session)
    elif action == "show":
        _show(session, route)
    elif action == "clear":
        _clear(session, route, client)
    elif action == "timeline":
        if not route or len(words) != 1:
            raise click.UsageError("`homeport net timeline` needs a route and a file")
        if up or down or lasts or seed is not None:
            raise click.UsageError("of the options, --client alone belongs to `homeport net timeline`")
        _set(session, _timeline(session.folder, route, words[0], client))
    else:
        if not route or not words:
            raise click.UsageError("`homeport net set` needs a route and what to set, such as `api 3g`")
        side: Side = "" if up == down else "up" if up else "down"
        text = " ".join([*words, *([f"seed={seed}"] if seed is not None else [])])
        own = own_profiles(session.folder) if any("=" not in word for word in words) else {}
        lasts_s = read_for(lasts, "30s")
        spec = ConditionsSpec(route=route, text=text, side=side, client=client, lasts_s=lasts_s, profiles=own)
        _set(session, spec)
    return None


def _replay(session: Session, exchange: str, words: tuple[str, ...], wait: str, *, is_plain: bool) -> int:
    if not exchange or words or not is_plain:
        raise click.UsageError("`homeport net replay` takes the number of an exchange, or last, and --for")
    from homeport.cli.net_replay import replay

    return replay(session, exchange, wait_s=read_for(wait, "30s"))


def _client(session: Session, name: str, words: tuple[str, ...], *, remove: bool) -> None:
    if not name:
        list_clients(session)
    elif remove:
        forget_client(session, name)
    else:
        name_client(session, name, words)


def _set(session: Session, spec: ConditionsSpec) -> None:
    engine = session.running_engine()
    words = own_clients(session.folder).get(spec.client) if spec.client else None
    if words is not None:  # the project's own
        engine.clients.name(NetClientSpec(name=spec.client, words=words))
    state = engine.conditions.set(spec)
    if session.as_json:
        session.json(state)
    else:
        session.data("\n".join(state_lines(state, session.terminal.paint)))


def _timeline(folder: Path, route: str, file: str, client: str) -> ConditionsSpec:
    try:
        text = (folder / file).read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise HomeportError("bad-usage", f"{file} cannot be read: {why}") from error
    return ConditionsSpec(
        route=route,
        text="",
        timeline=text or " ",
        timeline_name=file,
        client=client,
        profiles=own_profiles(folder),
    )


def _show(session: Session, route: str) -> None:
    engine = session.maybe_engine()
    states = [one for one in engine.conditions.list() if route in ("", one.route)] if engine else []
    if session.as_json:
        session.json(states)
    elif states:
        session.data("\n".join(line for state in states for line in state_lines(state, session.terminal.paint)))
    else:
        session.say(f"the network {f'of {route} ' if route else ''}is as it is, no conditions are set")


def _clear(session: Session, route: str, client: str) -> None:
    cleared = session.running_engine().conditions.clear(route, client)
    if session.as_json:
        session.json(cleared)
        return
    for state in cleared:
        session.say(f"the network of {state.route}{f' for {state.client}' if state.client else ''} is as it is again")
    if not cleared:
        session.say("no conditions were set")


def _profiles(session: Session) -> None:
    from homeport.app.conditions import known_profiles

    states = known_profiles(own_profiles(session.folder))
    if session.as_json:
        session.json(states)
    else:
        session.data("\n".join(profile_lines(states, session.terminal.paint)))


def _keys(session: Session) -> None:
    from homeport.conditions.keys import HTTP_KEYS, KEYS

    about = {key: one.about for key, one in KEYS.items()} | {key: one.about for key, one in HTTP_KEYS.items()}
    about |= {"share": "how many connections feel any of it, such as 30%", "seed": "the same seed decides the same"}
    about |= {"first": "the number of the next connection, client or request, at first 1"}
    if session.as_json:
        session.json(about)
    else:
        session.data("\n".join(key_lines(about, session.terminal.paint)))

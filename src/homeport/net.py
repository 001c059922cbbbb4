"""The network of routes for programs: `from homeport import net`. Slow, lossy or broken; docs/python.md tells it.

It talks to the engine that runs, and starts none. Failures are `HomeportError`. Importing this file loads nothing else:
each function brings what it needs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from homeport.model.errors import HomeportError

if TYPE_CHECKING:
    from homeport.control.client import Client
    from homeport.model.network import ConditionsSpec, ConditionsState, ProfileState, Side

__all__ = ["HomeportError", "clear", "conditions", "profiles", "set", "show"]

Value = str | int | float | bool
# Ends of names that say the unit: latency_ms=200 is latency=200ms.
_UNITS = {
    "us": "us", "ms": "ms", "s": "s", "kbit": "kbit", "mbit": "mbit", "gbit": "gbit", "percent": "%", "bytes": "B",
}  # fmt: skip


def set(  # noqa: A001 - it reads net.set
    route: str,
    *words: str,
    client: str = "",
    side: Side = "",
    for_s: float | None = None,
    up: Mapping[str, Value] | None = None,
    down: Mapping[str, Value] | None = None,
    **keys: Value,
) -> ConditionsState:
    """What `homeport net set ROUTE` does: it replaces what was set before, from the next byte on.

    `words` are profiles and KEY=VALUE words ("3g", "loss=1%"), also several in one. `keys` are the same keys with their
    units behind the name: `latency_ms=200`, `rate_kbit=500`, `loss_percent=1`, `slice_bytes=100`; without a unit they
    are text (`latency="200ms"`), a number (`seed=7`, `burst=4`) or a truth (`silence=True`). `up` and `down` are such
    keys for one direction.

    `client` is this client alone (an address, "pid=4121", "app=web", a name). After `for_s` seconds it is as before.
    `side` is the direction that is replaced ("up", "down"); both without it.

    Raises HomeportError: "not-found" (route, client, or no engine), "bad-usage", "unsupported".
    """
    return _engine(client).conditions.set(_spec(route, words, client, side, for_s, up, down, keys))


def show(route: str = "", client: str | None = None) -> list[ConditionsState]:
    """How the networks of routes are now: of all, of one route, or of one client ("": what holds for everybody).

    A route that is as it is has none. [] where no engine runs.
    """
    engine = _maybe_engine()
    states = engine.conditions.list() if engine is not None else []
    return [one for one in states if route in ("", one.route) and client in (None, one.client)]


def clear(route: str = "", client: str = "") -> list[ConditionsState]:
    """The network as it is: of one route (or client of it), or of all. What is under way still arrives. Answers with
    what was. Raises HomeportError("not-found")."""
    return _engine().conditions.clear(route, client)


def profiles() -> list[ProfileState]:
    """Networks that people know by name, with their sources; those of homeport.toml in this folder first."""
    from homeport.app.conditions import known_profiles

    return known_profiles(_own_profiles())


@contextmanager
def conditions(
    route: str,
    *words: str,
    client: str = "",
    up: Mapping[str, Value] | None = None,
    down: Mapping[str, Value] | None = None,
    **keys: Value,
) -> Iterator[ConditionsState]:
    """`with net.conditions("web", latency_ms=200): …` As `set`, until the end of the block.

    Then the network is as it was before, be it under other conditions. One that was to end by itself, and a timeline,
    stay as they stood at the beginning.
    """
    engine, spec = _engine(client), _spec(route, words, client, "", None, up, down, keys)
    before = [one for one in engine.conditions.list() if (one.route, one.client) == (route, client)]
    state = engine.conditions.set(spec)
    try:
        yield state
    finally:
        _restore(state, before[0] if before else None)


def _restore(now: ConditionsState, before: ConditionsState | None) -> None:
    from homeport.model.network import ConditionsSpec

    engine = _maybe_engine()
    if engine is None:
        return  # it ended, and the network with it
    try:
        if before is None:
            engine.conditions.clear(now.route, now.client)
            return
        # The name that it had, with what that meant then.
        name, text = before.profile, before.text or "clean"
        known = {name: text} if name else {}
        engine.conditions.set(ConditionsSpec(route=now.route, text=name or text, client=now.client, profiles=known))
    except HomeportError as error:
        if error.code != "not-found":  # the route is gone
            raise


def _spec(
    route: str,
    words: tuple[str, ...],
    client: str,
    side: Side,
    for_s: float | None,
    up: Mapping[str, Value] | None,
    down: Mapping[str, Value] | None,
    keys: Mapping[str, Value],
) -> ConditionsSpec:
    from homeport.model.network import ConditionsSpec

    every = [*words, *_written(keys), *_written(up or {}, "up."), *_written(down or {}, "down.")]
    text = " ".join(every)
    own = _own_profiles() if any("=" not in word for word in text.split()) else {}
    return ConditionsSpec(route=route, text=text, side=side, client=client, lasts_s=for_s, profiles=own)


def _written(keys: Mapping[str, Value], side: str = "") -> list[str]:
    return [f"{side}{word}" for name, value in keys.items() for word in [_word(name, value)]]


def _word(name: str, value: Value) -> str:
    """`latency_ms`, 200 is "latency=200ms"."""
    if isinstance(value, str | bool):
        said = value if isinstance(value, str) else "yes" if value else "no"
        return f"{name.replace('_', '-')}={said}"
    key, _, unit = name.rpartition("_")
    number = f"{value:.12f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    if key and unit in _UNITS:
        return f"{key.replace('_', '-')}={number}{_UNITS[unit]}"
    return f"{name.replace('_', '-')}={number}"


def _own_profiles() -> dict[str, str]:
    from pathlib import Path

    from homeport.app.own_network import own_profiles

    return own_profiles(Path(os.getcwd()))


def _engine(client: str = "") -> Client:
    """A client that homeport.toml names is made known first."""
    engine = _maybe_engine()
    if engine is None:
        raise HomeportError("not-found", "nothing runs: no engine has been started", "homeport up")
    if client:
        from pathlib import Path

        from homeport.app.own_network import own_clients
        from homeport.model.net_client import NetClientSpec

        words = own_clients(Path(os.getcwd())).get(client)
        if words is not None:
            engine.clients.name(NetClientSpec(name=client, words=words))
    return engine


def _maybe_engine() -> Client | None:
    from homeport.control.launch import running_engine
    from homeport.machine.home import Home

    return running_engine(Home.find())

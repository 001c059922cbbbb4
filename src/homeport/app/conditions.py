"""The use cases on network conditions: what `homeport net` sets, shows and clears.

It reads what was asked for and hands settings to the gateway; when bytes leave is planned in homeport.conditions.
Words, profiles and timelines are imported when somebody asks for them, since an engine starts sooner without.
"""

from __future__ import annotations

import asyncio
import builtins
import datetime
import time
from collections.abc import Callable, Mapping
from math import inf
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

import msgspec

from homeport.app.seams import Conditioned, Recording, Roads
from homeport.conditions.settings import Conditions, Layer, refusals
from homeport.model.errors import HomeportError
from homeport.model.network import ConditionsSpec, ConditionsState, ProfileState

if TYPE_CHECKING:
    from homeport.conditions.timeline import Timeline

LONGEST_S = 7 * 86400.0  # what is meant to last longer needs no end
CLEAN = Conditions()


class Handle(Protocol):
    def cancel(self) -> None: ...


Key = tuple[str, str]  # route and client, "" for every one
Standing = tuple[str, str, Conditions, dict[str, int]]  # as the seam tells it
Later = Callable[[float, Callable[[], None]], Handle]


def _later(delay_s: float, call: Callable[[], None]) -> Handle:
    return asyncio.get_running_loop().call_later(delay_s, call)


class ConditionsUseCases:
    """`later` calls something once so many seconds have passed by `clock`; `changed` hears of every change."""

    def __init__(
        self,
        roads: Roads,
        conditioned: Conditioned,
        later: Later = _later,
        clock: Callable[[], float] = time.monotonic,
        changed: Callable[[ConditionsState], None] = lambda state: None,
        recording: Recording | None = None,
    ) -> None:
        self._roads, self._conditioned, self._later = roads, conditioned, later
        self._clock, self._changed, self._recording = clock, changed, recording
        self._ends: dict[Key, tuple[str, Handle]] = {}
        self._played: dict[Key, str] = {}  # the names of timelines

    async def set(self, spec: ConditionsSpec) -> ConditionsState:
        """Raises HomeportError: "not-found", "bad-usage", and "unsupported" where a route cannot be conditioned."""
        kind = self._kind(spec.route)
        if spec.lasts_s is not None and not 0 < spec.lasts_s <= LONGEST_S:
            raise HomeportError("bad-usage", "it lasts more than 0 seconds and at most seven days", "--for 30s")
        spec = msgspec.structs.replace(spec, client=self._conditioned.called(spec.client))
        if spec.timeline:
            return self._begin(spec, kind)
        asked = read_conditions(spec.text, kind, spec.profiles)
        before = self._now(spec.route, spec.client)
        if spec.side:
            asked = _one_side(asked, before or CLEAN, spec.side)
        self._conditioned.set(spec.route, asked, spec.client)
        self._end_after(spec, before)
        return self._told_of((spec.route, spec.client))

    async def list(self) -> builtins.list[ConditionsState]:
        return self.current()

    def current(self) -> builtins.list[ConditionsState]:
        there = {state.name for state in self._roads.states()}
        every = self._conditioned.all()
        clean: builtins.list[Standing] = [
            (*key, CLEAN, {}) for key in self._played if key not in {one[:2] for one in every}
        ]
        return [self._told(*one) for one in [*every, *clean] if one[0] in there]

    async def clear(self, route: str = "", client: str = "") -> builtins.list[ConditionsState]:
        """Those of one route (or client of it), or all: what is under way still arrives. Answers with what was."""
        if route:
            self._kind(route)
        client = self._conditioned.called(client)
        cleared = [one for one in await self.list() if route in ("", one.route) and client in ("", one.client)]
        for one in cleared:
            self._forget_end((one.route, one.client))
            self._conditioned.set(one.route, None, one.client)
            self._changed(msgspec.structs.replace(one, gone=True))
        return cleared

    async def replay(self, exchange_id: int) -> ConditionsState:
        """Set what a recorded exchange felt, so that the next one on its route (connection, client, request) meets the
        same decisions. Raises HomeportError: "not-found", and "bad-usage" where it felt none."""
        from homeport.conditions.standing import once_more

        assert self._recording is not None
        detail = await self._recording.detail(exchange_id)
        felt, key = detail.conditions, (detail.summary.route, detail.conditions.client if detail.conditions else "")
        if felt is None:
            why = f"the network of exchange {exchange_id} was as it is: nothing was decided that could be repeated"
            raise HomeportError("bad-usage", why, "homeport requests conditions:any")
        try:
            asked = once_more(felt)
        except msgspec.ValidationError as error:
            why = f"the network of exchange {exchange_id} was recorded by another version: {error}"
            raise HomeportError("unsupported", why, f"homeport show {exchange_id}") from error
        check_layer(asked, self._kind(key[0]))
        self._forget_end(key)
        self._conditioned.set(key[0], None, key[1])  # so that they are counted anew
        self._conditioned.set(key[0], asked, key[1])
        return self._told_of(key)

    async def profiles(self) -> builtins.list[ProfileState]:
        return known_profiles({})

    def _kind(self, route: str) -> str:
        kinds = {state.name: state.kind for state in self._roads.states() if state.kind != "control"}
        if route not in kinds:
            from homeport.formats.toml_values import nearest

            near = nearest(route, kinds)
            hint = f"did you mean {near}?" if near else "homeport status"
            raise HomeportError("not-found", f"no route is called {route!r}", hint)
        return kinds[route]

    def _now(self, route: str, client: str) -> Conditions | None:
        return next((one for name, who, one, _ in self._conditioned.all() if (name, who) == (route, client)), None)

    def _begin(self, spec: ConditionsSpec, kind: str) -> ConditionsState:
        """Play a timeline. All of it is read first, so a mistake in its last line is told now."""
        from homeport.conditions.profiles import BY_NAME
        from homeport.conditions.timeline import parse_timeline

        timeline = parse_timeline(spec.timeline, {**BY_NAME, **spec.profiles})
        for step in timeline.steps:
            check_layer(step.conditions or CLEAN, kind)
        key = spec.route, spec.client
        self._forget_end(key)
        self._played[key] = spec.timeline_name or "timeline"
        try:
            self._play(key, timeline, self._clock())
        except HomeportError:
            self._forget_end(key)
            raise
        return self._state(*key)

    def _play(self, key: Key, timeline: Timeline, began_s: float) -> None:
        if key[0] not in {state.name for state in self._roads.states()}:
            self._ends.pop(key, None)
            self._played.pop(key, None)
            return
        conditions, until_s = timeline.now(self._clock() - began_s)
        self._conditioned.set(key[0], conditions, key[1])
        self._ends.pop(key, None)
        if until_s < inf:
            wait_s = max(0.0, began_s + until_s - self._clock())
            handle = self._later(wait_s, lambda: self._play(key, timeline, began_s))
            self._ends[key] = _moment_in(wait_s), handle
        self._told_of(key)

    def _end_after(self, spec: ConditionsSpec, before: Conditions | None) -> None:
        key = spec.route, spec.client
        self._forget_end(key)
        if spec.lasts_s is None:
            return
        handle = self._later(spec.lasts_s, lambda: self._is_over(key, before))
        self._ends[key] = _moment_in(spec.lasts_s), handle

    def _is_over(self, key: Key, before: Conditions | None) -> None:
        self._ends.pop(key, None)
        if self._now(*key) is not None:  # the route may be gone
            self._conditioned.set(key[0], before, key[1])
            self._told_of(key)

    def _forget_end(self, key: Key) -> None:
        self._played.pop(key, None)
        if key in self._ends:
            self._ends.pop(key)[1].cancel()

    def _told_of(self, key: Key) -> ConditionsState:
        state = self._state(*key)
        state.gone = not state.text and key not in self._played
        self._changed(state)
        return state

    def _state(self, route: str, client: str) -> ConditionsState:
        found = (one for one in self._conditioned.all() if one[:2] == (route, client))
        return self._told(*next(found, (route, client, CLEAN, {})))

    def _told(self, route: str, client: str, conditions: Conditions, counts: dict[str, int]) -> ConditionsState:
        end = self._ends.get((route, client))
        from homeport.conditions.text import written
        from homeport.conditions.words import in_words

        return ConditionsState(
            route=route,
            client=client,
            profile=conditions.profile,
            text=written(conditions),
            words=in_words(conditions),
            seed=conditions.seed,
            ends=end[0] if end else "",
            timeline=self._played.get((route, client), ""),
            counts=dict(counts),
        )


def known_profiles(own: Mapping[str, str]) -> list[ProfileState]:
    """Those of a project before all others."""
    from homeport.conditions.profiles import BY_NAME, PROFILES, Profile
    from homeport.conditions.text import parse
    from homeport.conditions.words import in_words

    known = [*(Profile(name, text, "homeport.toml") for name, text in own.items()), *PROFILES]
    every = {**BY_NAME, **own}
    return [
        ProfileState(name=one.name, text=one.text, source=one.source, words=in_words(parse([one.name], every)))
        for one in known
    ]


def read_conditions(text: str, kind: str, profiles: Mapping[str, str] = MappingProxyType({})) -> Conditions:
    """What a route of this kind can be asked for. Raises HomeportError("bad-usage"), with the reason."""
    if not text.strip():
        raise HomeportError("bad-usage", "nothing is asked for", "homeport net profiles")
    if text.split() == ["clean"]:  # as in a timeline: for a client whom nothing of the route's concerns
        return CLEAN
    from homeport.conditions.profiles import BY_NAME
    from homeport.conditions.text import parse

    asked = parse(text.split(), {**BY_NAME, **profiles})
    check_layer(asked, kind)
    return asked


def check_layer(asked: Conditions, kind: str) -> None:
    """Raises HomeportError("bad-usage") for what means nothing on a route of this kind."""
    if asked.http and kind in ("tcp", "udp"):
        raise HomeportError("bad-usage", f"a {kind} route has no HTTP requests that could fail", "homeport net keys")
    layer: Layer = "datagram" if kind == "udp" else "stream"
    if reasons := list(dict.fromkeys(refusals((*asked.up, *asked.down), layer))):
        raise HomeportError("bad-usage", "\n".join(reasons), "homeport net keys")


def _moment_in(seconds: float) -> str:
    moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    return moment.isoformat(timespec="seconds")


def _one_side(asked: Conditions, before: Conditions, side: str) -> Conditions:
    up, down = (asked.up, before.down) if side == "up" else (before.up, asked.down)
    return msgspec.structs.replace(asked, up=up, down=down, profile="")

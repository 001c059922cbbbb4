"""Network conditions as they are asked for and told. What they mean is in homeport.conditions."""

from __future__ import annotations

from typing import Literal

import msgspec

Side = Literal["", "up", "down"]


class ConditionsSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What `homeport net set ROUTE …` asks for. `text` is KEY=VALUE words and names of profiles."""

    route: str
    text: str
    side: Side = ""  # one direction alone; the other stays as it is
    client: str = ""  # an address: this client alone
    lasts_s: float | None = None  # then it is again as it was before
    profiles: dict[str, str] = {}  # own ones beside those that are known
    timeline: str = ""  # lines or a trace that say what holds when, instead of `text`
    timeline_name: str = ""  # what it is called, such as its file


class ConditionsState(msgspec.Struct, kw_only=True):
    """How the network behaves on one route. `counts` are decisions since it was made: came, sent, lost …"""

    route: str
    client: str = ""
    profile: str = ""
    text: str = ""  # the same in KEY=VALUE words
    words: list[str] = []  # and in plain ones
    seed: int = 0
    ends: str = ""  # when it is over, or changes by its timeline
    timeline: str = ""  # the name of the one that is played
    counts: dict[str, int] = {}
    gone: bool = False  # only in events: the network is as it is again


class ReplaySpec(msgspec.Struct, frozen=True, kw_only=True):
    """What `homeport net replay ID` asks for: the conditions of a recorded exchange, and its luck."""

    exchange: int


class ProfileState(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    text: str
    source: str
    words: list[str] = []

"""Conditions that change by a plan: lines such as `at 10s tunnel for 3s`, or a recorded trace as CSV. It never waits:
told how long it has run, it says what holds and until when.

    # a ride
    at 0s 4g
    at 10s outage=hang for 3s
    at 13s 3g loss=2%
    loop 60s
"""

from __future__ import annotations

import csv
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from itertools import pairwise
from math import inf

import msgspec

from homeport.conditions.settings import Conditions
from homeport.conditions.text import parse
from homeport.conditions.units import time_ms
from homeport.model.errors import HomeportError

MOST_STEPS = 100_000  # a day at one step a second
CLEAN = "clean"  # the network as it is
_SIDES = ("", "up.", "down.")
# Columns of a trace, and the key and unit that their numbers become. Each may stand for one direction: `up.rate_kbit`.
COLUMNS = {
    f"{side}{name}": (f"{side}{key}", unit)
    for side in _SIDES
    for name, key, unit in (("rate_kbit", "rate", "kbit"), ("delay_ms", "latency", "ms"), ("loss_percent", "loss", "%"))
}
TIME = "time_s"


class Step(msgspec.Struct, frozen=True):
    at_s: float
    conditions: Conditions | None  # None: the network as it is


class Timeline(msgspec.Struct, frozen=True):
    """`steps` by time, the first at 0. `loop_s` is when it begins anew; infinity for never."""

    steps: tuple[Step, ...]
    loop_s: float = inf

    def now(self, running_s: float) -> tuple[Conditions | None, float]:
        """What holds so long after the start, and how long after the start it changes (infinity: never again)."""
        begun_s = running_s // self.loop_s * self.loop_s if self.loop_s < inf else 0.0
        place = bisect_right(self.steps, running_s - begun_s, key=lambda step: step.at_s) - 1
        following = self.steps[place + 1].at_s if place + 1 < len(self.steps) else self.loop_s
        return self.steps[max(place, 0)].conditions, begun_s + following


def parse_timeline(text: str, profiles: Mapping[str, str]) -> Timeline:
    """Either form; a trace is known by its first column. Raises HomeportError("bad-usage") that names the line."""
    head = text.lstrip("\ufeff").lstrip()
    if head.partition(",")[0].strip() != TIME:
        return _script(text.lstrip("\ufeff"), profiles)  # as it stands: its lines are counted
    try:
        return _trace(head)
    except csv.Error as error:
        raise HomeportError("bad-usage", f"the trace is no CSV: {error}", f"{TIME},rate_kbit,delay_ms") from error


def _script(text: str, profiles: Mapping[str, str]) -> Timeline:
    steps: list[Step] = []
    ends: list[tuple[float, float]] = []  # where a `for` began and ended
    loop_s = inf
    for number, words in _lines(text):
        try:
            if words[0] == "loop" and len(words) == 2:
                loop_s = time_ms(words[1]) / 1000
            elif words[0] == "at" and len(words) >= 3:
                step, until_s = _step(words, profiles)
                steps.append(step)
                ends += [(step.at_s, until_s)] if until_s < inf else []
            else:
                raise ValueError("expected `at TIME CONDITIONS`, `at TIME CONDITIONS for TIME` or `loop TIME`")
        except (HomeportError, ValueError) as error:
            raise HomeportError("bad-usage", f"line {number}: {error}", "at 10s 3g loss=1%") from error
    return _made(_with_ends(steps, ends), loop_s)


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(text.splitlines(), 1):
        if words := line.partition("#")[0].split():
            yield number, words


def _step(words: list[str], profiles: Mapping[str, str]) -> tuple[Step, float]:
    at_s, until_s, what = time_ms(words[1]) / 1000, inf, words[2:]
    if len(what) >= 3 and what[-2] == "for":
        until_s, what = at_s + time_ms(what[-1]) / 1000, what[:-2]
    return Step(at_s, None if what == [CLEAN] else parse(what, profiles)), until_s


def _with_ends(steps: list[Step], ends: list[tuple[float, float]]) -> list[Step]:
    """After a `for` it is as it was before, unless another step has begun meanwhile."""
    out = list(steps)
    for began_s, until_s in ends:
        if not any(began_s < step.at_s <= until_s for step in steps):
            before = [step for step in steps if step.at_s < began_s]
            out.append(Step(until_s, max(before, key=lambda step: step.at_s).conditions if before else None))
    return out


def _trace(text: str) -> Timeline:
    """A row for each moment: `time_s`, and any of `rate_kbit`, `delay_ms`, `loss_percent`, for both ways or one."""
    rows = csv.DictReader(text.splitlines(), skipinitialspace=True)
    unknown = [name for name in rows.fieldnames or [] if name.strip() not in (TIME, *COLUMNS)]
    if unknown:
        raise HomeportError("bad-usage", f"line 1: no column is called {unknown[0]!r}", ", ".join([TIME, *COLUMNS][:4]))
    steps: list[Step] = []
    for row in rows:
        try:
            fields = {str(name).strip(): (value or "").strip() for name, value in row.items()}
            words = [
                f"{COLUMNS[name][0]}={value}{COLUMNS[name][1]}"
                for name, value in fields.items()
                if _counts(name, value)
            ]
            steps.append(Step(time_ms(f"{fields[TIME]}s") / 1000, parse(words, {}) if words else None))
        except (HomeportError, ValueError, KeyError) as error:
            raise HomeportError("bad-usage", f"line {rows.line_num}: {error}", f"{TIME},rate_kbit,delay_ms") from error
    return _made(steps, inf)


def _counts(name: str, value: str) -> bool:
    """A column that says something: no loss is no condition."""
    return name in COLUMNS and value not in ("", "0" if COLUMNS[name][1] != "kbit" else "")


def _made(steps: list[Step], loop_s: float) -> Timeline:
    if not steps:
        raise HomeportError("bad-usage", "the timeline has no step", "at 0s 3g")
    if len(steps) > MOST_STEPS:
        raise HomeportError("bad-usage", f"the timeline has more than {MOST_STEPS:,} steps")
    ordered = sorted(steps, key=lambda step: step.at_s)
    for one, following in pairwise(ordered):
        if one.at_s == following.at_s:
            raise HomeportError("bad-usage", f"two steps begin at {one.at_s:g} s", "at 10s 3g loss=1%")
    if ordered[-1].at_s >= loop_s:
        raise HomeportError("bad-usage", f"it loops at {loop_s:g} s, before its last step", "loop 60s")
    first = [Step(0.0, None)] if ordered[0].at_s > 0 else []
    return Timeline((*first, *ordered), loop_s)

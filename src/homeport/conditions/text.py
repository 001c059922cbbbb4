"""Conditions as KEY=VALUE words, read and written: `3g loss=1% up.rate=64kbit seed=7`.

A word without `=` is a profile; words behind it override its keys. A key acts on both directions unless it begins with
`up.` or `down.`, and fills the first condition of its kind unless it says which: `latency#2=30ms`. An error names the
key and the nearest one that exists; a key without the one that it belongs to is an error.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from homeport.conditions import settings as asked
from homeport.conditions import units
from homeport.conditions.http import HttpFault
from homeport.conditions.keys import HTTP_KEYS, KEYS, SIDES, TOP, Key, Side
from homeport.conditions.settings import Base, Condition, Conditions, Stack, in_order
from homeport.model.errors import HomeportError

Values = dict[tuple[Side, str], str]  # what was written for each side and key
_NUMBER = re.compile(r"[1-9][0-9]?")
_LOSS = ("loss", "burst", "loss-every", "gilbert-p", "gilbert-r", "gilbert-bad", "gilbert-good", "retransmit")
_FAULTS = ("http-delay", "http-error", "http-stall", "http-truncate")


def parse(words: Iterable[str], profiles: Mapping[str, str]) -> Conditions:
    """Raises HomeportError("bad-usage"). `profiles` are texts of this form by their names."""
    values: Values = {}
    top: dict[str, str] = {}
    name = _collect(words, profiles, values, top, ())
    return _conditions(values, top, name)


def _collect(
    words: Iterable[str], profiles: Mapping[str, str], values: Values, top: dict[str, str], inside: tuple[str, ...]
) -> str:
    name = ""
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            if word not in profiles:
                raise _unknown("profile", word, profiles, "homeport net profiles")
            if word in inside:
                raise HomeportError("bad-usage", f"the profile {word!r} contains itself", "homeport net profiles")
            name = word
            _collect(profiles[word].split(), profiles, values, top, (*inside, word))
        elif key in TOP or key.partition("#")[0] in HTTP_KEYS:
            top[_numbered(key)] = value
        else:
            side, plain = _side_and_key(key)
            for one in side:
                values[one, plain] = value
    return name


def _side_and_key(key: str) -> tuple[tuple[Side, ...], str]:
    for side in SIDES:
        if key.startswith(f"{side}."):
            plain = key.removeprefix(f"{side}.")
            if plain.partition("#")[0] in KEYS:
                return (side,), _numbered(plain)
            raise _unknown("condition", plain, KEYS, "homeport net keys")
    if key.partition("#")[0] not in KEYS:
        raise _unknown("condition", key, [*KEYS, *HTTP_KEYS, *TOP], "homeport net keys")
    return SIDES, _numbered(key)


def _numbered(key: str) -> str:
    """The first of its kind needs no number."""
    plain, mark, number = key.partition("#")
    if mark and not _NUMBER.fullmatch(number):
        raise HomeportError("bad-usage", f"{key}: behind # stands which of several it is", f"{plain}#2=…")
    return plain if number in ("", "1") else key


def _by_number(values: Mapping[str, str]) -> list[dict[str, str]]:
    """What was written for the first of each kind, for the second ones …"""
    groups: dict[int, dict[str, str]] = {}
    for key, value in values.items():
        plain, _, number = key.partition("#")
        groups.setdefault(int(number or 1), {})[plain] = value
    return [groups[number] for number in sorted(groups)]


def _conditions(values: Values, top: Mapping[str, str], name: str) -> Conditions:
    seed = _read("seed", top["seed"], units.count) if "seed" in top else 0
    first = _read("first", top["first"], units.count) if "first" in top else 1
    share = _read("share", top["share"], units.share) if "share" in top else 1.0
    stacks = {side: stack_of({key: value for (one, key), value in values.items() if one == side}) for side in SIDES}
    try:
        return Conditions(
            up=stacks["up"], down=stacks["down"], http=_http(top), seed=seed, first=first, share=share, profile=name
        )
    except ValueError as error:
        raise HomeportError("bad-usage", str(error)) from error


def _http(top: Mapping[str, str]) -> tuple[HttpFault, ...]:
    groups = _by_number({key: value for key, value in top.items() if key.partition("#")[0] in HTTP_KEYS})
    return tuple(_fault(values) for values in groups)


def _fault(values: Mapping[str, str]) -> HttpFault:
    if not any(key in values for key in _FAULTS):
        key = next(iter(values))
        raise HomeportError("bad-usage", f"{key} needs a fault beside it: {', '.join(_FAULTS)}", "http-error=503")
    return HttpFault(**{HTTP_KEYS[key].field: _read(key, value, HTTP_KEYS[key].read) for key, value in values.items()})


def stack_of(values: Mapping[str, str]) -> Stack:
    """One direction from its keys and what was written for them."""
    return in_order([one for group in _by_number(values) for one in _one_of_each(group)])


def _one_of_each(values: Mapping[str, str]) -> list[Condition]:
    fields: dict[type[Base], dict[str, Any]] = {}
    for key, value in values.items():
        fields.setdefault(KEYS[key].kind, {})[KEYS[key].field] = _read(key, value, KEYS[key].read)
    _choose_loss(fields, values)
    made: list[Condition] = []
    for kind, given in fields.items():
        try:
            made.append(kind(**given))  # type: ignore[arg-type]  # KEYS names the conditions alone
        except TypeError as error:
            needed = next(key for key, one in KEYS.items() if one.kind is kind and _is_missing(one, given))
            other = next(key for key in values if KEYS[key].kind is kind)
            raise HomeportError("bad-usage", f"{other} needs {needed} beside it", f"{needed}=…") from error
        except ValueError as error:
            key = next(key for key in values if KEYS[key].kind is kind)
            raise HomeportError("bad-usage", f"{key}={values[key]}: {error}") from error
    return made


def _is_missing(about: Key, given: Mapping[str, Any]) -> bool:
    return about.field not in given and _default(about) is msgspec.NODEFAULT


def _choose_loss(fields: dict[type[Base], dict[str, Any]], values: Mapping[str, str]) -> None:
    """`loss` with `burst` is one model; two models beside each other are a mistake."""
    retransmit = fields.pop(asked.Loss, {})
    burst = fields.pop(asked.BurstLoss, None)
    if burst is not None:
        if asked.RandomLoss not in fields:
            raise HomeportError("bad-usage", "burst needs loss beside it", "loss=5% burst=4")
        fields[asked.BurstLoss] = fields.pop(asked.RandomLoss) | burst
    models = [kind for kind in fields if issubclass(kind, asked.Loss)]
    if len(models) > 1:
        given = " and ".join(key for key in _LOSS if key in values and KEYS[key].kind in (*models, asked.BurstLoss))
        raise HomeportError("bad-usage", f"{given} are different models of loss; take one", "loss=5% burst=4")
    if retransmit and not models:
        raise HomeportError("bad-usage", "retransmit needs loss beside it", "loss=1% retransmit=300ms")
    if models:
        fields[models[0]] |= retransmit


def _read(key: str, value: str, read: Callable[[str], Any]) -> Any:
    try:
        return read(value)
    except ValueError as error:
        raise HomeportError("bad-usage", f"{key}={value}: {error}") from error


def _unknown(what: str, word: str, known: Iterable[str], where: str) -> HomeportError:
    near = difflib.get_close_matches(word.lower(), list(known), 1)
    return HomeportError(
        "bad-usage", f"no {what} is called {word!r}{f'; did you mean {near[0]}?' if near else ''}", where
    )


def expanded(text: str, own: Mapping[str, str]) -> str:
    """The words of `text` with the names of `own` profiles replaced by what they mean. They were read before, so none
    contains itself."""
    words = ([expanded(own[word], own)] if word in own else [word] for word in text.split())
    return " ".join(one for several in words for one in several)


def written(conditions: Conditions) -> str:
    """The text that `parse` reads back, without the name of a profile. Of stacks in another order than ours, as
    Toxiproxy's clients make them, it tells all but the order."""
    up, down = written_stack(conditions.up), written_stack(conditions.down)
    both = [f"{key}={value}" for key, value in up.items() if down.get(key) == value]
    sides = [f"up.{key}={value}" for key, value in up.items() if down.get(key) != value]
    sides += [f"down.{key}={value}" for key, value in down.items() if up.get(key) != value]
    share = [f"share={units.write_share(conditions.share)}"] if conditions.share != 1 else []
    seed = [f"seed={conditions.seed}"] if conditions.seed else []
    first = [f"first={conditions.first}"] if conditions.first != 1 else []
    return " ".join([*both, *sides, *_written_http(conditions.http), *share, *seed, *first])


def _written_http(faults: tuple[HttpFault, ...]) -> list[str]:
    default = HttpFault()
    return [
        f"{key}{_mark(number)}={one.write(getattr(fault, one.field))}"
        for number, fault in enumerate(faults, 1)
        for key, one in HTTP_KEYS.items()
        if getattr(fault, one.field) != getattr(default, one.field)
    ]


def _mark(number: int) -> str:
    return f"#{number}" if number > 1 else ""


def written_stack(stack: Stack) -> dict[str, str]:
    found: dict[tuple[int, str], str] = {}
    seen: Counter[type[Base]] = Counter()
    for one in stack:
        kind = asked.Loss if isinstance(one, asked.Loss) else type(one)
        seen[kind] += 1
        for key, about in KEYS.items():
            fits = isinstance(one, about.kind) or (isinstance(one, asked.BurstLoss) and key == "loss")
            if fits and (_is_needed(about) or getattr(one, about.field) != _default(about)):
                found[seen[kind], key] = about.write(getattr(one, about.field))
    numbers = range(1, max(seen.values(), default=0) + 1)
    return {f"{key}{_mark(n)}": found[n, key] for n in numbers for key in KEYS if (n, key) in found}


def _is_needed(about: Key) -> bool:
    return _default(about) is msgspec.NODEFAULT or about.kind in (asked.Reset, asked.Silence, asked.Outage)


def _default(about: Key) -> Any:
    return next(field.default for field in msgspec.structs.fields(about.kind) if field.name == about.field)

"""Conditions as KEY=VALUE words, read and written: `3g loss=1% up.rate=64kbit seed=7`.

A word without `=` is a profile; words behind it override its keys. A key acts on both directions unless it begins with
`up.` or `down.`. An error names the key and the nearest one that exists; a key without the one that it belongs to
is an error.
"""

from __future__ import annotations

import difflib
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
        elif key in TOP or key in HTTP_KEYS:
            top[key] = value
        else:
            side, plain = _side_and_key(key)
            for one in side:
                values[one, plain] = value
    return name


def _side_and_key(key: str) -> tuple[tuple[Side, ...], str]:
    for side in SIDES:
        if key.startswith(f"{side}."):
            plain = key.removeprefix(f"{side}.")
            if plain in KEYS:
                return (side,), plain
            raise _unknown("condition", plain, KEYS, "homeport net keys")
    if key not in KEYS:
        raise _unknown("condition", key, [*KEYS, *HTTP_KEYS, *TOP], "homeport net keys")
    return SIDES, key


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
    given = {
        HTTP_KEYS[key].field: _read(key, value, HTTP_KEYS[key].read) for key, value in top.items() if key in HTTP_KEYS
    }
    if given and not any(key in top for key in _FAULTS):
        key = next(key for key in top if key in HTTP_KEYS)
        raise HomeportError("bad-usage", f"{key} needs a fault beside it: {', '.join(_FAULTS)}", "http-error=503")
    return (HttpFault(**given),) if given else ()


def stack_of(values: Mapping[str, str]) -> Stack:
    """One direction from its keys and what was written for them."""
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
    return in_order(made)


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
    """The text that `parse` reads back, without the name of a profile. Stacks with several conditions of a kind, as
    Toxiproxy's clients make them, are told as far as the text goes: the last of a kind."""
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
        f"{key}={one.write(getattr(fault, one.field))}"
        for fault in faults[-1:]
        for key, one in HTTP_KEYS.items()
        if getattr(fault, one.field) != getattr(default, one.field)
    ]


def written_stack(stack: Stack) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in stack:
        for key, about in KEYS.items():
            fits = isinstance(one, about.kind) or (isinstance(one, asked.BurstLoss) and key == "loss")
            if fits and (_is_needed(about) or getattr(one, about.field) != _default(about)):
                found[key] = about.write(getattr(one, about.field))
    return {key: found[key] for key in KEYS if key in found}


def _is_needed(about: Key) -> bool:
    return _default(about) is msgspec.NODEFAULT or about.kind in (asked.Reset, asked.Silence, asked.Outage)


def _default(about: Key) -> Any:
    return next(field.default for field in msgspec.structs.fields(about.kind) if field.name == about.field)

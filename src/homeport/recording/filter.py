"""The filter language of `requests`, `watch` and the dashboard: terms joined by spaces, all must match.

`method:POST status:5xx -path:/health duration:>100 "two words"`. Text in, a condition for the store
out; it runs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from homeport.model.errors import HomeportError

_TERM = re.compile(r'\s*(-?)(?:([A-Za-z_]+):)?(?:"([^"]*)"|([^\s"]+)|)(?=\s|$)')
_COMPARISON = re.compile(r"(>=|<=|>|<|=)?(.*)")
_QUANTITY = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,6})?)([a-z]*)", re.IGNORECASE)
_MILLISECONDS = {"": 1.0, "ms": 1.0, "s": 1e3, "m": 60e3, "h": 3600e3}
_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_BYTES = {"": 1.0, "b": 1.0, "k": 1024.0, "kb": 1024.0, "m": 1048576.0, "mb": 1048576.0, "g": 2.0**30, "gb": 2.0**30}

Condition = tuple[str, list[object]]


class Filter(msgspec.Struct, frozen=True):
    """A condition on `exchange e`, and on `raw r` where `needs_heads`. `condition` is "1" where everything matches.

    `bodies` are words that a body must hold (or, with False, must not): those are looked for row by row.
    """

    condition: str
    values: list[object]
    needs_heads: bool
    bodies: list[tuple[str, bool]]

    @property
    def is_slow(self) -> bool:
        return self.needs_heads or bool(self.bodies)


def parse_filter(text: str, now_s: float) -> Filter:
    """Read a filter; `now_s` is what `since:` counts from. Raises HomeportError("bad-usage")."""
    conditions: list[str] = []
    values: list[object] = []
    bodies: list[tuple[str, bool]] = []
    at = 0
    text = text.encode("utf-8", "replace").decode().rstrip()  # arguments of a terminal may hold what is no text
    while at < len(text):
        match = _TERM.match(text, at)
        if match is None:
            raise HomeportError("bad-usage", f"a quotation mark is not closed in the filter {text!r}")
        at = match.end()
        minus, key, quoted, plain = match.groups()
        key = (key or "").lower()
        value = quoted if quoted is not None else (plain or "")
        condition, more = _condition(match.group().strip(), key, value, now_s)
        if key == "body":
            bodies.append((value, not minus))
            continue
        conditions.append(f"NOT ({condition})" if minus else condition)
        values += more
    condition = " AND ".join(conditions) or "1"
    return Filter(condition, values, "r." in condition, bodies)


def _condition(term: str, key: str, value: str, now_s: float) -> Condition:
    if not key:
        if not value:
            raise HomeportError("bad-usage", f"{term!r} is not a filter", "a word, or key:value")
        return _word(value)
    if key not in KEYS:
        raise _unknown(term, key, value)
    if not value:
        raise HomeportError(
            "bad-usage", f"{term!r} is not a filter: {key}: needs a value", ABOUT[key].partition(" ")[0]
        )
    condition = KEYS[key](value, now_s)
    if condition is None:
        raise HomeportError("bad-usage", f"{term!r} is not a filter: {key}: cannot be {value!r}", ABOUT[key])
    return condition


def _unknown(term: str, key: str, value: str) -> HomeportError:
    import difflib

    near = difflib.get_close_matches(key, KEYS, n=1, cutoff=0.65)
    hint = f"{near[0]}:{value}" if near else f'"{term}" looks for the text; the keys are {", ".join(KEYS)}'
    return HomeportError("bad-usage", f"{term!r} is not a filter: there is no key {key!r}", hint)


# Conditions. A star in a value stands for anything.


def _like(value: str, *, whole: bool = False) -> str:
    escaped = value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("*", "%")
    return escaped if whole else f"%{escaped}%"


def _word(value: str) -> Condition:
    columns = ("e.method", "e.host", "e.path", "e.route", "CAST(e.status AS TEXT)")
    return (
        "(" + " OR ".join(f"{column} LIKE ? ESCAPE '\\'" for column in columns) + ")",
        [_like(value)] * len(columns),
    )


def _is(column: str) -> Callable[[str, float], Condition | None]:
    return lambda value, _: (f"{column} LIKE ? ESCAPE '\\'", [_like(value, whole=True)])


def _has(*columns: str) -> Callable[[str, float], Condition | None]:
    condition = " OR ".join(f"{column} LIKE ? ESCAPE '\\'" for column in columns)
    return lambda value, _: (f"({condition})", [_like(value)] * len(columns))


def _compared(expression: str, units: dict[str, float], scale: float) -> Callable[[str, float], Condition | None]:
    """`>100`, `<=1.5s`; without a sign it means "at least", but for numbers without units "exactly"."""
    default = ">=" if len(units) > 1 else "="

    def build(value: str, _: float) -> Condition | None:
        sign, rest = _COMPARISON.fullmatch(value).groups()  # type: ignore[union-attr] # it matches everything
        amount = _amount(rest, units)
        return None if amount is None else (f"{expression} {sign or default} ?", [amount * scale])

    return build


def _status(value: str, now_s: float) -> Condition | None:
    if re.fullmatch(r"[1-5]xx", value, re.IGNORECASE):
        return "e.status BETWEEN ? AND ?", [int(value[0]) * 100, int(value[0]) * 100 + 99]
    return _compared("e.status", {"": 1.0}, 1)(value, now_s)


def _since(value: str, now_s: float) -> Condition | None:
    amount = _amount(value, _SECONDS)
    return None if amount is None else ("e.started >= ?", [int((now_s - amount) * 1e6)])


def _conditions(value: str, _: float) -> Condition | None:
    if value.lower() in ("any", "*"):
        return "e.conditions != ''", []
    return "e.conditions LIKE ? ESCAPE '\\'", [_like(value)]


def _duration(value: str, now_s: float) -> Condition | None:
    """What still runs has lasted until now."""
    running = f"coalesce(e.duration, {int(now_s * 1e6)} - e.started)"
    return _compared(running, _MILLISECONDS, 1e3)(value, now_s)


def _amount(text: str, units: dict[str, float]) -> float | None:
    match = _QUANTITY.fullmatch(text)
    unit = units.get(match[2].lower()) if match else None
    return None if match is None or unit is None else float(match[1]) * unit


KEYS: dict[str, Callable[[str, float], Condition | None]] = {
    "method": _is("e.method"),
    "status": _status,
    "route": _is("e.route"),
    "scheme": _is("e.scheme"),
    "version": _is("e.version"),
    "host": _has("e.host"),
    "path": _has("e.path"),
    "type": _has("e.type"),
    "client": _has("e.process", "e.client"),
    "ending": _is("e.ending"),
    "conditions": _conditions,
    "kind": _is("e.kind"),
    "since": _since,
    "duration": _duration,
    "size": _compared("max(e.request_bytes, e.response_bytes)", _BYTES, 1),
    "id": _compared("e.id", {"": 1.0}, 1),
    "body": lambda value, _: ("1", []),  # see Filter.bodies
    "header": _has("CAST(r.request_head AS TEXT)", "CAST(r.response_head AS TEXT)"),
}

ABOUT: dict[str, str] = {
    "method": "method:POST",
    "status": "status:404, status:5xx or status:>=400",
    "route": "route:api, or route:*.api with a star for anything",
    "scheme": "scheme:https",
    "version": "version:2, or 1.1",
    "host": "host:api.localhost, or a part of it",
    "path": "path:/users, or a part of it",
    "type": "type:json, a part of the response's media type",
    "client": "client:curl, a part of the client's process or address",
    "ending": "ending:complete, client-gone, upstream-gone, unreachable, refused, engine-gone or open",
    "conditions": "conditions:any, conditions:3g or conditions:loss, the network that was set",
    "kind": "kind:http, upgrade, tcp or udp",
    "since": "since:90s, 5m, 2h or 1d",
    "duration": "duration:>100 (milliseconds), or duration:>1.5s",
    "size": "size:>1mb, the larger one of request and response",
    "id": "id:1234 or id:>1200",
    "body": "body:word, in request and response bodies as decoded",
    "header": "header:word, in request and response heads",
}

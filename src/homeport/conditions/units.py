"""Numbers as people write them: `50ms`, `1.5mbit`, `20%`, `16KiB`. Read and written.

A number without its unit is refused, because half of the readers would guess wrong. A reader raises
ValueError with what it expected.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_NUMBER = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,12})?)([a-zA-Zµ%/]*)")

Reader = Callable[[str], object]

TIME_MS = {"us": 0.001, "µs": 0.001, "ms": 1.0, "s": 1000.0, "min": 60_000.0}
TIME_US = {unit: factor * 1000 for unit, factor in TIME_MS.items()}
RATE_BPS = {"bit": 1.0, "kbit": 1e3, "mbit": 1e6, "gbit": 1e9}
SIZE_BYTES = {"B": 1.0, "kB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 1024.0, "MiB": 1024.0**2, "GiB": 1024.0**3}


def time_ms(text: str) -> float:
    return _measure(text, TIME_MS, "a time such as 50ms or 1.5s")


def time_us(text: str) -> float:
    return _measure(text, TIME_US, "a time such as 500us or 10ms")


def rate_bps(text: str) -> float:
    """`kbit/s` and `kbps` are the same as `kbit`."""
    plain = re.sub(r"(?i)(?:(bit)/s|([kmg]?)bps)$", lambda found: found[1] or f"{found[2]}bit", text).lower()
    return _measure(plain, RATE_BPS, "a rate such as 64kbit, 1.5mbit or 1gbit")


def size_bytes(text: str) -> int:
    return int(_measure(text, SIZE_BYTES, "a size such as 500B, 16KiB or 1MB"))


def share(text: str) -> float:
    return _measure(text, {"%": 0.01}, "a share such as 1% or 0.5%")


def count(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,15}", text):
        raise ValueError("expected a whole number")
    return int(text)


def number(text: str) -> float:
    if not (match := _NUMBER.fullmatch(text)) or match[2]:
        raise ValueError("expected a number")
    return float(match[1])


def yes(text: str) -> bool:
    if text not in ("yes", "no"):
        raise ValueError("expected yes or no")
    return text == "yes"


def one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in words:
            raise ValueError(f"expected {', '.join(words[:-1])} or {words[-1]}")
        return text

    return read


def _measure(text: str, units: dict[str, float], what: str) -> float:
    match = _NUMBER.fullmatch(text)
    if match is None or (match[2] not in units and not (float(match[1]) == 0 and not match[2])):
        raise ValueError(f"expected {what}")
    factor = units.get(match[2], 1.0)
    value = float(match[1])
    return value / round(1 / factor) if factor < 1 else value * factor  # 7/100 is 0.07, 7*0.01 is not


def write_number(value: float) -> str:
    return f"{value:.12f}".rstrip("0").rstrip(".") if value % 1 else str(int(value))


def write_time_ms(value: float) -> str:
    return f"{write_number(value / 1000)}s" if value >= 1000 and value % 100 == 0 else f"{write_number(value)}ms"


def write_time_us(value: float) -> str:
    return write_time_ms(value / 1000) if value >= 1000 and value % 100 == 0 else f"{write_number(value)}us"


def write_rate_bps(value: float) -> str:
    for unit in ("gbit", "mbit", "kbit"):
        if value >= RATE_BPS[unit] and value * 1000 % RATE_BPS[unit] == 0:
            return f"{write_number(value / RATE_BPS[unit])}{unit}"
    return f"{write_number(value)}bit"


def write_size_bytes(value: float) -> str:
    for unit in ("MiB", "KiB", "MB", "kB"):
        if value >= SIZE_BYTES[unit] and value % SIZE_BYTES[unit] == 0:
            return f"{int(value / SIZE_BYTES[unit])}{unit}"
    return f"{int(value)}B"


def write_share(value: float) -> str:
    return f"{write_number(round(value * 100, 12))}%"


def write_yes(value: float) -> str:
    return "yes" if value else "no"

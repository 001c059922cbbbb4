"""The tokens of this home: a file with their hashes, for its owner alone, and the look-up that the gate makes.

A token itself is never kept and never written: whoever loses it makes a new one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from homeport.machine.home import private_file
from homeport.model.access import TokenState
from homeport.model.errors import HomeportError
from homeport.model.secret import hashed, new_secret
from homeport.wire.credentials import TOKEN_PREFIX


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One token. Times are seconds since 1970."""

    name: str
    hash: str
    route: str = ""
    created_s: float
    ends_s: float | None = None


class TokenBook:
    """`path` is the file; "" keeps them in memory. A file that is damaged holds no token: nobody gets in by mistake."""

    def __init__(self, path: str, clock: Callable[[], float] = time.time) -> None:
        self._path, self._clock = path, clock
        self._by_hash = {kept.hash: kept for kept in _read(path)}
        self._looked_s = clock()

    def name_of(self, token: str, route: str) -> str:
        """Its name, where it opens `route` now; else "". A look-up by the hash: the time that it takes says nothing
        about the token."""
        kept = self._by_hash.get(hashed(token).hex())
        return kept.name if kept is not None and kept.route in ("", route) and not self._has_ended(kept) else ""

    def just_ended(self) -> list[str]:
        """The names of those whose time has run out since this was asked last."""
        before_s, now_s = self._looked_s, self._clock()
        self._looked_s = now_s
        every = self._by_hash.values()
        return [kept.name for kept in every if kept.ends_s is not None and before_s < kept.ends_s <= now_s]

    def make(self, name: str, route: str, lasts_s: float | None) -> tuple[str, TokenState]:
        """Raises HomeportError("name-taken", "storage-failed")."""
        if any(kept.name == name for kept in self._by_hash.values()):
            raise HomeportError("name-taken", f"there is a token {name!r} already", f"homeport token revoke {name}")
        token, now_s = TOKEN_PREFIX + new_secret(), self._clock()
        kept = Kept(
            name=name,
            hash=hashed(token).hex(),
            route=route,
            created_s=now_s,
            ends_s=None if lasts_s is None else now_s + lasts_s,
        )
        self._write({**self._by_hash, kept.hash: kept})
        return token, self._state(kept)

    def states(self) -> list[TokenState]:
        return [self._state(kept) for kept in self._by_hash.values()]

    def remove(self, name: str) -> TokenState | None:
        found = next((kept for kept in self._by_hash.values() if kept.name == name), None)
        if found is None:
            return None
        self._write({key: kept for key, kept in self._by_hash.items() if kept is not found})
        return self._state(found)

    def _write(self, tokens: dict[str, Kept]) -> None:
        if self._path:
            try:
                private_file(self._path, msgspec.json.encode(list(tokens.values())))
            except OSError as error:
                raise HomeportError("storage-failed", f"{self._path}: {error.strerror}", "df -h") from error
        self._by_hash = tokens

    def _has_ended(self, kept: Kept) -> bool:
        return kept.ends_s is not None and kept.ends_s <= self._clock()

    def _state(self, kept: Kept) -> TokenState:
        return TokenState(
            name=kept.name,
            route=kept.route,
            created=_text(kept.created_s),
            ends="" if kept.ends_s is None else _text(kept.ends_s),
            has_ended=self._has_ended(kept),
        )


def _read(path: str) -> list[Kept]:
    if not path:
        return []
    try:
        with open(path, "rb") as file:
            return msgspec.json.decode(file.read(), type=list[Kept])
    except (OSError, msgspec.DecodeError):
        return []


def _text(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

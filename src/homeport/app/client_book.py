"""Clients by name, for as long as the engine runs: `alice` is who comes from 127.64.0.1, `bob` is program=firefox.

It knows words and names; who comes in is looked at by the gateway.
"""

from __future__ import annotations

import sys

from homeport.model.errors import HomeportError
from homeport.model.net_client import (
    OF_PROCESSES,
    Match,
    NetClient,
    NetClientSpec,
    parse_match,
    parse_matches,
    parse_name,
)

_OWN = "127.64.0."  # where addresses of named clients begin; anybody may come from any of 127.0.0.0/8 on Linux
_MOST = 254


class ClientBook:
    """`platform` as sys.platform says it."""

    def __init__(self, platform: str = sys.platform) -> None:
        self._all: dict[str, NetClient] = {}
        self._is_linux = platform.startswith("linux")

    def states(self) -> list[NetClient]:
        return list(self._all.values())

    def name(self, spec: NetClientSpec) -> NetClient:
        """Raises HomeportError: "bad-usage", "unsupported"."""
        name = parse_name(spec.name)
        known = self._all.get(name)
        if known is not None and not spec.words:
            return known
        matches = parse_matches(spec.words or [self._address()])
        self._check(matches)
        made = self._all[name] = NetClient(name=name, words=[str(match) for match in matches])
        return made

    def remove(self, name: str) -> NetClient:
        """Raises HomeportError("not-found")."""
        if name not in self._all:
            raise self._unknown(name)
        return self._all.pop(name)

    def plain(self, client: str) -> str:
        """What a client is called: a name as it is, `[::1]` as `::1`. Raises HomeportError for what is neither."""
        match = parse_match(client) if client else None
        if match is None and client and client not in self._all:
            raise self._unknown(client)
        return str(match) if match is not None else client

    def matches(self, client: str) -> tuple[Match, ...]:
        """What tells a client: of a name all its words. Raises HomeportError."""
        if not client:
            return ()
        match = parse_match(client)
        if match is None and client not in self._all:
            raise self._unknown(client)
        matches = (match,) if match is not None else parse_matches(self._all[client].words)
        self._check(matches)
        return matches

    def _check(self, matches: tuple[Match, ...]) -> None:
        if not self._is_linux and any(match.kind in OF_PROCESSES for match in matches):
            why = "this system does not tell whose process a connection is"
            raise HomeportError("unsupported", why, "tell clients apart by an address, header= or agent=")

    def _address(self) -> str:
        if not self._is_linux:
            why = "only Linux has more than one loopback address to come from"
            raise HomeportError("unsupported", why, "homeport net client alice header=X-Player:alice")
        taken = {word for client in self._all.values() for word in client.words}
        for number in range(1, _MOST + 1):
            if (address := f"{_OWN}{number}") not in taken:
                return address
        raise HomeportError("bad-usage", f"{_MOST} clients have an address already", "homeport net client")

    def _unknown(self, name: str) -> HomeportError:
        known = f" (there are {', '.join(sorted(self._all))})" if self._all else ""
        return HomeportError("not-found", f"no client is called {name!r}{known}", f"homeport net client {name}")

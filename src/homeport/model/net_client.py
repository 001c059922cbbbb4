"""A client whose network is its own: how it is told apart, and what it is called.

    127.0.0.7    [::1]:51234    127.0.1.0/24    pid=4121    app=web    program=node    agent=Edge    header=X-Player:1

Where several fit, the narrowest counts. Nothing here looks at a connection; a visitor is described by who accepted it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import msgspec

from homeport.model.errors import HomeportError

Kind = Literal["header", "agent", "connection", "pid", "address", "network", "app", "program"]
# From the narrowest to the widest.
_RANKS: dict[str, int] = {
    kind: rank
    for rank, kind in enumerate(("header", "agent", "connection", "pid", "address", "network", "app", "program"))
}
OF_PROCESSES = frozenset({"pid", "app", "program"})
OF_REQUESTS = frozenset({"header", "agent"})
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_HINT = "homeport net client --help"
Fields = Sequence[tuple[bytes, bytes]]  # of a request


class NetClientSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What `homeport net client NAME …` asks for. Without `words` an address of its own is handed out."""

    name: str
    words: list[str] = []


class NetClient(msgspec.Struct, frozen=True, kw_only=True):
    """A client by its name. Any of the words tells it."""

    name: str
    words: list[str]


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """The process at the other end: its pid and those above it, its program, and the app of homeport it belongs to."""

    pids: tuple[int, ...] = ()
    program: str = ""
    app: str = ""


@dataclass(slots=True)
class Visitor:
    """Who came in. `find_owner` is asked once, and only where a process is asked for."""

    address: str  # "127.0.0.1:53211", "[::1]:53211", "unix"
    find_owner: Callable[[], Owner | None] = lambda: None
    _owner: Owner | None = None
    _was_asked: bool = False

    def owner(self) -> Owner:
        if not self._was_asked:
            self._was_asked, self._owner = True, self.find_owner()
        return self._owner or Owner()

    @property
    def host(self) -> str:
        return self.address.rpartition(":")[0].strip("[]")


@dataclass(frozen=True, slots=True)
class Match:
    """One word, read. `text` is a host, an address with its port, a network, a name, or `Field:value`."""

    kind: Kind
    text: str

    def __str__(self) -> str:
        """The word again, in its plainest form."""
        return self.text if self.kind in ("address", "connection", "network") else f"{self.kind}={self.text}"

    @property
    def rank(self) -> tuple[int, int]:
        """The lower, the narrower."""
        prefix = int(self.text.rpartition("/")[2]) if self.kind == "network" else 0
        return _RANKS[self.kind], -prefix

    def fits(self, visitor: Visitor, fields: Fields = ()) -> bool:
        text = self.text
        match self.kind:
            case "connection":
                return visitor.address == text
            case "address":
                return visitor.host == text
            case "network":
                return _is_in(visitor.host, text)
            case "pid":
                return int(text) in visitor.owner().pids
            case "app":
                return visitor.owner().app == text
            case "program":
                return visitor.owner().program == text
            case "agent":
                return any(name.lower() == b"user-agent" and text in value.decode("latin-1") for name, value in fields)
            case "header":
                field, _, wanted = text.partition(":")
                name = field.encode()
                return any(one.lower() == name and value.decode("latin-1") == wanted for one, value in fields)


def parse_match(word: str) -> Match | None:
    """None for what can be a name alone. Raises HomeportError("bad-usage")."""
    key, equals, value = word.partition("=")
    if equals:
        return _by_key(word, key, value)
    return _by_address(word)


def parse_name(name: str) -> str:
    """Raises HomeportError("bad-usage")."""
    if not _NAME.fullmatch(name) or _by_address(name) is not None:
        raise HomeportError("bad-usage", f"{name!r} cannot be a client's name: lower-case letters and digits", "alice")
    return name


def parse_matches(words: Iterable[str]) -> tuple[Match, ...]:
    """Raises HomeportError("bad-usage")."""
    found = [parse_match(word) for word in words]
    if None in found:
        word = next(word for word, match in zip(words, found, strict=True) if match is None)
        raise HomeportError(
            "bad-usage", f"{word!r} tells no client apart: it is neither an address nor KEY=VALUE", _HINT
        )
    return tuple(match for match in found if match is not None)


def _by_key(word: str, key: str, value: str) -> Match:
    if not value:
        raise HomeportError("bad-usage", f"{word!r} has no value", f"{key}=…")
    if key == "pid" and value.isascii() and value.isdigit():
        return Match("pid", str(int(value)))
    if key == "header":
        field, colon, wanted = value.partition(":")
        if colon and field:
            return Match("header", f"{field.strip().lower()}:{wanted.strip()}")
        raise HomeportError("bad-usage", f"{word!r} needs a field and its value", "header=X-Player:1")
    if key in ("app", "program", "agent"):
        return Match(cast(Kind, key), value)
    if key == "pid":
        raise HomeportError("bad-usage", f"{value!r} is no pid", "pid=4121")
    keys = "pid, app, program, agent or header"
    raise HomeportError("bad-usage", f"clients are told apart by an address, or by {keys}; not by {key!r}", _HINT)


def _by_address(word: str) -> Match | None:
    host, colon, port = word.rpartition(":")
    if "/" in word:
        try:
            return Match("network", str(ipaddress.ip_network(word, strict=False)))
        except ValueError as error:
            raise HomeportError("bad-usage", f"{word!r} is no network: {error}", "127.0.1.0/24") from error
    if (plain := _host(word)) is not None:
        return Match("address", plain)
    if colon and port.isdigit() and (plain := _host(host)) is not None:
        return Match("connection", f"[{plain}]:{port}" if ":" in plain else f"{plain}:{port}")
    return None


def _host(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text.removeprefix("[").removesuffix("]")))
    except ValueError:
        return None


def _is_in(host: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network)
    except ValueError:
        return False

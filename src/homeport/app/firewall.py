"""What is done about a firewall: name the rule that decides by tracing, and let one port through on loopback.

Nothing is changed without a yes. What was done is tried with a connection, and its undo is told; a fix
that does not help is taken back at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

import msgspec

from homeport.model.endpoint import Endpoint
from homeport.model.errors import HomeportError
from homeport.model.firewall import Deciding, Fix

_MOST_FIXES = 8  # each lets the port through one more chain that blocks it
IP = Literal["tcp", "udp"]


class Firewall(Protocol):
    """What is asked of homeport.machine.firewall."""

    def deciding(self, endpoint: Endpoint, protocol: IP = "tcp", uid: int | None = None) -> Deciding | None: ...

    def trace(self, endpoint: Endpoint, protocol: IP = "tcp", uid: int | None = None) -> Deciding | None: ...

    def fix(self, endpoint: Endpoint, deciding: Deciding, protocol: IP = "tcp") -> Fix | None: ...

    def apply(self, fix: Fix) -> tuple[str, Fix]: ...

    def undo(self, fix: Fix) -> str: ...


class Fixed(msgspec.Struct, frozen=True, kw_only=True):
    """How it went. `done` has what was carried out, with the undo as it can be run, last first."""

    endpoint: str
    is_open: bool
    done: tuple[Fix, ...] = ()
    problem: str = ""

    @property
    def undo(self) -> tuple[tuple[str, ...], ...]:
        return tuple(words for fix in self.done for words in fix.undo)


Confirm = Callable[[Deciding, Fix], bool]
Reaches = Callable[[Endpoint], bool]


def traced(firewall: Firewall, endpoint: Endpoint, *, is_root: bool, uid: int | None = None) -> Deciding:
    """What decides about a connection of user `uid`, by tracing one. Raises HomeportError where that cannot be done."""
    if not is_root:
        raise _needs_root(f"sudo homeport doctor --trace {endpoint}", "tracing packets")
    found = firewall.trace(endpoint, uid=uid)
    if found is None:
        raise HomeportError(
            "unsupported", "this system cannot trace packets through its firewall", f"homeport doctor {endpoint}"
        )
    return found


def plan(firewall: Firewall, endpoint: Endpoint, uid: int | None = None) -> tuple[Deciding | None, Fix | None]:
    """What blocks the endpoint as far as rules may be read, and the first thing to do about it."""
    decided = firewall.deciding(endpoint, uid=uid)
    if decided is None or not decided.is_blocked:
        decided = _blocking(firewall.trace(endpoint, uid=uid)) or decided
    return decided, firewall.fix(endpoint, decided) if decided else None


def fix(
    firewall: Firewall,
    endpoint: Endpoint,
    confirm: Confirm,
    reaches: Reaches,
    *,
    is_root: bool,
    uid: int | None = None,
) -> Fixed:
    """Until it is reached, nothing more blocks it, or somebody says no. Raises HomeportError where root is needed.

    `uid`: who is kept from it, where that is not us.
    """
    done: list[Fix] = []
    try:
        return _fix(firewall, endpoint, confirm, reaches, is_root, uid, done)
    except BaseException:
        _take_back(firewall, done)  # also on Ctrl-C: half a fix is none
        raise


def _fix(
    firewall: Firewall,
    endpoint: Endpoint,
    confirm: Confirm,
    reaches: Reaches,
    is_root: bool,
    uid: int | None,
    done: list[Fix],
) -> Fixed:
    if reaches(endpoint):
        return Fixed(endpoint=str(endpoint), is_open=True)
    for _ in range(_MOST_FIXES):
        decided, planned = plan(firewall, endpoint, uid)
        if planned is None or decided is None:
            return _failed(firewall, endpoint, done, _why_not(endpoint, decided, is_root))
        if not confirm(decided, planned):
            return _failed(firewall, endpoint, done, "nothing was changed")
        if planned.needs_root and not is_root:
            raise _needs_root(f"sudo homeport doctor --fix {endpoint}", "changing a firewall")
        complaint, applied = firewall.apply(planned)
        if complaint:
            return _failed(firewall, endpoint, done, f"{planned.commands[0][0]} did not do it: {complaint}")
        done.insert(0, applied)
        if reaches(endpoint):
            return Fixed(endpoint=str(endpoint), is_open=True, done=tuple(done))
    return _failed(firewall, endpoint, done, f"{endpoint} is still not reached, so everything was taken back")


def _failed(firewall: Firewall, endpoint: Endpoint, done: list[Fix], problem: str) -> Fixed:
    left = _take_back(firewall, done)
    return Fixed(endpoint=str(endpoint), is_open=False, done=left, problem=problem)


def _take_back(firewall: Firewall, done: list[Fix]) -> tuple[Fix, ...]:
    """What could not be undone."""
    return tuple(one for one in done if firewall.undo(one))


def _blocking(decided: Deciding | None) -> Deciding | None:
    return decided if decided and decided.is_blocked else None


def _why_not(endpoint: Endpoint, decided: Deciding | None, is_root: bool) -> str:
    if decided is None:
        return "the rules may be read by root only" if not is_root else "the rules cannot be read here"
    if decided.is_blocked:
        return f"no command is known that lets {endpoint} through {decided.chain} of {decided.tool}"
    return f"no rule of a firewall blocks {endpoint}"


def _needs_root(command: str, doing: str) -> HomeportError:
    return HomeportError("needs-root", f"{doing} needs root", command)

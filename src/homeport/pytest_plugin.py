"""The pytest plugin: `free_port`, `free_ports` and `net_conditions`. It does nothing for tests that ask for none.

pytest loads this file in every project of an environment where homeport is installed, so it imports nothing but pytest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from homeport.model.network import ConditionsState


@pytest.fixture
def free_port() -> Iterator[int]:
    """A port that nobody else is given while the test runs, in no other process either: bind it as you like."""
    from homeport.ports import lease

    with lease() as port:
        yield port


@pytest.fixture
def free_ports() -> Iterator[Callable[[int], tuple[int, ...]]]:
    """`free_ports(3)` are three of them, until the test ends."""
    from homeport.ports import Lease, lease

    leases: list[Lease[tuple[int, ...]]] = []

    def more(count: int) -> tuple[int, ...]:
        leases.append(lease(count=count))
        return leases[-1].value

    yield more
    for one in leases:
        one.release()


@pytest.fixture
def net_conditions() -> Iterator[Callable[..., ConditionsState]]:
    """`net_conditions("web", "3g", latency_ms=200)`: a route's network until the test ends, then as it was before."""
    from contextlib import ExitStack

    from homeport.net import conditions

    with ExitStack() as until:
        yield lambda route, *words, **keys: until.enter_context(conditions(route, *words, **keys))

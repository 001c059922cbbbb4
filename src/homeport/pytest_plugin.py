"""The pytest plugin: the fixtures `free_port` and `free_ports`. It does nothing for tests that ask for neither.

pytest loads this file in every project of an environment where homeport is installed, so it imports nothing but pytest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest


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

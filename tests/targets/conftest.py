"""A workshop for every test; it fails the test that leaves processes or tasks behind."""

from __future__ import annotations

import asyncio
import ctypes
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest

from homeport.machine import this_machine
from tests.targets.workshop import Workshop, opened


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Apps are supervised on the loop that the engine runs on; test_child.py tries both."""
    if sys.platform == "win32" or "shop" not in getattr(item, "fixturenames", ()):
        return {"asyncio": asyncio.new_event_loop}
    import uvloop

    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Workshop]:
    async with opened(tmp_path) as made:
        yield made


@pytest.fixture
async def adopting(shop: Workshop) -> AsyncIterator[Workshop]:
    """The test process adopts orphans, as an engine does, until the test is over."""
    if sys.platform != "linux":
        pytest.skip("only Linux lets processes adopt orphans")
    this_machine().adopt_orphans()
    yield shop
    ctypes.CDLL(None).prctl(36, 0, 0, 0, 0)

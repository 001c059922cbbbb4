"""A workshop for every test; it fails the test that leaves processes or tasks behind."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from homeport.machine import this_machine
from tests.targets.workshop import Workshop, opened


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

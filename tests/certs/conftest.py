"""One authority for all tests that only sign with it, and one of its own for a test that changes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from homeport.certs.authority import Authority


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.create(str(tmp_path_factory.mktemp("home") / "ca"))


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """Where an authority may be made."""
    return str(tmp_path / "home" / "ca")

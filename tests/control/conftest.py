"""A house of fakes, served in process and over a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from homeport.app.fake import FakeHouse
from homeport.control.api import make_app
from homeport.control.auth import Auth
from homeport.control.server import Server, listen_unix

TOKEN = "the-token-of-the-tests"


class Sleeper:
    """Time that tests look at instead of waiting for it."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now_s

    async def sleep(self, delay_s: float) -> None:
        self.slept.append(delay_s)


@dataclass
class Served:
    """The API on a Unix socket, and what is behind it."""

    house: FakeHouse
    auth: Auth
    socket: str
    server: Server
    sleeper: Sleeper


@pytest.fixture
def sleeper() -> Sleeper:
    return Sleeper()


@pytest.fixture
def short_path(tmp_path: Path) -> Iterator[str]:
    """Socket paths end at 100 bytes, and pytest's folders may be longer."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="hp-") as folder:
        yield folder


@pytest.fixture
async def served(short_path: str, sleeper: Sleeper, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    monkeypatch.setattr("homeport.control.guard.tells_accounts", lambda: True)  # as on Linux
    auth = Auth(TOKEN, sleeper.clock, sleeper.sleep)
    house = FakeHouse(auth)
    server = Server(make_app(house.service, auth, house.touch))
    path = f"{short_path}/engine.sock"
    await server.serve(listen_unix(path))
    yield Served(house, auth, path, server, sleeper)
    house.hub.close()
    await server.close()

"""Leases and their owners: who shares, who is refused, and what the end of a process ends."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from homeport.app.engine_journal import EngineJournal
from homeport.app.lease_table import Kept, LeaseTable
from homeport.app.owners import Owners
from homeport.machine import this_machine
from homeport.machine.leases import Leases
from homeport.model.app import AppState
from homeport.model.errors import HomeportError
from homeport.model.lease import LeaseSpec, LeaseState, variables

Process = subprocess.Popen[bytes]


class House:
    """A table on this machine, and what it told."""

    def __init__(self, journal: str) -> None:
        self.changes = 0
        self.apps: list[AppState] = []
        self.leases = Leases((32768, 60999))
        self.journal = EngineJournal(journal, this_machine().boot_id(), Kept)
        self.table = LeaseTable(self.leases, this_machine(), self.journal, lambda: self.apps, self._changed)

    def _changed(self) -> None:
        self.changes += 1

    def take(self, name: str = "", pid: int = 0, folder: str = "/a", **more: object) -> list[LeaseState]:
        return self.table.take(LeaseSpec(folder=folder, name=name, pid=pid, **more))  # type: ignore[arg-type]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(str(tmp_path / "leases.json"))
    yield house
    house.table.close()
    assert house.leases.all() == []
    house.leases.close()


@pytest.fixture
def start() -> Iterator[Callable[[], Process]]:
    """A process that waits to be ended."""
    started: list[Process] = []

    def start() -> Process:
        started.append(subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.01)


async def test_a_lease_ends_with_its_owner_who_is_not_even_reaped(house: House, start: Callable[[], Process]) -> None:
    owner = start()
    [state] = house.take("web", owner.pid)
    assert house.table.is_needed
    assert [(one.pid, one.process[:6]) for one in state.owners] == [(owner.pid, "python")]
    owner.kill()
    await until(lambda: house.changes > 0)
    assert (house.table.states(), house.table.is_needed) == ([], False)


async def test_the_last_owner_ends_it(house: House, start: Callable[[], Process]) -> None:
    first, second = start(), start()
    [one], [two] = house.take("web", first.pid), house.take("web", second.pid)
    assert (one.port, one.again, two.again) == (two.port, False, True)
    assert [owner.pid for owner in two.owners] == [first.pid, second.pid]
    first.kill()
    await until(lambda: house.changes == 1)
    assert [owner.pid for owner in house.table.states()[0].owners] == [second.pid]
    house.table.release(one.port, second.pid)
    assert house.table.states() == []


async def test_who_is_about_to_bind_shares_with_who_asks_and_not_with_another(
    house: House, start: Callable[[], Process]
) -> None:
    asker, binder, other = start(), start(), start()
    [asked] = house.take("web", asker.pid)
    [bound] = house.take("web", binder.pid, alone=True)
    assert bound.port == asked.port
    assert house.take("web", asker.pid)[0].again
    assert house.take("web", binder.pid, alone=True)[0].again
    with pytest.raises(HomeportError) as caught:
        house.take("web", other.pid, alone=True, count=2)
    assert (caught.value.code, f"(pid {binder.pid})" in caught.value.message) == ("name-taken", True)
    assert len(house.table.states()) == 1
    binder.kill()
    binder.wait()
    assert house.take("web", other.pid, alone=True)[0].port == asked.port


async def test_a_count_is_all_or_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    reserve = house.leases.reserve

    def two(folder: str, name: str, number: int = 1) -> object:
        if number > 2:
            raise HomeportError("no-free-port", "none is left")
        return reserve(folder, name, number)

    monkeypatch.setattr(house.leases, "reserve", two)
    with pytest.raises(HomeportError):
        house.take("web", count=3)
    assert house.table.states() == []
    states = house.take("web", count=2)
    assert [state.number for state in states] == [1, 2]
    assert house.take("web")[0].port == states[0].port


@pytest.mark.parametrize("with_pidfd", [True, False])
async def test_owners_that_are_gone_or_never_were_are_refused(with_pidfd: bool, start: Callable[[], Process]) -> None:
    ended: list[int] = []
    owners = Owners(this_machine(), ended.append, with_pidfd=with_pidfd)
    process = start()
    assert owners.watch(process.pid)
    assert owners.watch(process.pid)
    process.kill()
    await until(lambda: this_machine().start_time(process.pid) is None)
    assert not owners.lives(process.pid)
    assert ended == [process.pid]
    process.wait()
    assert not owners.watch(process.pid)
    assert not owners.watch(2**22 + 1)
    owners.close()


async def test_without_pidfds_they_are_looked_at(start: Callable[[], Process], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("homeport.app.owners.LOOK_AGAIN_S", 0.01)
    ended: list[int] = []
    owners = Owners(this_machine(), ended.append, with_pidfd=False)
    process, other = start(), start()
    assert owners.watch(process.pid)
    assert owners.watch(other.pid)
    process.kill()
    await until(lambda: ended == [process.pid])
    owners.forget(other.pid)
    await until(lambda: owners._timer is None)
    owners.close()


async def test_a_pid_that_another_process_has_now_is_a_dead_owner() -> None:
    times = {7: 1.0}

    class Clock:
        def start_time(self, pid: int) -> float | None:
            return times.get(pid)

    ended: list[int] = []
    owners = Owners(Clock(), ended.append, with_pidfd=False)
    assert owners.watch(7)
    times[7] = 2.0
    assert not owners.lives(7)
    assert ended == [7]
    assert owners.watch(7)
    owners.close()


async def test_a_guest_keeps_the_engine_until_it_ends(house: House, start: Callable[[], Process]) -> None:
    guest = start()
    house.table.welcome(guest.pid)
    [state] = house.take("", guest.pid)
    house.table.release(state.port, guest.pid)
    assert house.table.is_needed
    before = house.changes
    guest.kill()
    await until(lambda: house.changes > before)
    assert not house.table.is_needed


async def test_the_ports_of_apps_are_shown_with_their_process(house: House) -> None:
    port = house.leases.lease("/shop", "web").port
    house.apps = [
        AppState(name="web", project="shop", folder="/shop", route="web", kind="process", state="ready", port=port)
    ]
    house.apps[0].pid = os.getpid()
    [state] = house.table.states()
    assert (state.kind, state.name, state.owners[0].pid) == ("app", "web", os.getpid())
    assert not house.table.is_needed
    house.leases.close()


async def test_the_next_engine_knows_the_leases_of_one_that_was_killed(
    house: House, tmp_path: Path, start: Callable[[], Process]
) -> None:
    lives, dies = start(), start()
    house.take("web", lives.pid, alone=True, count=2)
    house.take("web", dies.pid, count=1)
    house.take("", dies.pid)
    house.take("kept")
    house.take("", lives.pid)
    house.table.release(house.take("gone", lives.pid)[0].port, None)
    before = house.table.states()
    await until(lambda: os.path.exists(tmp_path / "leases.json"))
    dies.kill()
    dies.wait()
    (tmp_path / "left.json").write_bytes((tmp_path / "leases.json").read_bytes())
    house.leases.close()  # what the kernel does with a killed engine's sockets
    after = House(str(tmp_path / "left.json"))
    after.table.restore()
    expected = [state for state in before if [owner.pid for owner in state.owners] != [dies.pid]]
    assert [(one.port, one.name, one.number, one.since) for one in after.table.states()] == [
        (one.port, one.name, one.number, one.since) for one in expected
    ]
    assert {owner.pid for state in after.table.states() for owner in state.owners} == {lives.pid}
    with pytest.raises(HomeportError, match="is used by"):
        after.take("web", os.getpid(), alone=True)
    lives.kill()
    await until(lambda: [state.name for state in after.table.states()] == ["kept"])
    after.table.close()
    assert not os.path.exists(tmp_path / "left.json")


@pytest.mark.parametrize("content", [b"", b"{}", b"nonsense", b'{"boot":"another","kept":[]}', b"[1]", b"\xff"])
async def test_a_journal_that_is_none_holds_nothing(house: House, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "leases.json").write_bytes(content)
    house.table.restore()
    assert house.table.states() == []


async def test_a_pid_of_today_is_not_the_owner_of_yesterday(house: House, tmp_path: Path) -> None:
    lease = {"port": 23456, "folder": "/a", "name": "web", "number": 1, "since": "", "owners": {os.getpid(): 1.0}}
    content = {"boot": this_machine().boot_id(), "kept": [lease]}
    (tmp_path / "leases.json").write_bytes(msgspec.json.encode(content))
    house.table.restore()
    assert house.table.states() == []


@pytest.mark.parametrize(
    ("name", "count", "names"),
    [
        ("", 1, ["PORT"]),
        ("", 2, ["PORT1", "PORT2"]),
        ("web", 1, ["WEB_PORT"]),
        ("API_PORT", 1, ["API_PORT"]),
        ("port", 1, ["PORT"]),
        ("my-api.v2", 2, ["MY_API_V2_PORT1", "MY_API_V2_PORT2"]),
        ("path", 1, ["PATH_PORT"]),
        ("3d", 1, ["_3D_PORT"]),
        ("Ünï", 1, ["_N__PORT"]),
        ("a;rm -rf", 1, ["A_RM__RF_PORT"]),
    ],
)
def test_names_of_variables(name: str, count: int, names: list[str]) -> None:
    assert list(variables(name, list(range(1, count + 1)))) == names

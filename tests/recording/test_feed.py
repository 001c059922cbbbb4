"""The engine's end with a real recorder process: asking, hearing, and what a kill -9 of either side costs."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from homeport.model.errors import HomeportError
from homeport.model.exchange import Exchange, ExchangeSummary
from homeport.model.log import LogLine
from homeport.model.settings import Settings
from homeport.recording import feed
from homeport.recording.command import recorder_command
from homeport.recording.feed import Recording
from homeport.recording.store import Store
from tests.recording.stage import exchange


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "store.db"


@pytest.fixture
async def recording(path: Path) -> AsyncIterator[Recording]:
    made = Recording(Settings(), recorder_command(path, Settings()))
    await made.start()
    yield made
    await made.close()
    assert made.pid is None


def pass_by(recording: Recording, count: int = 1) -> list[int]:
    """Exchanges that begin and end at once."""
    numbers = [recording.tap.next_id() for _ in range(count)]
    for number in numbers:
        made = exchange(number)
        recording.tap.opened(made)
        recording.tap.closed(made)
    return numbers


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what the recorder tells; the time limit of the test is the limit."""
    while not holds():
        await asyncio.sleep(0.01)


async def test_what_has_passed_can_be_asked_for_at_once(recording: Recording) -> None:
    assert await recording.search() == []
    pass_by(recording, 3)
    assert [summary.id for summary in await recording.search()] == [3, 2, 1]
    assert [summary.id for summary in await recording.search("", 1, 3)] == [2]
    assert (await recording.detail(2)).response_body.text == '{"name":"Al"}'
    assert await recording.body(2, "response") == (b'{"name":"Al"}', "application/json")
    recording.tap.line(LogLine(app="api", at="2026-11-22T00:00:00Z", text="hello"))
    assert [line.text for line in await recording.logs("api")] == ["hello"]
    assert await recording.logs("web") == []


async def test_mistakes_come_back_as_errors(recording: Recording) -> None:
    for question, code in [
        (recording.detail(99), "not-found"),
        (recording.body(99, "request"), "not-found"),
        (recording.body(99, "middle"), "bad-usage"),
        (recording.search("statsu:500"), "bad-usage"),
    ]:
        with pytest.raises(HomeportError) as caught:
            await question
        assert caught.value.code == code
    with pytest.raises(HomeportError):
        recording.subscribe(print, "statsu:500")


async def test_clearing_forgets(recording: Recording) -> None:
    pass_by(recording, 5)
    await recording.clear()
    assert await recording.search() == []
    assert pass_by(recording) == [6]
    assert len(await recording.search()) == 1


async def test_a_subscriber_hears_what_matches_and_every_line(recording: Recording) -> None:
    heard: list[ExchangeSummary | LogLine] = []
    end = recording.subscribe(heard.append, "status:404 -path:/health")
    recording.tap.line(LogLine(app="api", at="2026-11-22T00:00:00Z", text="now"))
    assert [line.text for line in heard if isinstance(line, LogLine)] == ["now"]
    pass_by(recording)
    missing = exchange(recording.tap.next_id(), response_head=b"HTTP/1.1 404 Not Found\r\n\r\n")
    recording.tap.closed(missing)
    await until(lambda: len(heard) > 1)
    assert isinstance(heard[1], ExchangeSummary)
    assert (heard[1].id, heard[1].status) == (missing.id, 404)
    end()
    end()
    recording.tap.line(LogLine(app="api", at="2026-11-22T00:00:00Z"))
    assert len(heard) == 2


async def test_a_subscriber_that_fails_hurts_nobody(recording: Recording) -> None:
    reported: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context["exception"]))

    def fail(_: object) -> None:
        raise RuntimeError("mine")

    heard: list[object] = []
    recording.subscribe(fail)
    recording.subscribe(heard.append)
    recording.tap.line(LogLine(app="api", at=""))
    assert len(heard) == len(reported) == 1


async def test_an_exchange_is_seen_while_it_runs(recording: Recording) -> None:
    heard: list[ExchangeSummary | LogLine] = []
    recording.subscribe(heard.append, "ending:open")
    running = Exchange(
        recording.tap.next_id(), opened_s=time.perf_counter(), request_head=b"GET /slow HTTP/1.1\r\n\r\n"
    )
    recording.tap.opened(running)
    await until(lambda: bool(heard))
    (found,) = await recording.search("path:/slow")
    assert (found.ending, found.duration_ms) == ("open", None)
    running.closed_s, running.ending = time.perf_counter(), "complete"
    recording.tap.closed(running)
    (found,) = await recording.search("path:/slow")
    assert found.ending == "complete"
    await until(lambda: recording.backlog_bytes == 0)
    assert recording.state().exchanges == 1


async def test_what_passes_too_fast_is_counted_and_said(recording: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording._outbox, "_limit", 20_000)
    for _ in range(20):
        pass_by(recording, 256)  # never gives the loop a turn to hear what is done
    state = recording.state()
    assert state.lost > 0
    assert f"{state.lost} exchanges were not recorded" in state.problem
    assert len(await recording.search(limit=10_000)) + recording.state().lost == 20 * 256


async def test_numbers_go_on_in_the_next_engine(path: Path) -> None:
    for expected in ([1, 2], [3, 4]):
        recording = Recording(Settings(), recorder_command(path, Settings()))
        await recording.start()
        assert pass_by(recording, 2) == expected
        await recording.close()


async def test_without_recording_there_are_still_logs(path: Path) -> None:
    settings = Settings(recording=False)
    recording = Recording(settings, recorder_command(path, settings))
    await recording.start()
    assert recording.tap.body_limit_bytes == 0  # the road keeps no bytes that nobody wants
    pass_by(recording)
    recording.tap.line(LogLine(app="api", at="2026-11-22T00:00:00Z", text="hello"))
    assert len(await recording.logs()) == 1
    assert await recording.search() == []
    await recording.close()


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop is not for Windows")
def test_it_runs_on_the_loop_that_ships(path: Path) -> None:
    import uvloop

    async def whole() -> None:
        recording = Recording(Settings(), recorder_command(path, Settings()))
        await recording.start()
        pass_by(recording, 2000)
        assert len(await recording.search(limit=5000)) == 2000
        await recording.close()
        assert recording.state().lost == 0

    with asyncio.Runner(loop_factory=uvloop.new_event_loop, debug=True) as runner:
        runner.run(whole())


HIGH = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (4000, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
from homeport.recording.command import arguments
from homeport.recording.recorder import main
fd, path, settings = arguments(sys.argv[1:])
high = os.dup2(fd, 3000)
os.close(fd)
main(high, path, settings)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="descriptors are numbers on POSIX only")
async def test_an_engine_with_thousands_of_connections_can_start_a_recorder(path: Path) -> None:
    recording = Recording(Settings(), recorder_command(path, Settings(), ("-c", HIGH)))
    await recording.start()
    pass_by(recording)
    assert len(await recording.search()) == 1
    await recording.close()


# kill -9


async def test_a_recorder_killed_under_load_loses_nothing(
    recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "_BACK_OFF_S", (0.01,))
    running = Exchange(recording.tap.next_id(), opened_s=time.perf_counter() - 1)
    recording.tap.opened(running)
    numbers: list[int] = []
    for _ in range(3):
        victim = recording.pid
        while recording.pid == victim:
            numbers += pass_by(recording, 20)
            await asyncio.sleep(0.002)
            if len(numbers) % 1000 == 0 and victim is not None:
                os.kill(victim, signal.SIGKILL)
                await until(lambda victim=victim: recording.pid != victim)  # type: ignore[misc]
        await recording.search(limit=1)  # the next one is there
    found = await recording.search(limit=100_000)
    assert [summary.id for summary in found if summary.ending == "complete"] == numbers[::-1]
    assert [summary.id for summary in found if summary.ending == "open"] == [running.id]
    assert recording.state().lost == 0


async def test_a_recorder_that_cannot_start_is_said_and_waits_for_nobody(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "_HELLO_S", 0.3)
    monkeypatch.setattr(feed, "_LAST_HELLO_S", 0.1)
    for command in ([sys.executable, "-c", "raise SystemExit(3)"], ["/no/such/program"]):
        recording = Recording(Settings(), lambda _, command=command: command)  # type: ignore[misc]
        await recording.start()
        pass_by(recording, 1000)
        with pytest.raises(HomeportError) as caught:
            await recording.search()
        assert caught.value.code == "storage-failed"
        assert "the recorder" in recording.state().problem
        await recording.close()


ENGINE = """
import asyncio, sys
from pathlib import Path
from homeport.model.settings import Settings
from homeport.recording.command import recorder_command
from homeport.recording.feed import Recording
from tests.recording.test_feed import pass_by

async def main():
    recording = Recording(Settings(), recorder_command(Path(sys.argv[1]), Settings()))
    await recording.start()
    while True:
        last = pass_by(recording, 50)[-1]
        if recording.backlog_bytes == 0 or last > 5000:
            print(last, flush=True)
        await asyncio.sleep(0.001)

asyncio.run(main())
"""


def test_an_engine_killed_under_load_leaves_a_whole_store(path: Path) -> None:
    root = Path(__file__).parents[2]
    engine = subprocess.Popen(
        [sys.executable, "-c", ENGINE, str(path)], cwd=root, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert engine.stdout is not None
    for line in engine.stdout:
        if int(line) > 5000:
            break
    engine.kill()
    engine.wait()
    engine.stdout.close()
    store = opened_when_free(path)
    numbers = [row[0] for row in store.rows("SELECT id FROM exchange ORDER BY id")]
    assert len(numbers) > 1000
    assert numbers == list(range(1, len(numbers) + 1))
    assert store.rows("SELECT count(*) FROM raw") == [(len(numbers),)]
    assert store.rows("PRAGMA integrity_check") == [("ok",)]
    store.close()


def opened_when_free(path: Path) -> Store:
    """The recorder of a killed engine writes what it had been sent, and ends by itself."""
    deadline_s = time.monotonic() + 20
    while True:
        try:
            return Store(path)
        except sqlite3.OperationalError:
            assert time.monotonic() < deadline_s
            os.sched_yield()

"""The tap on a manual clock: what it hands over, when, and what it drops when nobody takes it."""

from __future__ import annotations

import itertools
import threading

import pytest

from homeport.gateway.seams import Tap
from homeport.model.exchange import Exchange
from homeport.model.log import LogLine
from homeport.recording import tap as module
from homeport.recording.channel import Newcomer
from homeport.recording.memory import MemoryTap
from homeport.recording.tap import LinesTap, RecorderTap


class Stage:
    """A tap, the hand of its clock, and what it asked for."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.wakes: list[bool] = []
        self.greeted: list[Newcomer] = []
        self.told: list[LogLine] = []
        self.tap = RecorderTap(self.wakes.append, self.greeted.append, self.told.append, clock=lambda: self.now_s)

    def open(self, client: str = "127.0.0.1:5000") -> Exchange:
        exchange = Exchange(self.tap.next_id(), client=client, opened_s=self.now_s)
        self.tap.opened(exchange)
        return exchange

    def running(self) -> list[int]:
        batch = self.tap.take()
        return [exchange.id for exchange in batch.running] if batch else []


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_what_runs_is_known_whether_it_was_told_or_not(stage: Stage) -> None:
    old, ended = stage.open(), stage.open()
    stage.now_s += 1
    stage.tap.take()
    young = stage.open()
    stage.tap.closed(ended)
    assert [exchange.id for exchange in stage.tap.running()] == [young.id, old.id]


def test_what_passed_is_handed_over_once_and_asked_for_once(stage: Stage) -> None:
    for _ in range(3):
        stage.tap.closed(stage.open())
    assert stage.wakes == [False]
    batch = stage.tap.take()
    assert batch is not None
    assert [exchange.id for exchange in batch.closed] == [1, 2, 3]
    assert stage.tap.take() is None
    stage.open()
    assert stage.wakes == [False, False]


def test_many_or_large_exchanges_are_urgent(stage: Stage) -> None:
    for _ in range(module.BATCH_RECORDS):
        stage.tap.closed(stage.open())
    assert stage.wakes == [False, True]
    stage.tap.take()
    large = stage.open()
    large.response_bytes = module.BATCH_BYTES
    stage.tap.closed(large)
    assert stage.wakes[-1]


def test_what_nobody_takes_is_counted_and_not_kept(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "QUEUE_RECORDS", 5)
    for _ in range(8):
        stage.tap.closed(stage.open())
        stage.tap.line(LogLine(app="a", at=""))
    batch = stage.tap.take()
    assert batch is not None
    assert (len(batch.closed), stage.tap.lost) == (5, 3)
    assert (len(batch.lines), stage.tap.lost_lines) == (5, 3)
    assert len(stage.told) == 8  # a line that is not kept is still shown


def test_an_exchange_that_lasts_is_told_about_while_it_runs(stage: Stage) -> None:
    exchange = stage.open()
    stage.now_s += 0.05
    assert stage.running() == []
    assert stage.tap.next_look_s() == pytest.approx(0.03)
    stage.now_s += 0.06
    assert stage.running() == [exchange.id]
    stage.now_s += 5
    assert stage.running() == []  # nothing has happened on it
    exchange.response_bytes += 10
    stage.now_s += 20
    assert stage.running() == [exchange.id]
    stage.tap.closed(exchange)
    assert stage.running() == []
    assert stage.tap.next_look_s() is None


def test_progress_is_told_ever_more_rarely(stage: Stage) -> None:
    exchange = stage.open()
    told: list[float] = []
    began_s = stage.now_s
    for _ in range(1000):
        stage.now_s += 0.1
        exchange.response_bytes += 1
        if stage.running():
            told.append(stage.now_s - began_s)
    gaps = [later - earlier for earlier, later in itertools.pairwise(told)]
    assert gaps[0] == pytest.approx(1, abs=0.2)
    assert gaps[-1] == pytest.approx(16, abs=0.2)
    assert gaps == pytest.approx(sorted(gaps), abs=0.2)


def test_a_new_recorder_hears_of_everything_that_runs(stage: Stage) -> None:
    numbers = [stage.open().id for _ in range(3)]
    stage.now_s += 1
    assert stage.running() == numbers
    stage.tap.announce_all()
    assert stage.running() == numbers


def test_pieces_of_an_upgraded_connection_come_with_its_announcement(stage: Stage) -> None:
    exchange = stage.open()
    stage.now_s += 0.01
    stage.tap.seen(exchange, True, b"ping")
    stage.now_s += 0.01
    stage.tap.seen(exchange, False, b"pong")
    batch = stage.tap.take()
    assert batch is not None
    assert [running.id for running in batch.running] == [exchange.id]
    pieces = [(piece.exchange, piece.n, piece.from_client, piece.data) for piece in batch.pieces]
    assert pieces == [(exchange.id, 0, True, b"ping"), (exchange.id, 1, False, b"pong")]
    assert [piece.at_us for piece in batch.pieces] == pytest.approx([10_000, 20_000], abs=2)


def test_a_talkative_connection_is_kept_from_its_beginning_and_the_rest_counted(stage: Stage) -> None:
    exchange = stage.open()
    stage.tap.seen(exchange, True, b"x" * (module.PIECE_BYTES_OF_ONE - 10))
    stage.tap.seen(exchange, True, b"too long")
    stage.tap.seen(exchange, True, b"too long" * 2)
    stage.tap.seen(exchange, True, b"y")  # would fit, but behind a gap nothing can be read
    stage.tap.closed(exchange)
    batch = stage.tap.take()
    assert batch is not None
    assert [len(piece.data) for piece in batch.pieces] == [module.PIECE_BYTES_OF_ONE - 10, 8]
    assert batch.pieces_cut == {exchange.id: 2}


def test_new_clients_are_greeted_at_once_but_rationed(stage: Stage) -> None:
    for number in range(100):
        stage.open(f"127.0.0.1:{number}")
        stage.open(f"127.0.0.1:{number}")
        stage.now_s += 0.01
    assert stage.greeted[0].client == "127.0.0.1:0"
    assert 18 <= len(stage.greeted) <= 21


def test_numbers_never_go_backwards(stage: Stage) -> None:
    stage.tap.number_from(500, 70)
    assert stage.tap.next_id() == 500
    stage.tap.number_from(3, 3)
    assert stage.tap.next_id() > 500
    assert stage.tap.next_line() >= 70


def test_the_relays_thread_loses_nothing_to_a_take(stage: Stage) -> None:
    def relay() -> None:
        for _ in range(3000):
            stage.tap.closed(stage.open())

    thread = threading.Thread(target=relay)
    taken = 0
    thread.start()
    while thread.is_alive():
        batch = stage.tap.take()
        taken += len(batch.closed) if batch else 0
    thread.join()
    batch = stage.tap.take()
    taken += len(batch.closed) if batch else 0
    assert taken + stage.tap.lost == 3000


def test_without_recording_only_lines_are_kept() -> None:
    tap = LinesTap(lambda _: None)
    exchange = Exchange(tap.next_id())
    tap.opened(exchange)
    tap.seen(exchange, True, b"x")
    tap.closed(exchange)
    tap.line(LogLine(app="a", at=""))
    batch = tap.take()
    assert batch is not None
    assert (batch.closed, batch.running, batch.pieces, len(batch.lines)) == ([], [], [], 1)


def test_the_fake_and_the_real_one_fit_the_gateway() -> None:
    taps: list[Tap] = [MemoryTap(), RecorderTap(lambda _: None)]
    for tap in taps:
        exchange = Exchange(tap.next_id())
        tap.opened(exchange)
        tap.seen(exchange, False, b"ab")
        tap.closed(exchange)
    fake = taps[0]
    assert isinstance(fake, MemoryTap)
    assert fake.exchanges
    assert not fake.running
    assert fake.passed(1, from_client=False) == b"ab"

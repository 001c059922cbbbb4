"""Frames come out as they went in, however they are cut; what is not confirmed is kept, bounded, and sent again."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from homeport.model.exchange import Exchange
from homeport.model.log import LogLine
from homeport.recording.channel import BATCH, Batch, FrameReader, frame
from homeport.recording.outbox import Outbox
from tests.recording.stage import batch, exchange


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=300))), st.integers(1, 400))
def test_frames_survive_any_cut(frames: list[tuple[int, bytes]], step: int) -> None:
    wire = b"".join(frame(kind, payload) for kind, payload in frames)
    reader = FrameReader()
    got = [found for at in range(0, len(wire), step) for found in reader.feed(wire[at : at + step])]
    assert got == frames


def test_a_batch_travels_whole() -> None:
    sent = batch(3, exchange(1), running=[Exchange(2)], pieces_cut={2: 5}, lines=[LogLine(app="a", at="x", text="é")])
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(sent), type=Batch) == sent


def numbers_of(frames: list[bytes]) -> list[int]:
    reader = FrameReader()
    found = [reader.feed(data)[0] for data in frames]
    assert all(kind == BATCH for kind, _ in found)
    return [msgspec.msgpack.decode(payload, type=Batch).number for _, payload in found]


def test_what_is_not_confirmed_is_sent_again_in_order() -> None:
    outbox = Outbox()
    for number in range(1, 6):
        assert outbox.put(batch(0, exchange(number)))
    outbox.done(2)
    assert numbers_of(outbox.again()) == [3, 4, 5]
    outbox.done(5)
    assert outbox.again() == []
    assert outbox.backlog_bytes == 0


def test_what_finds_no_room_is_counted() -> None:
    outbox = Outbox(limit_bytes=2000)
    for number in range(10):
        outbox.put(batch(0, exchange(number), lines=[LogLine(app="a", at="")]))
    kept = len(outbox.again())
    assert 0 < kept < 10
    assert (outbox.lost, outbox.lost_lines) == (10 - kept, 10 - kept)
    outbox.done(10)
    assert outbox.put(batch(0, exchange(11)))


def test_a_batch_that_ends_every_recorder_is_given_up() -> None:
    outbox = Outbox()
    outbox.put(batch(0, exchange(1)))
    outbox.put(batch(0, exchange(2)))
    tries = [numbers_of(outbox.again()) for _ in range(6)]
    assert tries == [[1, 2], [1, 2], [1, 2], [1, 2], [2], [2]]
    assert outbox.lost == 1


def test_text_that_is_no_text_is_lost_and_not_raised() -> None:
    outbox = Outbox()
    assert outbox.put(batch(0, exchange(1, why="\ud800"))) == b""
    assert outbox.lost == 1

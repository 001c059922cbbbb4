"""Network conditions on a TCP connection, exactly: on a manual clock, what arrives when."""

from __future__ import annotations

import socket

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeport.conditions.settings import (
    Bandwidth,
    BurstLoss,
    Condition,
    Conditions,
    DataLimit,
    Latency,
    Outage,
    RandomLoss,
    Reset,
    Silence,
    Slicing,
    SlowClose,
)
from homeport.gateway import underway
from homeport.model.exchange import CLIENT_GONE, COMPLETE, UPSTREAM_GONE
from tests.gateway.tcp_line import Arrival, Line, line

MESSAGE = bytes(range(256)) * 128  # 32 KiB


def up(*stack: Condition, seed: int = 0) -> Conditions:
    return Conditions(up=stack, seed=seed)


def moments(arrivals: list[Arrival]) -> list[float]:
    return sorted({at_s for at_s, _ in arrivals})


def test_two_latencies_add_up() -> None:
    with line(up(Latency(latency_ms=50), Latency(latency_ms=20))) as way:
        way.client.send(MESSAGE)
        way.until(1.0)
        assert moments(way.server.arrivals) == [0.07]
        assert way.server.got == MESSAGE
        way.server.send(b"answer")
        way.until(2.0)
        assert way.client.arrivals == [(1.0, b"answer")], "the other direction feels nothing"


def test_a_bandwidth_lets_no_byte_through_early_and_wastes_no_time() -> None:
    with line(up(Bandwidth(rate_bps=80_000))) as way:
        way.client.send(MESSAGE)
        way.until(10.0)
    came = 0
    for at_s, data in way.server.arrivals:
        came += len(data)
        assert came <= at_s * 10_000 + 1e-6
    assert way.server.got == MESSAGE
    assert way.server.arrivals[-1][0] == pytest.approx(len(MESSAGE) / 10_000)


def test_a_slow_line_is_not_read_before_its_queue_has_room() -> None:
    with line(up(Bandwidth(rate_bps=80_000, queue_ms=100))) as way:
        way.client.send(bytes(1 << 20))
        way.until(1.0)
        assert len(way.server.got) <= 10_000
        assert way.link.exchange.request_bytes <= 10_000 + 1_000 + 2 * underway.FIRST_CHUNK
        assert way.client.unsent, "the sender has to wait"


def test_slices_leave_one_by_one() -> None:
    with line(up(Slicing(size_bytes=1000, delay_us=1000))) as way:
        way.client.send(MESSAGE[:4000])
        way.until(1.0)
    assert [(at_s, len(data)) for at_s, data in way.server.arrivals] == [
        (0.0, 1000), (0.001, 1000), (0.002, 1000), (0.003, 1000)
    ]  # fmt: skip
    assert way.server.got == MESSAGE[:4000]


def test_a_reset_is_a_real_one_on_both_sides() -> None:
    with line(up(Reset(after_ms=100)), tcp=True) as way:
        way.client.send(b"hello")
        way.until(0.0999)
        assert (way.client.state, way.server.state) == ("open", "open")
        way.until(0.1)
        assert (way.client.is_reset(), way.server.is_reset()) == (True, True)
        assert (way.link.exchange.ending, way.link.exchange.why) == (UPSTREAM_GONE, "network conditions: reset")


def test_a_limit_passes_its_bytes_and_closes_both_sides() -> None:
    with line(Conditions(down=(DataLimit(limit_bytes=10_000), Latency(latency_ms=10)))) as way:
        way.server.send(MESSAGE)
        way.until(1.0)
        assert way.client.got == MESSAGE[:10_000]
        assert (way.client.state, way.client.ended_s) == ("end", 0.01)
        assert way.server.state == "end"
        way.client.sock.close()
        way.until(2.0)
        assert way.link.over
        assert way.link.exchange.why == "network conditions: limit of 10000 bytes reached"


def test_silence_holds_and_closes_after_its_time() -> None:
    with line(up(Silence(close_after_ms=200))) as way:
        way.client.send(b"one")
        way.until(0.1)
        way.client.send(b"two")
        way.until(1.0)
        assert (way.server.got, way.server.state, way.server.ended_s) == (b"", "end", 0.3)


def test_what_silence_held_leaves_when_it_is_lifted() -> None:
    with line(up(Silence())) as way:
        way.client.send(MESSAGE)
        way.until(5.0)
        assert not way.server.got
        way.condition(None)
        assert way.server.got == MESSAGE
        assert moments(way.server.arrivals) == [5.0]


@pytest.mark.parametrize("conditions", [up(SlowClose(delay_ms=300)), up(Latency(latency_ms=300))])
def test_an_end_takes_the_same_way_and_the_other_direction_stays(conditions: Conditions) -> None:
    with line(conditions) as way:
        way.client.sock.shutdown(socket.SHUT_WR)
        way.until(1.0)
        assert (way.server.state, way.server.ended_s) == ("end", 0.3)
        way.server.send(b"answer")
        way.server.sock.shutdown(socket.SHUT_WR)
        way.until(2.0)
        assert (way.client.got, way.client.state) == (b"answer", "end")
        assert way.link.exchange.ending == COMPLETE


def test_a_reset_of_a_peer_arrives_behind_its_last_bytes() -> None:
    with line(Conditions(down=(Latency(latency_ms=100),)), tcp=True) as way:
        way.server.send(b"413 too large")
        way.server.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        way.server.sock.close()
        way.server.state = "gone"
        way.until(0.0999)
        assert (way.client.got, way.client.state) == (b"", "open")
        way.until(0.1)
        assert way.client.is_reset()
        assert way.client.got == b"413 too large"
        assert way.link.exchange.why == "the upstream reset the connection"


def test_conditions_hold_for_the_next_byte_of_a_connection_that_runs() -> None:
    with line(None) as way:
        way.client.send(b"fast ")
        way.until(1.0)
        way.condition(up(Latency(latency_ms=100)))
        way.client.send(b"slow ")
        way.until(2.0)
        way.condition(up(Latency(latency_ms=200)))
        way.client.send(b"slower")
        way.until(3.0)
        assert way.server.arrivals == [(0.0, b"fast "), (1.1, b"slow "), (2.2, b"slower")]


def test_cleared_conditions_let_go_at_the_due_and_then_the_flow_is_plain_again() -> None:
    with line(up(Latency(latency_ms=100))) as way:
        way.client.send(b"one ")
        way.until(0.05)
        way.condition(None)
        way.client.send(b"two ")
        way.until(1.0)
        way.client.send(b"three")
        way.until(2.0)
        assert way.server.arrivals == [(0.1, b"one two "), (1.0, b"three")]
        assert way.link.up is not None
        assert way.link.up.held is None
        assert way.link.up.plain


def test_conditions_that_come_in_the_middle_of_bulk_keep_its_bytes() -> None:
    bulk = MESSAGE * 64
    with line(None) as way:
        way.server.look = lambda: None  # type: ignore[method-assign] # it takes nothing, until the pipe is full
        way.client.send(bulk)
        way.until(1.0)
        assert way.link.up is not None
        assert way.link.up.blocked
        way.condition(up(Latency(latency_ms=10)))
        del way.server.look
        for at_s in range(2, 200):
            way.until(float(at_s))
            if len(way.server.got) == len(bulk):
                break
        assert way.server.got == bulk


def test_the_first_bytes_are_kept_for_the_recording() -> None:
    with line(up(Latency(latency_ms=10)), keep_bytes=8) as way:
        way.client.send(b"0123456789")
        way.until(1.0)
        assert b"".join(way.link.exchange.request_body) == b"01234567"
        assert way.link.exchange.request_bytes == 10


def test_an_outage_cuts_what_runs() -> None:
    with line(None) as way:
        way.client.send(b"hello")
        way.until(1.0)
        way.condition(up(Outage(how="drop")))
        assert (way.client.state, way.server.state) == ("end", "end")


def test_nobody_is_waited_for_when_both_sides_were_reset_in_silence() -> None:
    with line(Conditions(up=(Silence(),), down=(Silence(),)), tcp=True) as way:
        for end in (way.client, way.server):
            end.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            end.sock.close()
            end.state = "gone"
        way.until(1.0)
        assert way.link.over
        assert way.link.exchange.ending == CLIENT_GONE


def test_the_same_seed_decides_the_same_and_says_so_beside_the_exchange() -> None:
    conditions = up(Latency(latency_ms=50, jitter_ms=20), BurstLoss(rate=0.2, burst=3), seed=7)
    runs = []
    for _ in range(2):
        with line(conditions) as way:
            for number in range(20):
                way.client.send(MESSAGE[:3000])
                way.until(number * 0.1)
            way.until(100.0)
            runs.append(way.server.arrivals)
            way.link.fail("", "")
            told = way.link.exchange.conditions
    assert runs[0] == runs[1]
    assert told is not None
    assert (told.settings["seed"], told.number) == (7, -1)  # the stage makes it feel them from its first byte on
    assert told.up["retransmitted"] > 0
    assert msgspec.convert(told.settings, Conditions) == conditions


def test_what_is_under_way_is_bounded_however_long_the_latency(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(underway, "MOST_BYTES", 300_000)
    with line(up(Latency(latency_ms=10_000))) as way:
        way.client.send(bytes(4 << 20))
        way.until(9.9)
        assert way.client.unsent
        assert 300_000 <= way.conditions.state().held_bytes < 300_000 + 2 * underway.LARGEST_CHUNK
        way.until(1000.0)
        assert len(way.server.got) == 4 << 20
        assert way.conditions.room.held == 0


def test_who_takes_nothing_stops_the_sender_soon() -> None:
    with line(up(Latency(latency_ms=10))) as way:
        way.server.look = lambda: None  # type: ignore[method-assign]
        for number in range(16):
            way.client.send(bytes(1 << 20))
            way.until(number * 0.02)
        on_its_way = 2 << 20  # of the 10 ms, and what is read before it is seen that the sink is late
        assert way.conditions.state().held_bytes < underway.LATE_BYTES + on_its_way
        assert way.client.unsent


STREAMS = st.one_of(
    st.builds(Latency, latency_ms=st.floats(0, 500), jitter_ms=st.floats(0, 500)),
    st.builds(Bandwidth, rate_bps=st.floats(1e5, 1e9), shared=st.booleans(), queue_ms=st.floats(1, 2000)),
    st.builds(RandomLoss, rate=st.floats(0, 0.3)),
    st.builds(Slicing, size_bytes=st.integers(200, 5000), variation_bytes=st.integers(0, 100)),
    st.builds(SlowClose, delay_ms=st.floats(0, 500)),
    st.builds(Silence),
)
STACKS = st.lists(STREAMS, max_size=4).map(tuple)
LASTING = st.lists(STREAMS.filter(lambda one: not isinstance(one, Silence)), max_size=4).map(tuple)
SEVERAL = st.lists(st.builds(Conditions, up=STACKS, down=STACKS, seed=st.integers(0, 9)) | st.none(), max_size=5)


@settings(max_examples=60, deadline=None)
@given(SEVERAL, st.lists(st.integers(1, 60_000), min_size=1, max_size=6), st.floats(0.001, 0.5))
def test_any_conditions_at_any_moment_keep_bytes_and_order(
    several: list[Conditions | None], sizes: list[int], apart_s: float
) -> None:
    whole = b"".join(bytes([65 + number]) * size for number, size in enumerate(sizes))
    with line(several[0] if several else None) as way:
        at_s = 0.0
        for number, size in enumerate(sizes):
            for end in (way.client, way.server):
                end.send(bytes([65 + number]) * size)
            at_s += apart_s
            way.until(at_s)
            if number + 1 < len(several):
                way.condition(several[number + 1])
        assert whole.startswith(way.server.got)
        assert whole.startswith(way.client.got)
        longest_s = longest_due_s(way)
        way.condition(None)
        way.until(max(longest_s, way.pump.now_s))
        assert (way.server.got, way.client.got) == (whole, whole), "cleared: all is there when the longest due is over"
        assert way.conditions.room.held == 0
        finish(way)
        way.until(10_000.0)
        assert (way.server.got, way.client.got) == (whole, whole)
        assert (way.server.state, way.client.state) == ("end", "end")
        assert way.link.exchange.ending == COMPLETE
        assert way.conditions.room.held == 0


def longest_due_s(way: Line) -> float:
    """Of what is under way, both ways."""
    under_way = [one for felt in way.conditions._felt for one in (felt.up, felt.down)]
    return max([parcel.due_s for one in under_way for parcel in (*one._late, *one._parcels)], default=0.0)


@settings(max_examples=40, deadline=None)
@given(st.builds(Conditions, up=LASTING, down=LASTING, seed=st.integers(0, 9)), st.integers(0, 20_000), st.booleans())
def test_a_half_close_survives_any_conditions(conditions: Conditions, size: int, client_first: bool) -> None:
    """One side says its end, and the other answers as much as it likes behind that."""
    with line(conditions) as way:
        one, other = (way.client, way.server) if client_first else (way.server, way.client)
        one.send(b"q" * size)
        while one.unsent:
            way.until(way.pump.now_s + 1)
        one.sock.shutdown(socket.SHUT_WR)
        way.until(1000.0)
        assert (other.got, other.state, one.state) == (b"q" * size, "end", "open")
        other.send(MESSAGE)
        way.until(2000.0)
        assert one.got == MESSAGE
        other.sock.shutdown(socket.SHUT_WR)
        way.until(3000.0)
        assert (one.state, way.link.exchange.ending) == ("end", COMPLETE)


def finish(way: Line) -> None:
    """Both ends say their end, once all is sent."""
    for at_s in range(1, 5000):
        if not (way.client.unsent or way.server.unsent):
            break
        way.until(way.pump.now_s + at_s)
    for end in (way.client, way.server):
        end.sock.shutdown(socket.SHUT_WR)

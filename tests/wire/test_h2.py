"""Both libraries behind one interface: each as client and as server, against itself and against the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeport.wire.h2 import (
    CANCEL,
    CONNECTION_WINDOW_BYTES,
    INTERNAL_ERROR,
    NO_ERROR,
    REFUSED_STREAM,
    STREAM_WINDOW_BYTES,
    STREAMS,
    Broken,
    Chatter,
    Closed,
    Data,
    Event,
    Fields,
    Frames,
    Going,
    Headers,
    Interim,
    Trailers,
    frames_factory,
    goaway,
)
from homeport.wire.h2_native import NativeFrames
from homeport.wire.h2_python import PythonFrames

T = TypeVar("T", bound=Event)
ASKED: Fields = ((b":method", b"GET"), (b":scheme", b"http"), (b":path", b"/"), (b":authority", b"localhost"))
POSTED: Fields = ((b":method", b"POST"), *ASKED[1:])
OK: Fields = ((b":status", b"200"), (b"x", b"y"))
LIBRARIES: dict[str, Callable[[bool], Frames]] = {"native": NativeFrames, "python": PythonFrames}
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class Pair:
    def __init__(self, client: Frames, server: Frames, cut: int = 1 << 30) -> None:
        self.client, self.server, self.cut = client, server, cut
        self.seen: list[Event] = []  # by the client
        self.got: list[Event] = []  # by the server

    def pump(self) -> None:
        """Until neither has anything to say."""
        while True:
            up, down = self.client.to_send(), self.server.to_send()
            for pieces, end in ((up, self.server), (down, self.client)):
                for at in range(0, len(pieces), self.cut):
                    end.receive(pieces[at : at + self.cut])
            self.seen += [event for event in self.client.events() if not isinstance(event, Chatter)]
            self.got += [event for event in self.server.events() if not isinstance(event, Chatter)]
            if not up and not down:
                return

    def ask(self, fields: Fields = ASKED, *, is_last: bool = True) -> int:
        number = self.client.request(fields, is_last=is_last)
        assert number is not None
        self.pump()
        return number


@pytest.fixture(params=[(a, b) for a in LIBRARIES for b in LIBRARIES], ids="-to-".join)
def pair(request: pytest.FixtureRequest) -> Pair:
    client, server = request.param
    made = Pair(LIBRARIES[client](True), LIBRARIES[server](False))
    made.pump()
    return made


def of(events: list[Event], kind: type[T]) -> list[T]:
    return [event for event in events if isinstance(event, kind)]


def bytes_of(events: list[Event]) -> bytes:
    return b"".join(event.data for event in events if isinstance(event, Data))


def test_the_fast_one_is_chosen() -> None:
    assert frames_factory() is NativeFrames


@pytest.mark.parametrize("cut", [1, 7, 1 << 30])
def test_a_whole_exchange_however_it_is_cut(pair: Pair, cut: int) -> None:
    pair.cut = cut
    number = pair.ask(POSTED, is_last=False)
    pair.client.data(number, b"some")
    pair.pump()
    pair.client.data(number, b" content")
    pair.client.trailers(number, [(b"t", b"u")])
    pair.pump()
    asked = pair.got[0]
    assert isinstance(asked, Headers)
    assert (tuple(asked.fields), asked.is_last) == (POSTED, False)
    assert bytes_of(pair.got) == b"some content"
    assert list(of(pair.got, Trailers)[0].fields) == [(b"t", b"u")]
    pair.server.interim(number, [(b":status", b"103"), (b"link", b"</x>")])
    pair.server.head(number, OK, is_last=False)
    pair.server.data(number, b"answer")
    pair.server.trailers(number, [(b"grpc-status", b"0")])
    pair.pump()
    assert [type(event) for event in pair.seen] == [Interim, Headers, Data, Trailers, Closed]
    assert bytes_of(pair.seen) == b"answer"
    assert of(pair.got, Closed) == [Closed(number, NO_ERROR)]


def test_an_answer_without_a_body(pair: Pair) -> None:
    number = pair.ask()
    pair.server.head(number, OK, is_last=True)
    pair.pump()
    answer = pair.seen[0]
    assert isinstance(answer, Headers)
    assert answer.is_last
    assert pair.seen[1:] == [Closed(number, NO_ERROR)]


def test_what_the_windows_do_not_let_pass_waits(pair: Pair) -> None:
    number = pair.ask()
    size = 3 * STREAM_WINDOW_BYTES
    pair.server.head(number, OK, is_last=False)
    pair.server.data(number, b"x" * size)
    pair.server.end(number)
    pair.pump()
    came = len(bytes_of(pair.seen))
    assert came == STREAM_WINDOW_BYTES
    assert pair.server.waiting(number) == size - came
    taken = 0
    while taken < size:
        now = len(bytes_of(pair.seen))
        assert now > taken
        pair.client.consumed(number, now - taken)
        taken = now
        pair.pump()
    assert pair.server.waiting(number) == 0
    assert of(pair.seen, Closed)


def test_streams_that_nobody_takes_leave_room_for_another(pair: Pair) -> None:
    """The connection's window holds all that its streams may: see CONNECTION_WINDOW_BYTES."""
    stuck = CONNECTION_WINDOW_BYTES // STREAM_WINDOW_BYTES - 1
    for _ in range(stuck):
        number = pair.ask(POSTED, is_last=False)
        pair.client.data(number, b"x" * (STREAM_WINDOW_BYTES + 1))
    pair.pump()
    assert len(bytes_of(pair.got)) == stuck * STREAM_WINDOW_BYTES
    number = pair.ask(POSTED, is_last=False)
    pair.client.data(number, b"y" * 1000)
    pair.pump()
    assert bytes_of(pair.got).endswith(b"y" * 1000)


def test_a_stream_that_is_taken_back(pair: Pair) -> None:
    number = pair.ask()
    pair.client.reset(number, CANCEL)
    pair.pump()
    assert of(pair.got, Closed) == [Closed(number, CANCEL)]
    assert of(pair.seen, Closed) == [Closed(number, CANCEL, is_ours=True)]
    pair.server.head(number, OK, is_last=False)
    pair.server.data(number, b"too late")
    pair.server.end(number)
    pair.server.reset(number, CANCEL)
    pair.pump()
    assert not pair.server.waiting(number)
    assert pair.ask() != number


def test_an_answer_that_breaks_off(pair: Pair) -> None:
    number = pair.ask()
    pair.server.head(number, OK, is_last=False)
    pair.server.data(number, b"half")
    pair.pump()
    pair.server.reset(number, INTERNAL_ERROR)
    pair.pump()
    assert of(pair.seen, Closed) == [Closed(number, INTERNAL_ERROR)]
    assert of(pair.got, Closed) == [Closed(number, INTERNAL_ERROR, is_ours=True)]


def test_leaving_lets_streams_under_way_finish(pair: Pair) -> None:
    number = pair.ask()
    pair.server.leave()
    pair.pump()
    assert of(pair.seen, Going) == [Going(number, NO_ERROR)]
    assert pair.client.request(ASKED, is_last=True) is None
    pair.server.head(number, OK, is_last=False)
    pair.server.data(number, b"last")
    pair.server.end(number)
    pair.pump()
    assert bytes_of(pair.seen) == b"last"


def test_a_client_that_leaves_still_gets_its_answer(pair: Pair) -> None:
    number = pair.ask()
    pair.client.leave()
    pair.pump()
    assert of(pair.got, Going) == [Going(0, NO_ERROR)]
    pair.server.head(number, OK, is_last=False)
    pair.server.data(number, b"last")
    pair.server.end(number)
    pair.pump()
    assert bytes_of(pair.seen) == b"last"


def test_streams_that_came_too_late_are_refused(pair: Pair) -> None:
    first, second = pair.ask(POSTED, is_last=False), pair.ask(POSTED, is_last=False)
    pair.client.receive(goaway(NO_ERROR, first))
    pair.pump()
    assert of(pair.seen, Closed) == [Closed(second, REFUSED_STREAM)]
    pair.server.head(first, OK, is_last=True)
    pair.client.data(first, b"all")
    pair.client.end(first)
    pair.pump()
    assert bytes_of(pair.got) == b"all"
    assert of(pair.seen, Closed)[1:] == [Closed(first, NO_ERROR)]


def test_requests_wait_for_their_turn(pair: Pair) -> None:
    numbers = [pair.client.request(POSTED, is_last=False) for _ in range(STREAMS + 3)]
    assert None not in numbers
    for number in numbers:
        pair.client.data(number or 0, b"x")
        pair.client.end(number or 0)
    pair.client.reset(numbers[-2] or 0, CANCEL)
    pair.pump()
    assert [event.stream for event in of(pair.got, Headers)] == numbers[:STREAMS]
    for number in numbers[:3]:
        pair.server.head(number or 0, OK, is_last=True)
    pair.pump()
    assert [event.stream for event in of(pair.got, Headers)] == [*numbers[:-2], numbers[-1]]
    assert len(bytes_of(pair.got)) == STREAMS + 2


def test_a_tunnel(pair: Pair) -> None:
    assert pair.client.takes_tunnels
    assert not pair.server.takes_tunnels
    assert LIBRARIES["native"](True).takes_tunnels is LIBRARIES["python"](True).takes_tunnels is None
    fields = ((b":method", b"CONNECT"), (b":protocol", b"websocket"), *ASKED[1:])
    number = pair.ask(fields, is_last=False)
    assert tuple(of(pair.got, Headers)[0].fields) == fields
    pair.server.head(number, OK, is_last=False)
    pair.server.data(number, b"down")
    pair.client.data(number, b"up")
    pair.pump()
    assert (bytes_of(pair.seen), bytes_of(pair.got)) == (b"down", b"up")
    pair.client.end(number)
    pair.server.end(number)
    pair.pump()
    assert of(pair.seen, Closed) == of(pair.got, Closed) == [Closed(number, NO_ERROR)]


def test_streams_that_are_gone_give_their_window_back(pair: Pair) -> None:
    """What came on them is taken late, or never; the connection must not run dry of it."""
    for _ in range(3 * CONNECTION_WINDOW_BYTES // STREAM_WINDOW_BYTES):
        number = pair.ask(POSTED, is_last=False)
        pair.client.data(number, b"x" * STREAM_WINDOW_BYTES)
        pair.pump()
        came = sum(len(event.data) for event in of(pair.got, Data))
        assert came == STREAM_WINDOW_BYTES
        pair.server.reset(number, CANCEL)
        pair.server.consumed(number, came)
        pair.got.clear()
        pair.pump()


def test_a_connection_error_ends_with_its_code(pair: Pair) -> None:
    pair.ask()
    try:
        pair.server.receive(b"\0\0\x04\x08\0\0\0\0\0\0\0\0\0")  # WINDOW_UPDATE by nothing
    except Broken:
        pass
    words = pair.server.to_send()
    pair.server.events()
    assert words[3] == 7, "GOAWAY"
    assert pair.server.is_over
    pair.server.receive(b"more")
    assert pair.server.events() == []


def test_frames_that_bring_nothing_are_counted(pair: Pair) -> None:
    number = pair.ask(POSTED, is_last=False)
    ping = b"\0\0\x08\x06\0\0\0\0\0" + bytes(8)
    empty = b"\0\0\0\0\0" + number.to_bytes(4, "big")
    pair.server.receive(ping * 3 + empty * 2 + b"\0\0\0\x04\0\0\0\0\0")
    assert pair.server.events().count(Chatter()) == 6


def test_the_goaway_written_by_hand(pair: Pair) -> None:
    pair.client.receive(goaway(2, 5))
    assert pair.client.events() == [Going(5, 2)]


@pytest.mark.parametrize("library", LIBRARIES)
@settings(max_examples=150, deadline=None)
@given(st.booleans(), st.lists(st.binary(max_size=60), max_size=8))
def test_garbage_is_only_ever_broken(library: str, has_preface: bool, pieces: list[bytes]) -> None:
    frames = LIBRARIES[library](False)
    if has_preface:
        frames.receive(PREFACE + b"\0\0\0\x04\0\0\0\0\0")
    frames.to_send()
    for piece in pieces:
        try:
            frames.receive(piece)
        except Broken:
            break
        finally:
            frames.events()
            frames.to_send()
            frames.events()


_frame = st.builds(
    lambda kind, flags, stream, body: len(body).to_bytes(3, "big") + bytes([kind, flags]) + stream + body,
    st.integers(0, 12),
    st.integers(0, 255),
    st.sampled_from([b"\0\0\0\0", b"\0\0\0\1", b"\0\0\0\3", b"\0\0\0\2"]),
    st.one_of(st.binary(max_size=30), st.just(b"\x82\x84\x86\x41\x09localhost"), st.just(b"\0\0\0\x05")),
)


@pytest.mark.parametrize("library", LIBRARIES)
@settings(max_examples=200, deadline=None)
@given(st.lists(_frame, max_size=12))
def test_whole_frames_that_mean_nothing(library: str, written: list[bytes]) -> None:
    frames = LIBRARIES[library](False)
    frames.receive(PREFACE + b"\0\0\0\x04\0\0\0\0\0")
    frames.to_send()
    for frame in written:
        try:
            frames.receive(frame)
        except Broken:
            break
        for event in frames.events():
            if isinstance(event, Headers):
                frames.head(event.stream, OK, is_last=False)
                frames.data(event.stream, b"x")
                frames.end(event.stream)
            elif isinstance(event, Data):
                frames.consumed(event.stream, len(event.data))
        frames.to_send()
        frames.events()

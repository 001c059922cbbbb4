"""Any order in which bytes, ends, losses and full buffers can arrive on the HTTP road, and what must hold in all."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from homeport.streams.memory import MemoryTransport

from .memory_stage import ANSWERS, Stage, check_answers, set_stage, ticks

# A request: method, fields, body, version.
REQUESTS = {
    "get": (b"GET", b"", b"", b"1.1"),
    "head": (b"HEAD", b"", b"", b"1.1"),
    "close": (b"GET", b"Connection: close\r\n", b"", b"1.1"),
    "old": (b"GET", b"", b"", b"1.0"),
    "old-kept": (b"GET", b"Connection: keep-alive\r\n", b"", b"1.0"),
    "post": (b"POST", b"Content-Length: 5\r\n", b"bbbbb", b"1.1"),
    "large": (b"PUT", b"Content-Length: 700\r\n", b"b" * 700, b"1.1"),
    "chunks": (b"POST", b"Transfer-Encoding: chunked\r\n", b"3\r\nbbb\r\n2\r\nbb\r\n0\r\nT: u\r\n\r\n", b"1.1"),
    "bad-chunks": (b"POST", b"Transfer-Encoding: chunked\r\n", b"3\r\nbbbbb\r\n", b"1.1"),
    "upgrade": (b"GET", b"Connection: upgrade\r\nUpgrade: u\r\n", b"", b"1.1"),
}
GARBAGE = (b"\x00", b"\r\n", b"x\n\n", b"0\r\n\r\n", b"\x16\x03\x01", b"junk\r\n\r\n", b"j " * 150)

Step = tuple[str, object, int]
_cuts = st.sampled_from((1, 3, 20, 70, 10_000))
_which = st.integers(0, 3)
_steps = st.one_of(
    st.tuples(st.just("ask"), st.sampled_from(sorted(REQUESTS)), st.sampled_from((0, 150, 10_000))),
    st.tuples(st.just("ask"), st.sampled_from(("get", "get", "upgrade", "large", "post")), st.just(0)),
    st.tuples(st.just("flow"), st.none(), _cuts),
    st.tuples(st.just("flow"), st.none(), st.just(10_000)),
    st.tuples(st.just("dials"), st.sampled_from((True, True, True, False)), st.just(0)),
    st.tuples(st.just("answer"), st.sampled_from(sorted(ANSWERS)), _cuts),
    st.tuples(st.just("answer"), st.sampled_from(sorted(ANSWERS)), st.just(10_000)),
    st.tuples(st.just("junk"), st.sampled_from(GARBAGE), st.just(0)),
    st.tuples(st.just("upstream-junk"), st.sampled_from(GARBAGE), _which),
    st.tuples(st.just("client"), st.sampled_from(("end", "reset", "stop", "stop", "read", "read")), st.just(0)),
    st.tuples(st.just("upstream"), st.sampled_from(("end", "reset", "stop", "stop", "read", "read")), _which),
    st.tuples(st.just("ticks"), st.none(), st.integers(1, 4)),
    st.tuples(st.just("ticks"), st.none(), st.just(9)),
    st.tuples(st.just("door-ends"), st.none(), st.just(0)),
)


class Play:
    """Plays steps on a stage; `waiting` are bytes of the client that are not sent yet."""

    def __init__(self) -> None:
        self.stage: Stage = set_stage()
        self.waiting = b""
        self.has_ended = False

    def step(self, verb: str, what: object, number: int) -> None:
        stage = self.stage
        if verb == "ask":
            self.waiting += stage.send(*REQUESTS[str(what)])
            self.step("flow", None, number)
        elif verb == "flow":
            if self.waiting and number and not self.has_ended:
                data, self.waiting = self.waiting[:number], self.waiting[number:]
                stage.client.peer_sends(data)
        elif verb == "dials":
            stage.door.settle_dials(None if what else ConnectionRefusedError())
        elif verb == "answer":
            for upstream in stage.upstreams:
                upstream.answer(str(what), number)
        elif verb == "junk":
            assert isinstance(what, bytes)
            self.waiting += what
        elif verb == "upstream-junk":
            assert isinstance(what, bytes)
            for upstream in stage.upstreams[-1 - number :][:1]:
                upstream.transport.peer_sends(what)
        elif verb == "client":
            self._peer(str(what))
        elif verb == "upstream":
            for upstream in stage.upstreams[-1 - number :][:1]:
                act(upstream.transport, str(what))
        elif verb == "door-ends":
            stage.inbound.end()

    def _peer(self, what: str) -> None:
        if what == "end":
            if self.has_ended:
                return
            self.has_ended = True
        act(self.stage.client, what)

    async def finish(self) -> None:
        """Everybody reads again and everything is answered: nobody may wait any more; then the client ends."""
        stage = self.stage
        act(stage.client, "read")
        for _ in range(300):
            stage.door.settle_dials()
            await ticks()
            for upstream in stage.upstreams:
                act(upstream.transport, "read")
            owing = [upstream for upstream in stage.upstreams if upstream.owes and not upstream.transport.is_lost]
            if not owing and not stage.door.dials and not self.waiting:
                break
            for upstream in owing:
                upstream.answer("length", 10_000)
            self.step("flow", None, 1000)
            if self.has_ended:
                self.waiting = b""
        for upstream in stage.upstreams:
            if upstream.must_end:
                upstream.transport.peer_ends()
        await ticks()
        self.check_nobody_waits()
        if not self.has_ended:
            stage.client.peer_ends()
        await ticks()
        for upstream in stage.upstreams:
            if not upstream.transport.is_lost:
                upstream.transport.peer_ends()
        await ticks(20)

    def check_nobody_waits(self) -> None:
        stage = self.stage
        for transport in (stage.client, *(upstream.transport for upstream in stage.upstreams)):
            assert transport.is_closing() or transport.is_reading(), "reading is paused and nobody is full"

    def check_end(self) -> None:
        stage = self.stage
        assert stage.client.is_lost
        assert stage.route.active == 0
        assert stage.tap.open == []
        assert len(stage.tap.done) == stage.tap.began
        assert len({exchange.id for exchange in stage.tap.done}) == stage.tap.began
        assert stage.client.late == b"", "written to the client after closing"


def act(transport: MemoryTransport, what: str) -> None:
    if what == "end":
        transport.peer_ends()
    elif what == "reset":
        transport.peer_resets()
    elif what == "stop":
        transport.peer_stops_reading()
    else:
        transport.peer_reads_on()


async def play(steps: list[Step]) -> None:
    made = Play()
    errors: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: errors.append(context))
    for verb, what, number in steps:
        if verb == "ticks":
            await ticks(number)
            continue
        if verb == "dials":
            await ticks(2)
        made.step(verb, what, number)
    await ticks()
    await made.finish()
    assert not errors, errors
    made.check_end()
    check_answers(bytes(made.stage.client.sent), made.stage.asked)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Buffers of a few bytes are full as often as large ones are empty, and silence lasts no time."""
    monkeypatch.setattr("homeport.gateway.inbound.LINGER_S", 0)
    monkeypatch.setattr("homeport.gateway.inbound._KEPT_LIMIT_BYTES", 150)
    monkeypatch.setattr("homeport.gateway.inbound.WRITE_BUFFER_BYTES", 200)
    monkeypatch.setattr("homeport.gateway.outbound.WRITE_BUFFER_BYTES", 200)
    monkeypatch.setattr("homeport.gateway.visit._WAITING_LIMIT_BYTES", 100)


FLOW: Step = ("flow", None, 10_000)
DIALS: Step = ("dials", True, 0)
TICKS: Step = ("ticks", None, 9)
NOISE: Step = ("junk", b"j " * 150, 0)
SWITCH: Step = ("answer", "switch", 10_000)
TUNNEL: list[Step] = [("ask", "upgrade", 0), FLOW, DIALS, TICKS, SWITCH, TICKS]
OPENINGS: tuple[list[Step], ...] = (  # chance alone seldom gets this far
    [],
    TUNNEL,
    [("ask", "upgrade", 10_000), NOISE, FLOW, NOISE, FLOW],
    [("ask", "get", 10_000), DIALS, TICKS],
    [("ask", "large", 200), DIALS, TICKS],
    [("client", "stop", 0), ("ask", "get", 10_000), DIALS, TICKS, ("answer", "large", 400)],
)
STOP: Step = ("client", "stop", 0)
END: Step = ("client", "end", 0)
FLOW_BACK: Step = ("answer", "large", 20)


@pytest.mark.usefixtures("small")
@settings(max_examples=300, deadline=None)
@example([("ask", "upgrade", 0), FLOW, NOISE, FLOW, DIALS, TICKS, SWITCH])
@example(
    [("ask", "large", 0), ("flow", None, 200), DIALS, TICKS, STOP, ("answer", "large", 100), END, FLOW_BACK, TICKS]
)
@example([*TUNNEL, STOP, ("upstream-junk", b"abc", 0), ("door-ends", None, 0), ("upstream-junk", b"abc", 0), TICKS])
@example([*OPENINGS[5], ("ask", "bad-chunks", 10_000), ("upstream", "reset", 0)])
@given(st.sampled_from(OPENINGS).flatmap(lambda first: st.lists(_steps, max_size=20).map(lambda rest: [*first, *rest])))
def test_what_holds_in_every_order(steps: list[Step]) -> None:
    asyncio.run(play(steps))

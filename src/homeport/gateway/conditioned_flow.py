"""Network conditions on TCP routes with TLS, which live on the engine's loop: flows that let nothing go early.

They act on what is inside TLS. An outage acts before the handshake: where a port leads to one route when somebody comes
in, else once the client has named the route.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING

from homeport.conditions.parcel import Ending, Parcel
from homeport.conditions.plan import Entry
from homeport.conditions.settings import Conditions
from homeport.gateway.client_choice import EVERYBODY
from homeport.gateway.stream_side import Flow, Side
from homeport.gateway.tcp_conditions import Calls, Felt, TcpConditions, TcpConditionsState
from homeport.gateway.tcp_held import is_cut, why_it_ends
from homeport.gateway.underway import Room, Underway
from homeport.model.net_client import Match

if TYPE_CHECKING:
    from homeport.gateway.stream_link import StreamLink


class StreamConditions:
    """Of one route. `make_flow` makes its flows; they are there before conditions are, so that these can come live."""

    def __init__(self, calls: Calls, room: Room, clock: Callable[[], float] = time.monotonic) -> None:
        self._of_route = TcpConditions(calls, room, clock)
        self._lines: dict[StreamLink, _Line] = {}

    def set(self, settings: Conditions | None, client: str = EVERYBODY, matches: tuple[Match, ...] = ()) -> None:
        """For connections to come, and for the next byte of those that run."""
        self._of_route.set(settings, client, matches)
        for line in list(self._lines.values()):  # in the order of their coming, so that a seed repeats
            line.feel()

    @property
    def refuses_all(self) -> bool:
        return self._of_route.refuses_all

    def state(self, client: str = EVERYBODY) -> TcpConditionsState:
        return self._of_route.state(client)

    def enter(self, link: StreamLink) -> Entry:
        """What becomes of somebody at the door; later changes are told by `StreamLink.network_says`."""
        return "open" if self.of_route.networks.is_clean else self._line(link).enter()

    def left(self, link: StreamLink) -> None:
        """It may have gone before there were flows."""
        line = self._lines.get(link)
        if line is not None:
            line.close()

    def _line(self, link: StreamLink) -> _Line:
        line = self._lines.get(link)
        if line is None:
            line = self._lines[link] = _Line(self._of_route, link, lambda: self._lines.pop(link, None))
        return line

    @property
    def of_route(self) -> TcpConditions:
        return self._of_route

    def make_flow(self, source: Side, sink: Side) -> Flow:
        """Asked for the way up first, then for the way down."""
        link = source.link
        line = self._line(link)
        flow = ConditionedFlow(source, sink, line)
        if source is link.client:
            line.up = flow
        else:
            line.down = flow
            line.begin()
        return flow


class _Line:
    """Both flows of one connection."""

    def __init__(self, of_route: TcpConditions, link: StreamLink, forget: Callable[[], object]) -> None:
        self.of_route = of_route
        self.link = link
        self.up: ConditionedFlow | None = None
        self.down: ConditionedFlow | None = None
        self._forget = forget
        self._felt: Felt | None = None
        self._is_over = False

    def enter(self, *, ran_already: bool = False) -> Entry:
        if self._felt is None:
            self._felt = self.of_route.begin(self.link.exchange, self.link.visitor, ran_already=ran_already)
        return self._felt.entry if self._felt is not None else "open"

    def begin(self, *, ran_already: bool = False) -> None:
        self.enter(ran_already=ran_already)
        felt = self._felt
        if felt is not None and self.up is not None and self.down is not None:
            self.up.under_way, self.down.under_way = felt.up, felt.down
            # Its link is not done with connecting yet.
            asyncio.get_running_loop().call_soon(self._go_on)

    def feel(self) -> None:
        if self._felt is None:
            self.begin(ran_already=True)
        else:
            self._felt.change()
            self._go_on()
        if self.down is None:
            self.link.network_says(self.enter())

    def close(self) -> None:
        if not self._is_over:
            self._is_over = True
            self._forget()
            if self._felt is not None:
                self._felt.left()

    def _go_on(self) -> None:
        for flow in (self.up, self.down):
            if flow is not None and not self._is_over:
                flow.pump()


class ConditionedFlow(Flow):
    """`under_way` None: there were no conditions yet."""

    __slots__ = ("_called_s", "_holds", "_is_full", "_line", "_was_lost", "under_way")

    def __init__(self, source: Side, sink: Side, line: _Line) -> None:
        super().__init__(source, sink)
        self.under_way: Underway | None = None
        self._line = line
        self._called_s = inf
        self._holds = self._is_full = self._was_lost = False

    def feed(self, data: bytes) -> None:
        under_way = self.under_way
        if under_way is None or under_way.is_clear:
            self.sink.write(data)
            return
        now_s = self._clock()
        under_way.wake(now_s)
        under_way.feed(data, now_s)
        self.pump()

    def end(self) -> None:
        self._end("close", self.sink.finish)

    def break_off(self) -> None:
        self._was_lost = True
        self._end("reset", self.sink.reset)

    def sink_is_full(self, is_full: bool) -> None:
        self._is_full = is_full
        if self.under_way is None:
            self._holds = is_full
            self.source.hold(is_full)
        else:
            self.pump()

    def close(self) -> None:
        if self.under_way is not None:
            self.under_way.forget()
        self._line.close()

    def pump(self) -> None:
        under_way = self.under_way
        if under_way is None:
            return
        now_s = self._clock()
        under_way.wake(now_s)
        while not self._is_full and (parcel := under_way.next_due(now_s)) is not None:
            self._deliver(parcel)
        holds = self._is_full if under_way.is_clear else not under_way.may_read(now_s, is_stuck=self._is_full)
        if holds or self._holds:
            self._holds = holds
            self.source.hold(holds)
        self._ask_for_a_call(under_way, now_s)

    def _clock(self) -> float:
        return self._line.of_route.clock()

    def _end(self, ending: Ending, at_once: Callable[[], None]) -> None:
        under_way = self.under_way
        if under_way is None or under_way.is_clear:
            at_once()
            return
        under_way.end(self._clock(), ending)
        self.pump()

    def _deliver(self, parcel: Parcel) -> None:
        if parcel.data:
            self.sink.write(parcel.data)
        if not parcel.ending:
            return
        if parcel.ending == "reset" and self._was_lost:
            self.sink.reset()
        elif parcel.ending == "reset":
            self._line.link.break_off(why_it_ends(parcel))
        elif is_cut(parcel):
            self._line.link.cut(why_it_ends(parcel))
        else:
            self.sink.finish()

    def _ask_for_a_call(self, under_way: Underway, now_s: float) -> None:
        at_s = min(under_way.planner.wake_s, inf if self._is_full else under_way.next_s)
        if self._holds and not under_way.planner.has_ended:
            again_s = under_way.planner.read_again_s()
            at_s = min(at_s, again_s) if again_s > now_s else at_s
        if at_s < self._called_s:
            self._called_s = at_s
            self._line.of_route.call_at(at_s, self._called)

    def _called(self, _what: object, due_s: float) -> None:
        if due_s == self._called_s:
            self._called_s = inf
            self.pump()

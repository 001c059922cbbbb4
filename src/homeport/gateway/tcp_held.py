"""One direction of a TCP connection under conditions: it is read as far as there is room, and written when it is due.

    source ──read──► planner ──► under way ──when due──► sink

A flow without conditions has none of this (tcp_flow.py). When they are cleared, what is under way leaves when it was to
leave, and the flow goes on by itself. Ends and resets of the source take the same way as its bytes.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from homeport.conditions.parcel import Parcel, decision_in_words
from homeport.gateway.tcp_handle import read
from homeport.gateway.underway import Underway
from homeport.model.exchange import CLIENT_GONE, UPSTREAM_GONE
from homeport.streams.poller import ERROR, READ, WRITE

if TYPE_CHECKING:
    from homeport.gateway.tcp_conditions import Felt, TcpConditions
    from homeport.gateway.tcp_flow import Flow

TURN = 1024 * 1024  # then the others get theirs
_AFTER_OTHERS_S = 1e-6  # who shares a bottleneck and has just read comes behind those who wait
_CUTTING = frozenset({"limit", "silence", "outage"})  # these end a connection, though its source did not
_RESETTING = frozenset({"reset", "lost"})  # TCP gives up where a segment is lost for ever


class Held:
    """Belongs to its flow, from the first condition until all is clear again."""

    __slots__ = (
        "_called_s", "_has_drained", "_is_near_end", "_of_route", "flow", "has_read_all", "is_lost", "under_way",
    )  # fmt: skip

    def __init__(self, flow: Flow, under_way: Underway, of_route: TcpConditions) -> None:
        self.flow = flow
        self.under_way = under_way
        self.has_read_all = False  # the end or a reset of the source was read, and is under way
        self.is_lost = False  # the source was reset, read or not
        self._of_route = of_route
        self._called_s = inf  # when the pump will call
        self._has_drained = False  # nothing to read until the next event
        self._is_near_end = True  # a short read proves nothing: the event that told of the end may be behind us

    @property
    def is_reading(self) -> bool:
        return not self.has_read_all and self._may_read(self._of_route.clock())

    @property
    def is_busy(self) -> bool:
        """There is something that should still leave."""
        return not self.flow.ended and (self.has_read_all or not self._has_drained or len(self.under_way) > 0)

    def on_event(self, events: int) -> None:
        if events & ~WRITE:
            self._has_drained = False
        if events & ~(READ | WRITE):
            self._is_near_end = True
        if events & ERROR and not self._may_go_on():
            return
        self.pump()

    def look_again(self) -> None:
        """There may be something to read, though no event has told so."""
        self._has_drained = False
        self.pump()

    def forget(self) -> None:
        self.under_way.forget()

    def pump(self) -> None:
        flow, under_way, clock = self.flow, self.under_way, self._of_route.clock
        if flow.ended:
            return
        now_s = clock()
        under_way.wake(now_s)
        left = TURN
        while True:
            self._let_go(now_s)
            if flow.ended or self.has_read_all or self._has_drained or not self._may_read(now_s):
                break
            if left <= 0:
                if not flow.queued:
                    flow.queued = True
                    flow.link.loop.again.append(flow)
                break
            left -= self._read(now_s)
            now_s = clock()
        if flow.ended:
            flow.link.bury()  # of a lost source the end may be all that comes
            return
        if under_way.is_clear and not (flow.blocked or flow.queued or self.has_read_all):
            flow.let_loose()
            return
        self._ask_for_a_call(now_s, has_read=left < TURN)
        flow.link.rewant()
        flow.link.bury()

    def _may_read(self, now_s: float) -> bool:
        return self.under_way.may_read(now_s, is_stuck=self.flow.blocked)

    def _may_go_on(self) -> bool:
        """The source was reset. Where nobody reads, nobody else would notice."""
        link, back = self.flow.link, self.flow.back.held
        self.is_lost = True
        if back is not None and back.is_lost:
            link.fail(CLIENT_GONE, "both sides left")
        elif (self.has_read_all or self.under_way.planner.has_ended) and (
            link.doom is None or link.doom[0] is not self.flow
        ):
            link.source_lost(self.flow, None)
        return not link.over

    def _let_go(self, now_s: float) -> None:
        flow, under_way = self.flow, self.under_way
        while not (flow.blocked or flow.ended):
            parcel = under_way.next_due(now_s)
            if parcel is None:
                return
            if parcel.data:
                flow.write(parcel.data)
            if parcel.ending and flow.blocked:
                under_way.put_back(Parcel(b"", parcel.due_s, parcel.ending, parcel.why))
            elif parcel.ending and not flow.ended:
                self._end(parcel)

    def _end(self, parcel: Parcel) -> None:
        link = self.flow.link
        if parcel.ending == "reset":
            link.fail(*(link.doom[1:] if link.doom is not None else (UPSTREAM_GONE, why_it_ends(parcel))))
        elif is_cut(parcel):
            link.cut(why_it_ends(parcel))
        else:
            self.flow.end()

    def _read(self, now_s: float) -> int:
        flow, under_way = self.flow, self.under_way
        try:
            data = read(flow.source, under_way.chunk)
        except BlockingIOError:
            self._has_drained, self._is_near_end = True, False
            return 0
        except OSError as error:
            self._not_read(error, now_s)
            return 0
        if not data:
            self.has_read_all = True
            under_way.end(now_s)
            return 0
        if len(data) < under_way.chunk and not self._is_near_end:
            self._has_drained = True
        flow.seen(data)
        under_way.feed(data, now_s)
        return len(data)

    def _not_read(self, error: OSError, now_s: float) -> None:
        """A reset of the source reaches the sink behind the bytes that came before it."""
        self.has_read_all = self.is_lost = True
        self.under_way.end(now_s, "reset")
        if self.flow.link.doom is None:
            self.flow.link.source_lost(self.flow, error)

    def _ask_for_a_call(self, now_s: float, *, has_read: bool) -> None:
        planner = self.under_way.planner
        at_s = min(planner.wake_s, inf if self.flow.blocked else self.under_way.next_s)
        if not (self.has_read_all or self._has_drained or planner.has_ended):
            again_s = planner.read_again_s()
            if again_s > now_s:
                at_s = min(at_s, again_s + _AFTER_OTHERS_S if has_read else again_s)
        if at_s < self._called_s:
            self._called_s = at_s
            self._of_route.call_at(at_s, self._called)

    def _called(self, _what: object, due_s: float) -> None:
        if due_s != self._called_s:
            return  # it was told to come earlier, and has
        self._called_s = inf
        try:
            self.pump()
        except BaseException:
            self.flow.abandon()
            raise


def hold(up: Flow | None, down: Flow | None, felt: Felt) -> None:
    """Take the flows of a connection in hand, as far as anything is asked of them, and let them go on."""
    flows: list[Flow] = []
    for flow, under_way in ((up, felt.up), (down, felt.down)):
        if flow is None or flow.ended:
            continue
        if flow.held is None and not under_way.is_clear:
            flow.hold(Held(flow, under_way, felt.of_route))
        if flow.held is not None:
            flows.append(flow)
    for flow in flows:
        flow.pump()


def is_cut(parcel: Parcel) -> bool:
    """It closes the connection, though its source did not end."""
    return any(what in _CUTTING for what, _ in parcel.why)


def why_it_ends(parcel: Parcel) -> str:
    ending = [one for one in parcel.why if one[0] in _CUTTING or one[0] in _RESETTING]
    return "network conditions: " + (decision_in_words(ending[-1]) if ending else "reset")

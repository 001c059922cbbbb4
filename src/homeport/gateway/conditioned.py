"""Network conditions on HTTP routes: a stream between an upstream's connection and the Outbound that speaks on it.

    upstream ─► raw transport ─► Lane down ─► Outbound
             ◄─               ◄─ Lane up   ◄─

Each lane asks its planner when bytes are due (homeport.conditions) and lets nothing go earlier. Whose conditions they
are is settled in route_conditions.py.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING, Any

import msgspec

from homeport.conditions.decisions import Decisions
from homeport.conditions.http import UNHARMED, HttpDecision
from homeport.conditions.parcel import Ending, Parcel, decision_in_words
from homeport.conditions.plan import Pair, Planner, SharedPair
from homeport.conditions.settings import Conditions
from homeport.gateway.cut_off import CutOff
from homeport.gateway.pump import Pump

if TYPE_CHECKING:
    from homeport.gateway.h2_outbound import H2Outbound
    from homeport.gateway.outbound import Outbound
    from homeport.gateway.route_conditions import ClientConditions
    from homeport.model.net_client import Fields, Visitor

HELD_BYTES = 1 << 20  # of one lane, before its sender has to wait
_clock = time.monotonic


class Lane:
    """One direction: planned, held by the pump until due, delivered. A planner's dues never fall: order is kept."""

    def __init__(self, planner: Planner, pump: Pump, deliver: Callable[[Parcel], None]) -> None:
        self.planner = planner
        self.held_bytes = 0
        self._held = 0  # parcels
        self._pump, self._deliver = pump, deliver
        self._wake_s = inf  # when the pump calls although nothing is due
        self._is_over = False
        self._ask_to_be_woken()

    def feed(self, data: bytes) -> None:
        now_s = _clock()
        if self.planner.is_idle and not self._held:
            self._deliver(Parcel(data, now_s))
        else:
            self.take(self.planner.plan(data, now_s))

    def end(self, ending: Ending) -> None:
        self.take(self.planner.end(_clock(), ending))

    def take(self, parcels: list[Parcel]) -> None:
        for parcel in parcels:
            self._held += 1
            self.held_bytes += len(parcel.data)
            self._pump.put(parcel.due_s, self._due, parcel)
        self._ask_to_be_woken()

    def close(self) -> None:
        """What is held is forgotten."""
        self._is_over = True

    def _due(self, parcel: Parcel, _due_s: float) -> None:
        self._held -= 1
        self.held_bytes -= len(parcel.data)
        if not self._is_over:
            self._deliver(parcel)

    def _ask_to_be_woken(self) -> None:
        wake_s = self.planner.wake_s
        if wake_s < self._wake_s:
            self._wake_s = wake_s
            self._pump.put(wake_s, self._wake, None)

    def _wake(self, _what: object, due_s: float) -> None:
        if due_s != self._wake_s or self._is_over:
            return
        self._wake_s = inf
        now_s = _clock()
        self.take(self.planner.wake(now_s) if self.planner.wake_s <= now_s else [])


class Strike:
    """Lets the head of an answer pass and so many bytes behind it; then nothing more, or the connection is cut.
    `is_body`: no head comes, as where HTTP/2 tells the two apart."""

    def __init__(self, decision: HttpDecision, *, is_body: bool = False) -> None:
        limits = [limit for limit in (decision.stall_bytes, decision.truncate_bytes) if limit is not None]
        self._left = min(limits)
        self._truncates = decision.truncate_bytes == self._left
        self._head: bytes | None = None if is_body else b""  # as far as it has come; None: it has passed
        self.has_struck = self.cuts = False

    def passes(self, data: bytes) -> bytes:
        if self._head is None:
            return self._body(data)
        before, self._head = len(self._head), self._head + data
        end = self._head.find(b"\r\n\r\n")
        # An interim answer, behind which comes the real one; 101 is real, and a tunnel is its body.
        while end >= 0 and self._head[9:10] == b"1" and self._head[9:12] != b"101":
            before -= end + 4
            self._head = self._head[end + 4 :]
            end = self._head.find(b"\r\n\r\n")
        if end < 0:
            return data
        split = end + 4 - before
        self._head = None
        return data[:split] + self._body(data[split:])

    def _body(self, data: bytes) -> bytes:
        passed = data[: self._left]
        self._left -= len(passed)
        self.has_struck = self.has_struck or len(passed) < len(data)
        self.cuts = self._truncates and self.has_struck
        return passed


class Fate(msgspec.Struct, frozen=True):
    """What befalls one exchange; `decisions` None: on a network that has become as it is."""

    decisions: Decisions | None
    fault: HttpDecision = UNHARMED

    def end(self) -> None:
        """The exchange is over; the connection may go on."""
        if self.decisions is not None:
            self.decisions.end()


class ConditionedStream(asyncio.Transport, asyncio.Protocol):
    """The transport of one Outbound, also of HTTP/2, and the protocol of the real one. It may come between them at any
    time."""

    def __init__(
        self,
        above: Outbound | H2Outbound,
        pair: Pair,
        pump: Pump,
        felt: ClientConditions,
        visitor: Visitor,
        fields: Fields = (),
    ) -> None:
        super().__init__()
        self.felt = felt  # whose network this is at the moment
        self.visitor, self.fields = visitor, fields
        self._above, self._pair = above, pair
        self._raw = above.transport
        self._up, self._down = Lane(pair.up, pump, self._send), Lane(pair.down, pump, self._receive)
        self.lanes = (self._up, self._down)
        self._is_closing = False  # the Outbound wants no more
        self._is_lost = False  # the upstream's end has come
        self._lost_by: Exception | None = None
        self._is_paused = False  # by the Outbound
        self._is_held = False  # because the lane down is full
        self._is_full = False  # the lane up is
        self._reading: asyncio.TimerHandle | None = None
        self._strike: Strike | None = None  # what goes wrong with the body of the answer that comes next
        self._decisions: Decisions | None = None  # of the last exchange that began
        above.transport = self
        self._raw.set_protocol(self)

    def begin(self, fate: Fate) -> None:
        """An exchange begins: the next answer is for it."""
        fault, decisions = fate.fault, fate.decisions
        has_limit = fault.stall_bytes is not None or fault.truncate_bytes is not None
        self._strike = Strike(fault) if has_limit else None
        if decisions is None:
            return
        for lane in self.lanes:
            self.felt.count(lane.planner.counts)
        self._pair.begin_anew(decisions.felt.number, _clock())
        self._pair.record(decisions)
        self._decisions = decisions
        if decisions.felt.settings["share"] < 1:  # drawn for the connection: a repetition gets its answer
            decisions.felt.settings = decisions.felt.settings | {"share": 0.0 if self._pair.is_spared else 1.0}

    def change(self, conditions: Conditions | None, shared: SharedPair) -> None:
        if self._decisions is not None:
            self._decisions.felt.changes += 1
        up, down = self._pair.change(conditions, _clock(), shared)
        self._up.take(up)
        self._down.take(down)
        self._look_at_room()

    # What the upstream does

    def data_received(self, data: bytes) -> None:
        if self._strike is not None:
            data = self._strike.passes(data)
        if data:
            self._down.feed(data)
        if self._strike is not None and self._strike.cuts:
            self._down.end("close")
        self._look_at_room()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self._is_lost, self._lost_by = True, error
        if self._is_closing:
            self._over()
        elif error is None:
            self._down.end("close")
        else:
            self._down.end("reset")

    def pause_writing(self) -> None:
        self._above.pause_writing()

    def resume_writing(self) -> None:
        if not self._is_full:
            self._above.resume_writing()

    # What is due

    def _send(self, parcel: Parcel) -> None:
        if self._is_lost:
            return
        if parcel.data:
            self._raw.write(parcel.data)
        if parcel.ending and self._is_closing and parcel.ending == "close":
            self._raw.close()
        elif parcel.ending:
            self._cut(parcel)
        self._look_at_room()

    def _receive(self, parcel: Parcel) -> None:
        if self._is_closing:
            return
        if parcel.data:
            self._above.data_received(parcel.data)
        if parcel.ending and self._is_lost:
            self._over()
        elif parcel.ending:
            self._cut(parcel)
        self._look_at_room()

    def _cut(self, parcel: Parcel) -> None:
        """The conditions end it, though neither side wanted to."""
        why = parcel.why[-1] if parcel.why else ("reset", 0.0)
        above = self._above
        self.abort()
        above.cut_off(CutOff(parcel.ending or "close", f"network conditions: {decision_in_words(why)}"))

    def _over(self) -> None:
        for lane in self.lanes:
            lane.close()
        if self._reading is not None:
            self._reading.cancel()
        self.felt.left(self)
        self._above.connection_lost(self._lost_by)

    def _look_at_room(self) -> None:
        """Each lane's sender waits while the lane is full."""
        is_full = self._up.held_bytes > HELD_BYTES
        if is_full != self._is_full and not self._is_closing:
            self._is_full = is_full
            self._above.pause_writing() if is_full else self._above.resume_writing()
        wait_s = self._pair.down.read_again_s() - _clock()
        is_held = wait_s > 0 or self._down.held_bytes > HELD_BYTES
        if is_held and wait_s < inf and self._reading is None:
            self._reading = asyncio.get_running_loop().call_later(max(wait_s, 0.001), self._read_again)
        self._read(is_held=is_held, is_paused=self._is_paused)

    def _read_again(self) -> None:
        self._reading = None
        self._look_at_room()

    def _read(self, *, is_held: bool, is_paused: bool) -> None:
        before, after = self._is_held or self._is_paused, is_held or is_paused
        self._is_held, self._is_paused = is_held, is_paused
        if before != after and not self._is_lost and not self._raw.is_closing():
            self._raw.pause_reading() if after else self._raw.resume_reading()

    # What the Outbound does

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        if data and not self._is_closing and not self._is_lost:
            self._up.feed(bytes(data))
            self._look_at_room()

    def pause_reading(self) -> None:
        self._read(is_held=self._is_held, is_paused=True)

    def resume_reading(self) -> None:
        self._read(is_held=self._is_held, is_paused=False)

    def is_reading(self) -> bool:
        return not self._is_paused

    def close(self) -> None:
        """What was written is still sent, when it is due."""
        if not self._is_closing:
            self._is_closing = True
            self._up.end("close")

    def abort(self) -> None:
        self._is_closing = True
        for lane in self.lanes:
            lane.close()
        self._raw.abort()

    def is_closing(self) -> bool:
        return self._is_closing or self._is_lost or self._raw.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._raw.get_extra_info(name, default)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._raw.set_write_buffer_limits(high, low)

    def get_write_buffer_size(self) -> int:
        return self._up.held_bytes + self._raw.get_write_buffer_size()

"""The planner of one direction of one connection (or datagram client), and the pair of both directions.

It is asked with each chunk and answers with parcels and their dues; it never waits and never looks at a clock. On a
stream no byte is ever missing or out of order until the stream ends, and dues never fall; datagrams may be dropped,
doubled and due in any order. What was planned keeps its due when the settings change.
"""

from __future__ import annotations

from collections import Counter
from math import inf
from typing import Literal

from homeport.conditions.decisions import Decisions
from homeport.conditions.dice import Dice
from homeport.conditions.parcel import BY_THE_MOMENT, Ending, Parcel
from homeport.conditions.settings import Condition, Conditions, Latency, Layer, Loss, NthLoss, Outage, Slicing, Stack
from homeport.conditions.stage import Stage
from homeport.conditions.stages import Shared, make_stage

Entry = Literal["open", "refuse", "hang", "drop"]

MEASURED = 4096  # delays between two looks at them: enough for percentiles, little to sort


class Planner:
    """Made by `begin` or `begin_direction`. `dropped` are the datagrams that the last call threw away, with the reason;
    `counts` has "came", "sent" and how often each decision was made; `has_ended` once a stream's ending is planned.
    `decisions` gets each one, where somebody wants to keep them; `is_up`: it is what a client sends."""

    def __init__(self, stack: Stack, layer: Layer, dice: Dice, now_s: float, shared: Shared | None = None) -> None:
        self.counts: Counter[str] = Counter()
        self.dropped: list[Parcel] = []
        self.has_ended = False
        self.decisions: Decisions | None = None
        self.is_up = True
        self._is_stream, self._layer, self._dice = layer == "stream", layer, dice
        self._shared = shared or Shared()
        self._last_s = -inf
        self._changes = 0
        self._named: dict[str, tuple[Condition, Stage]] = {}
        self._stages: list[Stage] = []
        self._build(stack, now_s)

    @property
    def is_idle(self) -> bool:
        """Nothing is asked of it: a pump may copy without asking, once what was planned has left."""
        return not self._stages

    def plan(self, data: bytes, now_s: float) -> list[Parcel]:
        """What becomes of a chunk of a stream, or of one datagram."""
        self.counts["came"] += 1
        sent = self._run([Parcel(data, now_s)], self._stages)
        decisions = self.decisions
        if decisions is not None:
            made = [*sent, *self.dropped] if self.dropped else sent
            if decisions.is_full:
                decisions.of_another(made)
            elif self._is_stream:
                decisions.of_chunk(now_s, self.is_up, len(data), made)
            else:
                decisions.of_datagram(now_s, self.is_up, len(data), made)
        delays_s = self._shared.delays_s
        if delays_s is not None and sent and len(delays_s) < MEASURED:
            delays_s.append(sent[-1].due_s - now_s)
        return sent

    def end(self, now_s: float, ending: Ending = "close") -> list[Parcel]:
        """The end of a stream takes the same way as its bytes."""
        return self._without_chunk(self._run([Parcel(b"", now_s, ending)], self._stages), now_s)

    @property
    def wake_s(self) -> float:
        """When to call `wake` though nothing came; infinity for never."""
        return inf if self.has_ended else min((stage.wake_s for stage in self._stages), default=inf)

    def wake(self, now_s: float) -> list[Parcel]:
        out: list[Parcel] = []
        for position, stage in enumerate(self._stages):
            if stage.wake_s <= now_s:
                out += self._run(stage.wake(now_s), self._stages[position + 1 :])
        return self._without_chunk(out, now_s)

    def read_again_s(self) -> float:
        """A stream's pump should not read before this moment: what is under way fills the queue. Infinity until the
        settings change. Reading earlier breaks nothing but the bound of the memory."""
        return max((stage.read_again_s() for stage in self._stages), default=-inf)

    def change(
        self, stack: Stack, now_s: float, shared: Shared | None = None, dice: Dice | None = None
    ) -> list[Parcel]:
        """Swap the settings. Answers with what was held back without a due and may go on now; stages whose settings
        did not change keep their state, those that did take over what is queued. With other `dice` all begin anew."""
        before = self._stages
        old = dict(self._named)
        self._changes += 1
        if dice is not None:
            self._dice, self._named, self._changes = dice, {}, 0
        if shared is not None and shared is not self._shared:
            self._shared = shared
            self._named = {name: known for name, known in self._named.items() if not getattr(known[0], "shared", False)}
        self._build(stack, now_s)
        out: list[Parcel] = []
        came_from = {id(new): before.index(old[name][1]) for name, (_, new) in self._named.items() if name in old}
        for position in reversed(range(len(before))):  # what is held further on came earlier
            if before[position] in self._stages:
                continue
            ahead = [stage for stage in self._stages if came_from.get(id(stage), position) >= position]
            for parcel in before[position].release():
                out += self._run([Parcel(parcel.data, now_s, parcel.ending, parcel.why)], ahead)
        return out

    def begin_anew(self, dice: Dice, now_s: float) -> None:
        """Another exchange begins on the connection, with luck of its own. What is queued and counted goes on."""
        self._dice, self._changes = dice, 0
        for name, (one, stage) in self._named.items():
            if isinstance(one, Slicing | Loss | Latency) and not isinstance(one, NthLoss):
                fresh = make_stage(one, self._layer, dice.fork(f"{name}/0"), now_s, name, self._shared)
                fresh.adopt(stage)
                self._named[name] = one, fresh
        self._stages = [stage for _, stage in self._named.values()]

    def _without_chunk(self, sent: list[Parcel], now_s: float) -> list[Parcel]:
        if self.decisions is not None and sent:
            self.decisions.of_end(now_s, self.is_up, sent)
        return sent

    def _build(self, stack: Stack, now_s: float) -> None:
        old, self._named, seen = self._named, {}, Counter[str]()
        for one in stack:
            kind = str(one.__struct_config__.tag)
            seen[kind] += 1
            name = f"{kind}/{seen[kind]}"
            if self._layer not in one.layers or not _feels(self._dice, name, one.share):
                continue
            known = old.get(name)
            if known is not None and known[0] == one:
                self._named[name] = known
                continue
            dice = self._dice.fork(f"{name}/{self._changes}")
            stage = make_stage(one, self._layer, dice, now_s, name, self._shared)
            if known is not None:
                stage.adopt(known[1])
            self._named[name] = one, stage
        self._stages = [stage for _, stage in self._named.values()]

    def _run(self, parcels: list[Parcel], stages: list[Stage]) -> list[Parcel]:
        self.dropped = []
        if self.has_ended:
            return []
        for position, stage in enumerate(stages):
            if len(parcels) == 1:
                parcels = stage.plan(parcels[0])
            else:
                parcels = [out for parcel in parcels for out in stage.plan(parcel)]
            if stage.dropped:
                self._were_dropped(stage, stages[position + 1 :])
        out = self._in_order(parcels) if self._is_stream else parcels
        self._count(out)
        return out

    def _were_dropped(self, stage: Stage, behind: list[Stage]) -> None:
        dropped, stage.dropped = stage.dropped, []
        self.dropped += dropped
        for parcel in dropped:
            if parcel.why[-1][0] in BY_THE_MOMENT:
                for one in behind:
                    one.miss()

    def _in_order(self, parcels: list[Parcel]) -> list[Parcel]:
        """Dues that never fall, whatever the settings were before, and nothing behind an ending."""
        out: list[Parcel] = []
        for parcel in parcels:
            if parcel.due_s < self._last_s:
                parcel = Parcel(parcel.data, self._last_s, parcel.ending, parcel.why)
            self._last_s = parcel.due_s
            if parcel.data or parcel.ending:
                out.append(parcel)
            if parcel.ending:
                self.has_ended = True
                break
        return out

    def _count(self, sent: list[Parcel]) -> None:
        counts = self.counts
        counts["sent"] += len(sent)
        for parcel in sent:
            for what, _ in parcel.why:
                counts[what] += 1
        for parcel in self.dropped:
            counts["dropped"] += 1
            counts[parcel.why[-1][0]] += 1


def _feels(dice: Dice, what: str, share: float) -> bool:
    """The same answer however often it is asked, so a connection keeps its luck while settings change."""
    return share >= 1 or dice.fork(f"{what}/share").happens(share)


class SharedPair:
    """What the connections of one route share, each way."""

    def __init__(self) -> None:
        self.up, self.down = Shared(), Shared()

    def take_delays(self) -> tuple[list[float], list[float]]:
        """See Shared.take_delays."""
        return self.up.take_delays(), self.down.take_delays()

    def stop_delays(self) -> None:
        self.up.delays_s = self.down.delays_s = None


class Pair:
    """Both directions of one connection. `up` is what the client sends; `entry` is what becomes of it at the door."""

    def __init__(self, conditions: Conditions, layer: Layer, now_s: float, who: str, shared: SharedPair) -> None:
        self._dice = Dice(f"{conditions.seed}/{who}")
        up, down = self._stacks(conditions)
        self.up = Planner(up, layer, self._dice.fork("up"), now_s, shared.up)
        self.down = Planner(down, layer, self._dice.fork("down"), now_s, shared.down)
        self.down.is_up = False
        self._seed = conditions.seed

    def record(self, decisions: Decisions) -> None:
        """Each decision from now on, and their counts."""
        self.up.decisions = self.down.decisions = decisions
        decisions.felt.up, decisions.felt.down = self.up.counts, self.down.counts

    def end_record(self) -> None:
        if self.up.decisions is not None:
            self.up.decisions.end()

    def begin_anew(self, number: int, now_s: float) -> None:
        """Another exchange begins on the connection, with the luck of its own number and with its own counts."""
        self.up.counts, self.down.counts = Counter(), Counter()
        dice = Dice(f"{self._seed}/{number}")
        self.up.begin_anew(dice.fork("up"), now_s)
        self.down.begin_anew(dice.fork("down"), now_s)

    def change(
        self, conditions: Conditions | None, now_s: float, shared: SharedPair | None = None, who: str = ""
    ) -> tuple[list[Parcel], list[Parcel]]:
        """None for a network without faults. The luck stays the one that it began with, unless `who` is said again:
        then it is that of a new connection. `shared` where it goes through other bottlenecks than before."""
        if who and conditions is not None:
            self._dice = Dice(f"{conditions.seed}/{who}")
        up_dice, down_dice = (self._dice.fork("up"), self._dice.fork("down")) if who else (None, None)
        up, down = self._stacks(conditions or Conditions())
        shared_up, shared_down = (shared.up, shared.down) if shared is not None else (None, None)
        return self.up.change(up, now_s, shared_up, up_dice), self.down.change(down, now_s, shared_down, down_dice)

    def _stacks(self, conditions: Conditions) -> tuple[Stack, Stack]:
        self.is_spared = not _feels(self._dice, "all", conditions.share)
        if self.is_spared:
            conditions = Conditions()
        outages = [*self._outages("up", conditions.up), *self._outages("down", conditions.down)]
        self.entry: Entry = outages[0].how if outages else "open"
        return conditions.up, conditions.down

    def _outages(self, side: str, stack: Stack) -> list[Outage]:
        """Those that this connection feels, drawn as its planners draw."""
        outages = [one for one in stack if isinstance(one, Outage)]
        dice = self._dice.fork(side)
        return [one for number, one in enumerate(outages, 1) if dice.fork(f"outage/{number}/share").happens(one.share)]


def begin(conditions: Conditions, layer: Layer, now_s: float, who: str = "", shared: SharedPair | None = None) -> Pair:
    """The planners of a new connection. `who` tells the connections of a route apart, so that each has its own luck
    from the seed: a number in the order of their coming repeats, an ephemeral port does not."""
    return Pair(conditions, layer, now_s, who, shared or SharedPair())


def begin_direction(stack: Stack, layer: Layer, now_s: float, dice: Dice, shared: Shared | None = None) -> Planner:
    return Planner(stack, layer, dice, now_s, shared)

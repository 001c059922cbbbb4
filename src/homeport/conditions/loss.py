"""Which ones are lost: one at random, in bursts, by Gilbert and Elliott's two states, or every Nth.

A model says yes or no for one datagram (or segment of a stream) after the other. Datagrams that are lost are dropped;
on a stream TCP would send them again, so the bytes come later and everything behind them waits.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from homeport.conditions.dice import Dice
from homeport.conditions.parcel import Parcel
from homeport.conditions.settings import BurstLoss, GilbertElliott, Loss, NthLoss, RandomLoss
from homeport.conditions.stage import Stage, later

SEGMENT_BYTES = 1460  # of an Ethernet frame with IPv4
MOST_DOUBLINGS = 9  # TCP_RTO_MAX: 120 s
_LEAST_S = 1e-9  # what rounding leaves is no wait
MOST_RETRIES = 15  # net.ipv4.tcp_retries2: then the connection is given up

IsLost = Callable[[], bool]


def loss_model(settings: Loss, dice: Dice) -> IsLost:
    match settings:
        case RandomLoss():
            rate = settings.rate
            return lambda: dice.random() < rate
        case BurstLoss():
            if settings.rate in (0, 1):
                return lambda: settings.rate == 1
            r = 1 / settings.burst
            return two_states(min(1.0, r * settings.rate / (1 - settings.rate)), r, 1.0, 0.0, dice)
        case GilbertElliott():
            return two_states(settings.p, settings.r, settings.bad_loss, settings.good_loss, dice)
        case NthLoss():
            return every(settings.every)
    raise TypeError(settings)


def two_states(p: float, r: float, bad_loss: float, good_loss: float, dice: Dice) -> IsLost:
    """Begins in either state as often as it is in it later, so the average holds from the first one on. The state moves
    before the draw, and the draw is by the new state (netem draws by the old one: the same in the long run)."""
    is_bad = dice.random() < (p / (p + r) if p + r else 0.0)
    is_certain = bad_loss == 1 and good_loss == 0

    def is_lost() -> bool:
        nonlocal is_bad
        moves = dice.random()
        is_bad = moves >= r if is_bad else moves < p
        return is_bad if is_certain else dice.random() < (bad_loss if is_bad else good_loss)

    return is_lost


def every(number: int) -> IsLost:
    count = 0

    def is_lost() -> bool:
        nonlocal count
        count += 1
        return count % number == 0

    return is_lost


class DroppingStage(Stage):
    """Loss of datagrams."""

    def __init__(self, settings: Loss, dice: Dice) -> None:
        super().__init__()
        self._is_lost = loss_model(settings, dice)

    def plan(self, parcel: Parcel) -> list[Parcel]:
        return self.drop(parcel, "lost") if self._is_lost() else [parcel]


class RetransmittingStage(Stage):
    """Loss on a stream: head-of-line blocking, as TCP has it without fast retransmission."""

    def __init__(self, settings: Loss, dice: Dice) -> None:
        super().__init__()
        self._is_lost = loss_model(settings, dice)
        self._timeout_s = settings.retransmit_ms / 1000
        self._last_s = -inf

    def adopt(self, old: Stage) -> None:
        if isinstance(old, RetransmittingStage):
            self._last_s = old._last_s

    def plan(self, parcel: Parcel) -> list[Parcel]:
        """Segments between two lost ones travel together."""
        out: list[Parcel] = []
        begin, waited_s = 0, 0.0
        for start in range(0, len(parcel.data), SEGMENT_BYTES):
            if not self._is_lost():
                continue
            if start > begin:
                out.append(self._piece(parcel, begin, start, waited_s))
            begin = start
            again_s = self._until_it_arrives()
            if again_s is None:
                out.append(Parcel(b"", max(parcel.due_s, self._last_s), "reset", (*parcel.why, ("lost", 0.0))))
                return out
            waited_s = again_s
            self._last_s = max(self._last_s, parcel.due_s + waited_s)
        out.append(self._piece(parcel, begin, len(parcel.data), waited_s, parcel.ending))
        return out

    def _until_it_arrives(self) -> float | None:
        """How much later a lost segment is there, or None when TCP would give up."""
        total_s, wait_s = 0.0, self._timeout_s
        for retry in range(MOST_RETRIES):
            total_s += wait_s
            if not self._is_lost():
                return total_s
            if retry < MOST_DOUBLINGS:
                wait_s *= 2
        return None

    def _piece(self, parcel: Parcel, begin: int, end: int, waited_s: float, ending: object = None) -> Parcel:
        due_s = max(parcel.due_s, self._last_s)
        data = parcel.data if end - begin == len(parcel.data) else parcel.data[begin:end]
        piece = Parcel(data, due_s, parcel.ending if ending else None, parcel.why)
        if waited_s:
            piece = later(piece, due_s, "retransmitted", waited_s)
        behind_s = due_s - parcel.due_s - waited_s
        return later(piece, due_s, "in-order", behind_s) if behind_s > _LEAST_S else piece

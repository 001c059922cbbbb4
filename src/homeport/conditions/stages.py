"""From settings to the stage that keeps its state: one line for each condition and layer."""

from __future__ import annotations

from homeport.conditions import settings as asked
from homeport.conditions.bandwidth import BandwidthStage, Bucket
from homeport.conditions.copies import CorruptionStage, DuplicationStage
from homeport.conditions.delay import LatencyStage, ReorderingStage
from homeport.conditions.dice import Dice
from homeport.conditions.endings import DataLimitStage, ResetStage, SlowCloseStage
from homeport.conditions.loss import DroppingStage, RetransmittingStage
from homeport.conditions.settings import Bandwidth, Condition, Layer
from homeport.conditions.silence import CutStage, HoldStage, SwallowStage
from homeport.conditions.slicing import SlicingStage
from homeport.conditions.stage import Stage


class Shared:
    """The bottlenecks that all connections of a route go through. Owned by the route, handed to each planner."""

    def __init__(self) -> None:
        self._buckets: dict[str, tuple[Bandwidth, Bucket]] = {}
        self.delays_s: list[float] | None = None  # of what was planned; None while nobody wants to know

    def take_delays(self) -> list[float]:
        """How long what came since the last call is held back. With the first call it begins to be written down."""
        taken, self.delays_s = self.delays_s, []
        return taken or []

    def bucket(self, name: str, settings: Bandwidth) -> Bucket:
        known = self._buckets.get(name)
        if known is not None and known[0] == settings:
            return known[1]
        bucket = Bucket(settings)
        if known is not None:
            bucket.adopt(known[1])
        self._buckets[name] = settings, bucket
        return bucket


def make_stage(one: Condition, layer: Layer, dice: Dice, now_s: float, name: str, shared: Shared) -> Stage:
    """`name` tells the bottlenecks of a route apart."""
    is_stream = layer == "stream"
    match one:
        case asked.Latency():
            return LatencyStage(one, dice, keeps_order=is_stream or not one.reorders)
        case asked.Bandwidth():
            return BandwidthStage(one, shared.bucket(name, one) if one.shared else Bucket(one), is_stream=is_stream)
        case asked.Loss():
            return RetransmittingStage(one, dice) if is_stream else DroppingStage(one, dice)
        case asked.Silence():
            return HoldStage(one, now_s) if is_stream else SwallowStage(is_outage=False)
        case asked.Outage():
            return _outage(one, now_s) if is_stream else SwallowStage(is_outage=True)
        case asked.Duplication():
            return DuplicationStage(one, dice)
        case asked.Reordering():
            return ReorderingStage(one, dice)
        case asked.Corruption():
            return CorruptionStage(one, dice)
        case asked.Slicing():
            return SlicingStage(one, dice)
        case asked.DataLimit():
            return DataLimitStage(one)
        case asked.Reset():
            return ResetStage(one)
        case asked.SlowClose():
            return SlowCloseStage(one)


def _outage(one: asked.Outage, now_s: float) -> Stage:
    return HoldStage(one, now_s) if one.how == "hang" else CutStage(one, now_s)

"""What can be asked for: one frozen struct for each condition, with the layers that it acts on.

A direction is a stack of conditions; bytes pass them from the first to the last. Settings never hold state, and one
that cannot be is refused here, whoever makes it.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from homeport.conditions.http import HttpFault

Layer = Literal["stream", "datagram"]
Distribution = Literal["uniform", "normal", "pareto", "exponential"]

BOTH: frozenset[Layer] = frozenset({"stream", "datagram"})
STREAM: frozenset[Layer] = frozenset({"stream"})
DATAGRAM: frozenset[Layer] = frozenset({"datagram"})


class Base(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """`share` of the connections (or datagram clients) feel it, drawn once for each when it begins."""

    layers: ClassVar[frozenset[Layer]] = BOTH
    elsewhere: ClassVar[str] = ""  # why it is refused on the other layer
    share: float = 1.0

    def __post_init__(self) -> None:
        _within(self, "share", 0, 1)
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, float | int) and not 0 <= value < 1e15:  # also refuses nan
                raise ValueError(f"{name} must be a number from 0 on, not {value}")


class Latency(Base, frozen=True, kw_only=True, tag="latency"):
    """Uniform: latency ± jitter. Normal: jitter is the standard deviation. Pareto (shape 3) and exponential: never less
    than the latency, jitter is the mean of what is added. No delay is below 0. `correlation` of one delay with the one
    before leaves the distribution as it is. `reorders` is for datagrams: on a stream jitter never does."""

    latency_ms: float = 0.0
    jitter_ms: float = 0.0
    distribution: Distribution = "uniform"
    correlation: float = 0.0
    reorders: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.correlation < 1:
            raise ValueError("correlation must be from 0 to below 1")


class Bandwidth(Base, frozen=True, kw_only=True, tag="bandwidth"):
    """A token bucket in bits per second. What waits longer than `queue_ms` is dropped (datagrams) or not read yet
    (streams). `shared`: by all connections of a route. Rate 0 lets nothing through."""

    rate_bps: float
    burst_bytes: int = 0
    queue_ms: float = 1000.0
    shared: bool = False


class Loss(Base, frozen=True, kw_only=True):
    """On a stream nothing is ever missing: each segment of 1,460 bytes that is lost is sent again after
    `retransmit_ms` (Linux waits at least 200 ms), twice as late each further time, and all behind it waits."""

    retransmit_ms: float = 200.0


class RandomLoss(Loss, frozen=True, kw_only=True, tag="loss"):
    """Each one by itself."""

    rate: float

    def __post_init__(self) -> None:
        super().__post_init__()
        _within(self, "rate", 0, 1)


class BurstLoss(Loss, frozen=True, kw_only=True, tag="burst-loss"):
    """`rate` on average, in runs of `burst` on average (simple Gilbert: r = 1/burst, p = r·rate/(1-rate))."""

    rate: float
    burst: float

    def __post_init__(self) -> None:
        super().__post_init__()
        _within(self, "rate", 0, 1)
        if self.burst < 1:
            raise ValueError("burst must be 1 or more")
        if 1 > self.rate > self.burst / (1 + self.burst):
            raise ValueError(
                f"bursts of {self.burst:g} on average cannot lose more than {self.burst / (1 + self.burst):.0%}"
            )


class GilbertElliott(Loss, frozen=True, kw_only=True, tag="gilbert-elliott"):
    """Two states: good turns bad with `p`, bad turns good with `r`; each loses a share of its own (1-k and 1-h)."""

    p: float
    r: float
    bad_loss: float = 1.0
    good_loss: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("p", "r", "bad_loss", "good_loss"):
            _within(self, name, 0, 1)


class NthLoss(Loss, frozen=True, kw_only=True, tag="nth-loss"):
    """Every Nth, counted from the first one of a connection."""

    every: int

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.every < 1:
            raise ValueError("every must be 1 or more")


class Rated(Base, frozen=True, kw_only=True):
    """Strikes this share, each one by itself."""

    rate: float

    def __post_init__(self) -> None:
        super().__post_init__()
        _within(self, "rate", 0, 1)


class Duplication(Rated, frozen=True, kw_only=True, tag="duplication"):
    layers: ClassVar[frozenset[Layer]] = DATAGRAM
    elsewhere: ClassVar[str] = "TCP throws copies away, so nobody would see them"
    copies: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        _within(self, "copies", 1, 100)


class Reordering(Rated, frozen=True, kw_only=True, tag="reordering"):
    """This share is held back `by_ms` longer, so that others overtake it."""

    layers: ClassVar[frozenset[Layer]] = DATAGRAM
    elsewhere: ClassVar[str] = "TCP puts segments back in order, so it shows as delay: use jitter or loss"
    by_ms: float = 15.0


class Corruption(Rated, frozen=True, kw_only=True, tag="corruption"):
    """One bit is flipped, or one byte replaced by another, anywhere in the datagram."""

    layers: ClassVar[frozenset[Layer]] = DATAGRAM
    elsewhere: ClassVar[str] = "TCP throws segments with a wrong checksum away, so it shows as loss: use loss"
    unit: Literal["bit", "byte"] = "bit"


class Slicing(Base, frozen=True, kw_only=True, tag="slicing"):
    """Pieces of `size_bytes` ± `variation_bytes`, `delay_us` apart."""

    layers: ClassVar[frozenset[Layer]] = STREAM
    elsewhere: ClassVar[str] = "a datagram arrives whole or not at all"
    size_bytes: int
    variation_bytes: int = 0
    delay_us: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.size_bytes - self.variation_bytes < 1:
            raise ValueError("size_bytes must be larger than variation_bytes")


class DataLimit(Base, frozen=True, kw_only=True, tag="data-limit"):
    """Ends the connection after so many bytes of this direction."""

    layers: ClassVar[frozenset[Layer]] = STREAM
    elsewhere: ClassVar[str] = "datagrams have no connection that could end"
    limit_bytes: int
    ending: Literal["close", "reset"] = "close"


class Reset(Base, frozen=True, kw_only=True, tag="reset"):
    """Ends the connection with RST, `after_ms` from the first bytes (or the close) of this direction."""

    layers: ClassVar[frozenset[Layer]] = STREAM
    elsewhere: ClassVar[str] = "datagrams have no connection that could be reset"
    after_ms: float = 0.0


class SlowClose(Base, frozen=True, kw_only=True, tag="slow-close"):
    layers: ClassVar[frozenset[Layer]] = STREAM
    elsewhere: ClassVar[str] = "datagrams have no connection that could close"
    delay_ms: float


class Silence(Base, frozen=True, kw_only=True, tag="silence"):
    """A black hole. On a stream bytes wait, and go on when it is lifted; with `close_after_ms` it closes after so long
    without bytes. Datagrams are dropped."""

    close_after_ms: float = 0.0


class Outage(Base, frozen=True, kw_only=True, tag="outage"):
    """Nobody there. Refuse: new connections are refused, running ones reset. Drop: they are closed at once. Hang: they
    wait. Datagrams are dropped; where they are refused the client is told as for a closed port."""

    how: Literal["refuse", "hang", "drop"] = "refuse"


Condition = (
    Latency
    | Bandwidth
    | RandomLoss
    | BurstLoss
    | GilbertElliott
    | NthLoss
    | Duplication
    | Reordering
    | Corruption
    | Slicing
    | DataLimit
    | Reset
    | SlowClose
    | Silence
    | Outage
)
Stack = tuple[Condition, ...]
# The order of conditions that were asked for by name, as in netem: a copy has a fate of its own, what is lost takes no
# bandwidth, and the way is behind the bottleneck.
ORDER: tuple[type[Base], ...] = (
    Outage,
    Silence,
    Reset,
    DataLimit,
    Slicing,
    Duplication,
    Loss,
    Corruption,
    Bandwidth,
    Latency,
    Reordering,
    SlowClose,
)


class Conditions(msgspec.Struct, frozen=True, kw_only=True):
    """How the network behaves on a route, each way. `up` is what the client sends, `http` strikes single requests.
    `share` of the connections feel any of it; the same `seed` and the same input give the same decisions. `first` is
    the number of the next connection, client or HTTP request: the luck of each comes from seed and number."""

    up: Stack = ()
    down: Stack = ()
    http: tuple[HttpFault, ...] = ()
    seed: int = 0
    first: int = 1
    share: float = 1.0
    profile: str = ""  # the name that it was asked for by

    def __post_init__(self) -> None:
        _within(self, "share", 0, 1)
        if self.first < 1:
            raise ValueError("first must be 1 or more")


def in_order(conditions: list[Condition]) -> Stack:
    """As ORDER says; several of one kind stay as they came."""
    return tuple(sorted(conditions, key=lambda one: next(i for i, kind in enumerate(ORDER) if isinstance(one, kind))))


def refusals(stack: Stack, layer: Layer) -> list[str]:
    """Why conditions of the stack mean nothing on a layer, a sentence for each."""
    return [
        f"{one.__struct_config__.tag} cannot act on a {layer}: {one.elsewhere}"
        for one in stack
        if layer not in one.layers
    ]


def _within(settings: msgspec.Struct, name: str, low: float, high: float) -> None:
    value = getattr(settings, name)
    if not low <= value <= high:
        raise ValueError(f"{name} must be from {low} to {high}, not {value}")

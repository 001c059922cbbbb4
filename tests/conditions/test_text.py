"""KEY=VALUE words: what is written is read back the same, and mistakes name the key and the nearest one."""

from __future__ import annotations

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.conditions.http import HttpFault
from homeport.conditions.keys import KEYS
from homeport.conditions.profiles import BY_NAME, PROFILES
from homeport.conditions.settings import (
    Bandwidth,
    BurstLoss,
    Conditions,
    GilbertElliott,
    Latency,
    RandomLoss,
    Silence,
    refusals,
)
from homeport.conditions.text import parse, written
from homeport.conditions.words import in_words
from homeport.model.errors import HomeportError

VALUES = {  # for each key one that stands by itself beside any other
    "jitter-shape": "normal", "jitter-reorders": "yes", "rate-shared": "yes", "rate": "1.5mbit", "rate-burst": "16KiB",
    "copies": "2", "slice": "100B", "slice-variation": "7B", "slice-delay": "500us", "limit": "10kB",
    "limit-ending": "reset", "corrupt-unit": "byte", "outage": "hang", "reset": "1.5s", "silence": "yes",
    "loss": "1.5%", "burst": "3.5", "duplicate": "7%", "reorder": "0.1%", "corrupt": "100%",
    "jitter-correlation": "25%",
}  # fmt: skip
FAMILIES = [
    ["latency", "jitter", "jitter-shape", "jitter-correlation", "jitter-reorders"],
    ["rate", "rate-burst", "queue", "rate-shared"],
    ["loss", "burst", "retransmit"],
    ["duplicate", "copies"],
    ["reorder", "reorder-by"],
    ["corrupt", "corrupt-unit"],
    ["slice", "slice-variation", "slice-delay"],
    ["limit", "limit-ending"],
    *(["reset"], ["slow-close"], ["silence"], ["outage"]),
]


@st.composite
def some_families(draw: st.DrawFn) -> list[list[str]]:
    """The first keys of a few families: a later key needs those before it."""
    chosen = draw(st.lists(st.sampled_from(FAMILIES), unique_by=lambda family: family[0]))
    return [family[: draw(st.integers(1, len(family)))] for family in chosen]


@given(some_families(), st.sampled_from(["", "up.", "down."]), st.integers(0, 9))
def test_what_is_written_is_read_back(families: list[list[str]], side: str, seed: int) -> None:
    words = [f"{side}{key}={VALUES.get(key, '12.5ms')}" for family in families for key in family]
    conditions = parse([*words, f"seed={seed}"], {})
    assert parse(written(conditions).split(), {}) == conditions
    assert in_words(conditions)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_each_profile_can_be_read_and_says_its_source(profile: tuple[str, str, str]) -> None:
    conditions = parse([profile[0]], BY_NAME)
    assert parse(written(conditions).split(), {}) == msgspec.structs.replace(conditions, profile="")
    assert conditions.profile == profile[0]
    assert profile[2]


def test_words_behind_a_profile_override_it() -> None:
    own = BY_NAME | {"tunnel": "3g loss=30%"}
    conditions = parse(["tunnel", "up.rate=64kbit", "seed=7", "share=30%"], own)
    assert conditions == Conditions(
        up=(RandomLoss(rate=0.3), Bandwidth(rate_bps=64_000), Latency(latency_ms=200)),
        down=(RandomLoss(rate=0.3), Bandwidth(rate_bps=500_000), Latency(latency_ms=200)),
        seed=7,
        share=0.3,
        profile="tunnel",
    )


def test_burst_and_states_choose_the_model_of_loss() -> None:
    assert parse(["loss=20%", "burst=5"], {}).up == (BurstLoss(rate=0.2, burst=5),)
    assert parse(["gilbert-p=1%", "gilbert-r=25%", "retransmit=300ms"], {}).up == (
        GilbertElliott(p=0.01, r=0.25, retransmit_ms=300),
    )
    assert parse(["silence=2s"], {}).down == (Silence(close_after_ms=2000),)


def test_faults_of_requests() -> None:
    text = "http-delay=200ms http-error=503 http-method=POST,PUT http-path=/api/* http-every=3 http-share=10%"
    conditions = parse([*text.split(), "latency=5ms"], {})
    assert written(conditions) == f"latency=5ms {text}"
    fault = HttpFault(delay_ms=200, status=503, methods=("POST", "PUT"), path="/api/*", every=3, share=0.1)
    assert conditions.http == (fault,)
    assert "requests: 10% 1 of every 3 POST or PUT /api/*: 200 ms later, answered with 503" in in_words(conditions)


def test_the_same_in_other_units() -> None:
    assert parse(["rate=1500kbit/s"], {}) == parse(["rate=1.5mbps"], {}) == parse(["rate=1.5Mbit"], {})
    assert parse(["latency=1.5s"], {}) == parse(["latency=1500ms"], {})


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("3gg", "no profile is called '3gg'; did you mean 3g?"),
        ("latenzy=5ms", "no condition is called 'latenzy'; did you mean latency?"),
        ("up.los=5%", "no condition is called 'los'; did you mean loss?"),
        ("latency=5", "latency=5: expected a time such as 50ms or 1.5s"),
        ("loss=0.1", "loss=0.1: expected a share such as 1% or 0.5%"),
        ("loss=200%", "loss=200%: rate must be from 0 to 1, not 2.0"),
        ("rate=5", "rate=5: expected a rate such as 64kbit, 1.5mbit or 1gbit"),
        ("burst=3", "burst needs loss beside it"),
        ("loss=90% burst=2", "burst=2: bursts of 2 on average cannot lose more than 67%"),
        ("loss=1% loss-every=3", "loss and loss-every are different models of loss; take one"),
        ("retransmit=5ms", "retransmit needs loss beside it"),
        ("gilbert-p=1%", "gilbert-p needs gilbert-r beside it"),
        ("copies=3", "copies needs duplicate beside it"),
        ("http-error=200", "an error's status is from 400 to 599, not 200"),
        ("http-path=/x", "http-path needs a fault beside it: http-delay, http-error, http-stall, http-truncate"),
        ("outage=off", "outage=off: expected refuse, hang or drop"),
        ("loop", "the profile 'loop' contains itself"),
    ],
)
def test_mistakes(words: str, message: str) -> None:
    with pytest.raises(HomeportError) as error:
        parse(words.split(), BY_NAME | {"loop": "loop"})
    assert (error.value.code, error.value.message) == ("bad-usage", message)


@given(st.lists(st.text(max_size=20), max_size=4), st.sampled_from([*KEYS, "seed", "share"]), st.text(max_size=12))
def test_garbage_gives_only_our_error(words: list[str], key: str, value: str) -> None:
    for garbage in (words, [f"{key}={value}"]):
        with suppress(HomeportError):
            parse(garbage, BY_NAME)


def test_plain_words() -> None:
    assert in_words(parse(["3g"], BY_NAME)) == [
        "each way: 500 kbit/s, 200 ms later",
        "a round trip takes 400 ms longer, before jitter and bandwidth",
    ]
    assert in_words(parse(["down.loss=20%", "down.burst=5"], {}))[1] == "down: 20% lost, 5 in a row on average"


def test_what_a_stream_refuses_says_why() -> None:
    stack = parse(["reorder=5%", "loss=1%"], {}).up
    assert refusals(stack, "datagram") == []
    (reason,) = refusals(stack, "stream")
    assert reason.startswith("reordering cannot act on a stream: TCP puts segments back in order")


@pytest.mark.parametrize(
    "text",
    [
        "latency=10ms latency#2=30ms jitter#2=5ms",
        "loss=1% loss-every#2=7 down.rate=64kbit",
        "up.limit=10kB up.limit#2=5kB",
        "http-error=503 http-path=/a http-error#2=500 http-path#2=/b",
    ],
)
def test_several_of_a_kind_are_told_apart_by_a_number(text: str) -> None:
    conditions = parse(text.split(), {})
    assert sorted(written(conditions).split()) == sorted(text.split())
    assert parse(written(conditions).split(), {}) == conditions


def test_the_second_overrides_nothing_of_the_first() -> None:
    conditions = parse(["3g", "latency#2=30ms", "latency#1=100ms"], BY_NAME)
    assert [one.latency_ms for one in conditions.up if isinstance(one, Latency)] == [100, 30]


@pytest.mark.parametrize("word", ["latency#=1ms", "latency#0=1ms", "latency#x=1ms", "nope#2=1ms", "burst#2=3"])
def test_numbers_that_are_none(word: str) -> None:
    with pytest.raises(HomeportError) as caught:
        parse([word], {})
    assert caught.value.code == "bad-usage"

"""Percentiles of delays are right within their bucket, and sums of counts are sums."""

from __future__ import annotations

from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from homeport.gateway.udp_counts import Counts, Delays, total

DELAYS = st.lists(st.floats(min_value=0, max_value=3600), min_size=1, max_size=200)


@given(DELAYS, st.sampled_from([0.5, 0.9, 0.99, 1.0]))
def test_percentiles(delays_s: list[float], share: float) -> None:
    found = Delays()
    for delay_s in delays_s:
        found.add(delay_s)
    exact_s = sorted(delays_s)[max(1, ceil(len(delays_s) * share)) - 1]
    assert abs(found.percentile_s(share) - exact_s) <= exact_s * 0.045 + 2e-6
    assert found.largest_s == max(delays_s)


@given(DELAYS, DELAYS)
def test_what_is_merged_is_as_if_it_had_come_to_one(first: list[float], second: list[float]) -> None:
    parts = [Counts(), Counts(), Counts()]
    for counts, delays_s in zip(parts, (first, second, []), strict=True):
        for delay_s in delays_s:
            counts.datagrams += 1
            counts.delayed(delay_s)
    whole = Counts()
    for delay_s in first + second:
        whole.datagrams += 1
        whole.delayed(delay_s)
    assert total(parts).state() == whole.state()


def test_where_nothing_was_delayed_there_are_no_percentiles() -> None:
    assert Counts().state().delay_p50_ms is None
    assert Delays().percentile_s(0.5) == 0.0

"""Faults of single requests: which are struck, and what happens to them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.conditions.dice import Dice
from homeport.conditions.http import UNHARMED, HttpDecision, HttpFault, HttpFaults, path_fits


def faults(*those: HttpFault) -> HttpFaults:
    return HttpFaults(those, Dice("http"))


def struck(those: HttpFaults, count: int, method: str = "GET", path: str = "/") -> list[int]:
    return [number for number in range(1, count + 1) if those.decide(method, path) is not UNHARMED]


def test_a_request_that_nothing_strikes_is_unharmed() -> None:
    assert faults().decide("GET", "/") is UNHARMED


def test_methods_and_paths_choose() -> None:
    some = faults(HttpFault(status=503, methods=("POST", "PUT"), path="/api/*/edit"))
    assert some.decide("POST", "/api/1/2/edit").status == 503
    for method, path in [("GET", "/api/1/edit"), ("POST", "/api/edit"), ("POST", "/api/1/edit/"), ("POST", "/")]:
        assert some.decide(method, path) is UNHARMED


def test_what_looks_like_a_pattern_elsewhere_is_plain_text() -> None:
    some = faults(HttpFault(status=500, path="/a.(b)*"))
    assert some.decide("GET", "/a.(b)/c").status == 500
    assert some.decide("GET", "/axb") is UNHARMED


@given(st.text("ab/*", max_size=8), st.text("ab/", max_size=8))
def test_stars_are_those_of_a_regular_expression(pattern: str, path: str) -> None:
    expression = ".*".join(re.escape(part) for part in pattern.split("*"))
    assert path_fits(path, pattern) == bool(re.fullmatch(expression, path))


def test_counting_counts_what_is_chosen() -> None:
    assert struck(faults(HttpFault(status=500, every=3)), 9) == [3, 6, 9]
    assert struck(faults(HttpFault(status=500, nth=2)), 9) == [2]
    some = faults(HttpFault(status=500, nth=2, path="/b"))
    assert [some.decide("GET", path).status for path in ("/b", "/a", "/b", "/b")] == [0, 0, 500, 0]


def test_a_share_of_them_and_the_same_again() -> None:
    hit = struck(faults(HttpFault(status=500, share=0.1)), 10_000)
    assert 880 < len(hit) < 1120
    assert hit == struck(faults(HttpFault(status=500, share=0.1)), 10_000)


def test_faults_add_up() -> None:
    some = faults(
        HttpFault(delay_ms=200), HttpFault(delay_ms=50, stall_bytes=900), HttpFault(stall_bytes=100, truncate_bytes=5)
    )
    assert some.decide("GET", "/") == HttpDecision(
        delay_s=0.25,
        stall_bytes=100,
        truncate_bytes=5,
        why=(("late", 0.25), ("stalled", 100), ("truncated", 5)),
    )


def test_an_error_has_no_body_to_harm() -> None:
    some = faults(HttpFault(status=502, delay_ms=10), HttpFault(status=503, truncate_bytes=5))
    assert some.decide("GET", "/") == HttpDecision(delay_s=0.01, status=502, why=(("late", 0.01), ("error", 502)))


@pytest.mark.parametrize("wrong", [{"status": 200}, {"share": 1.1}, {"nth": -1}, {"stall_bytes": -1}])
def test_faults_that_cannot_be(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        HttpFault(**wrong)  # type: ignore[arg-type]

"""Waiting after wrong secrets: longer for each peer, a little for everybody in a flood, and forgiven."""

from __future__ import annotations

from homeport.model.backoff import CROWD, CROWD_DELAY_S, DELAY_S, FORGIVEN_S, Backoff


def test_each_peer_waits_for_its_own_mistakes() -> None:
    backoff = Backoff()
    assert [backoff.failed("a", 0.0) for _ in range(9)] == [*DELAY_S, DELAY_S[-1], DELAY_S[-1]]
    assert backoff.delay_s("b", 0.0) == 0.0
    assert backoff.delay_s("a", FORGIVEN_S + 0.1) == 0.0
    assert backoff.failed("a", FORGIVEN_S + 0.1) == DELAY_S[0]


def test_a_right_one_forgives() -> None:
    backoff = Backoff()
    backoff.failed("a", 0.0)
    backoff.succeeded("a")
    assert backoff.delay_s("a", 0.0) == 0.0


def test_a_flood_from_many_peers_slows_down_everybody_for_a_while_and_keeps_little() -> None:
    backoff = Backoff()
    for peer in range(5000):
        backoff.failed(peer, 1.0)
    assert CROWD < 5000
    assert backoff.delay_s("new", 2.0) == CROWD_DELAY_S
    assert backoff.delay_s("new", 1.0 + FORGIVEN_S + 0.1) == 0.0
    assert len(backoff._rows) <= 1024


def test_nobody_ever_waits_longer_than_five_seconds() -> None:
    backoff = Backoff()
    assert max(backoff.failed("a", second / 10) for second in range(10_000)) == 5.0

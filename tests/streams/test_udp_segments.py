"""Sending several datagrams at once: what is heard is what was to be sent, one by one."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.streams.udp_segments import MOST_BYTES, MOST_DATAGRAMS, can_cut, runs, send_run

SIZES = st.lists(st.sampled_from([0, 1, 5, 6, 1200, 40_000]), max_size=150)


@given(SIZES)
def test_runs_can_be_sent_at_once_and_keep_order(sizes: list[int]) -> None:
    datagrams = [bytes(size) for size in sizes]
    made = list(runs(datagrams))
    assert [data for run in made for data in run] == datagrams
    for run in made:
        *others, last = map(len, run)
        assert len({*others}) <= 1
        assert not others or 0 < last <= others[0]
        assert len(run) == 1 or (len(run) <= MOST_DATAGRAMS and sum(map(len, run)) <= MOST_BYTES)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("size", [1, 700, 1000])
def test_who_receives_a_run_hears_datagrams(host: str, size: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as one, socket.socket(family, socket.SOCK_DGRAM) as other:
        if not can_cut(one):
            pytest.skip("the system does not cut datagrams")
        other.bind((host, 0))
        other.settimeout(10)
        sent = [bytes([number]) * size for number in range(MOST_DATAGRAMS - 1)] + [b"!"]
        send_run(one, sent, other.getsockname())
        assert [other.recv(65536) for _ in sent] == sent

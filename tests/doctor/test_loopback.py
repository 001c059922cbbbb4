"""The loopback self-test: real echoes, real situations in namespaces, and each finding from facts."""

from __future__ import annotations

import json
import sys
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.doctor.checks.loopback import explain_loopback
from homeport.doctor.loopback import measure
from homeport.doctor.loopback_facts import Echoed, LoopbackFacts, Times, summed
from homeport.doctor.loopback_limits import limits_of
from homeport.machine.loopback import Tuning
from homeport.machine.network import Loopback
from tests.netns import Network, network

linux = pytest.mark.skipif(sys.platform != "linux", reason="namespaces are Linux")
FINE = Times(count=3000, p50_us=20, p90_us=30, p99_us=50, max_us=400, histogram=((20, 2000), (30, 1000)))


def facts(loopback: dict[str, Any] | None = None, tuning: dict[str, Any] | None = None, **more: Any) -> LoopbackFacts:
    """A healthy computer, apart from what a test says."""
    here = {"name": "lo", "is_up": True, "addresses": ("127.0.0.1", "::1"), **(loopback or {})}
    usual = {"mtu": 65536, "accept_queue": 4096, "syn_queue": 512, "receive_buffer_max": 212992, "files_soft": 1024}
    echoed = tuple(
        Echoed(protocol=protocol, address=address, times=FINE)
        for protocol in ("tcp", "udp")
        for address in ("127.0.0.1", "::1")
    )
    values: dict[str, Any] = {"system": "linux", "echoed": echoed, "ephemeral": (32768, 60999), "time_wait": 3, **more}
    return LoopbackFacts(loopback=Loopback(**here), tuning=Tuning(**{**usual, **(tuning or {})}), **values)


def codes(found: LoopbackFacts) -> list[str]:
    return [finding.code for finding in explain_loopback(found)]


def test_a_healthy_computer_has_no_finding() -> None:
    assert codes(facts()) == []
    assert codes(facts(tuning=dict.fromkeys(Tuning.__struct_fields__), time_wait=None)) == []


def failed(protocol: str, address: str, error: str = "no answer") -> tuple[Echoed, ...]:
    return (Echoed(protocol=protocol, address=address, error=error),)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (facts({"is_up": False, "addresses": ()}, echoed=failed("tcp", "127.0.0.1")), "lo-down"),
        (facts({"addresses": ("::1",)}), "lo-without-address"),
        (facts({"addresses": ("127.0.0.1",)}, echoed=failed("tcp", "::1")), "lo-without-ipv6"),
        (facts({"addresses": ("127.0.0.1",)}, {"mtu": 1279}), "lo-mtu-small"),
        (facts(tuning={"mtu": 1500}), "lo-mtu-small"),
        (facts(echoed=failed("udp", "127.0.0.1")), "loopback-blocked"),
        (facts(echoed=(Echoed(protocol="tcp", address="::1", times=summed([2500.0] * 9)),)), "loopback-slow"),
        (facts(ephemeral=(60000, 60999)), "ephemeral-range-small"),
        (facts(time_wait=27_000), "time-wait-many"),
        (facts(tuning={"accept_queue": 16}), "accept-queue-short"),
        (facts(tuning={"syn_queue": 16}), "accept-queue-short"),
        (facts(tuning={"receive_buffer_max": 4096}), "socket-buffers-small"),
        (facts(tuning={"files_soft": 64, "files_hard": 4096}), "files-limit-low"),
        (facts(tuning={"system_files": (999, 1000)}), "system-files-exhausted"),
    ],
)
def test_each_finding(found: LoopbackFacts, code: str) -> None:
    (finding,) = explain_loopback(found)
    assert finding.code == code
    assert finding.what
    assert finding.why
    assert finding.next


def test_every_byte_comes_back_on_this_computer() -> None:
    echoed = measure()
    assert [(one.protocol, one.address) for one in echoed] == [
        ("tcp", "127.0.0.1"),
        ("tcp", "::1"),
        ("udp", "127.0.0.1"),
        ("udp", "::1"),
    ]
    first = echoed[0]
    assert first.error == ""
    assert first.times
    assert first.bytes_per_s
    assert first.times.count == sum(count for _, count in first.times.histogram)


@given(st.lists(st.floats(0.01, 1e9), min_size=1, max_size=200))
def test_percentiles_and_histogram(times_us: list[float]) -> None:
    found = summed(times_us)
    assert found.p50_us <= found.p90_us <= found.p99_us <= found.max_us == max(times_us)
    assert sum(time <= found.p50_us for time in times_us) * 2 >= len(times_us)
    assert sum(count for _, count in found.histogram) == len(times_us)
    assert found.histogram[0][1]
    assert found.histogram[-1][1]
    ends = [end for end, _ in found.histogram]
    assert ends == sorted(ends)


def test_each_limit_says_what_is_normal() -> None:
    for system in ("linux", "darwin", "win32"):
        rows = limits_of(facts(system=system))
        assert {row.name for row in rows} >= {"MTU", "outgoing ports", "TIME_WAIT", "open files, a process"}
        assert all(row.normal for row in rows)
        assert all(row.words.count("{}") == len(row.here) for row in rows)


def report(inside: Network) -> tuple[int, list[str], Any]:
    done = inside.homeport("doctor", "--loopback", "--json")
    told = msgspec.json.decode(done.stdout.encode())
    return done.returncode, [finding["code"] for finding in told["findings"]], told


@linux
def test_a_fresh_namespace_with_lo_up_is_healthy() -> None:
    with network() as inside:
        assert report(inside)[:2] == (0, [])


@linux
def test_lo_down() -> None:
    with network(lo=False) as inside:
        status, found, told = report(inside)
    assert (status, found) == (2, ["lo-down"])
    assert all(one["error"] for one in told["facts"]["echoed"])


@linux
def test_a_small_mtu_and_one_too_small_for_ipv6() -> None:
    with network() as inside:
        inside.run("ip", "link", "set", "lo", "mtu", "1500")
        status, found, told = report(inside)
        assert (status, found) == (1, ["lo-mtu-small"])
        assert told["facts"]["echoed"][1]["error"] == ""
        inside.run("ip", "link", "set", "lo", "mtu", "1200")
        status, found, told = report(inside)
        assert (status, found) == (2, ["lo-mtu-small"])
        assert told["facts"]["echoed"][1]["error"] == "no such address here"


@linux
def test_settings_of_the_namespace() -> None:
    with network() as inside:
        inside.run("sysctl", "-w", "net.core.somaxconn=8", "net.ipv4.ip_local_port_range=50000 50999")
        inside.run("sysctl", "-w", "net.ipv6.conf.lo.disable_ipv6=1")
        status, found, _ = report(inside)
    assert status == 1
    assert found == ["lo-without-ipv6", "ephemeral-range-small", "accept-queue-short"]


@linux
@pytest.mark.counterpart("nft")
def test_a_firewall_that_drops_datagrams() -> None:
    rules = "table inet t { chain in { type filter hook input priority 0; iif lo meta l4proto udp drop; }; }"
    with network() as inside:
        inside.run("nft", rules)
        status, found, told = report(inside)
    assert (status, found) == (2, ["loopback-blocked"])
    assert [one["error"] for one in told["facts"]["echoed"]] == ["", "", "no answer", "no answer"]


def test_json_can_be_read_back() -> None:
    text = msgspec.json.encode(facts(echoed=(Echoed(protocol="tcp", address="::1", times=summed([1e9])),)))
    assert json.loads(text)["echoed"][0]["times"]["histogram"] == [[None, 1]]

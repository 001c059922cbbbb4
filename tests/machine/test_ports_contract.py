"""One contract for every kind of computer: Linux and psutil for real, the fake, macOS and Windows as recorded."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial

import pytest

from homeport.machine.ports import Ports
from homeport.machine.ports_macos import MacPorts, parse_netstat
from homeport.machine.ports_windows import WindowsPorts, parse_connections, parse_excluded
from homeport.model.endpoint import Endpoint
from homeport.model.fact import replace
from homeport.model.ports import BIND_ADDRESSES
from tests.machine import ports_stages as stages
from tests.machine.ports_stages import RECORDED, Scene

if sys.platform != "linux":
    pytest.skip("the real ones are Linux'", allow_module_level=True)

Stage = tuple[Ports, Scene]
STAGES: dict[str, Callable[[], AbstractContextManager[Stage]]] = {
    "linux": stages.linux,
    "linux without netlink": stages.linux_without_netlink,
    "psutil": stages.by_psutil,
    "fake": stages.fake,
    "macOS 14": partial(stages.macos, 14),
    "macOS 15": partial(stages.macos, 15),
    "macOS 26": partial(stages.macos, 26),
    "Windows": stages.windows,
}


@pytest.fixture(params=STAGES)
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    with STAGES[request.param]() as opened:
        yield opened


def test_each_family_has_its_listener(stage: Stage) -> None:
    ports, scene = stage
    found = sorted(ports.sockets(scene.loopback), key=lambda one: one.endpoint.host)
    assert [(one.endpoint.host, one.pids) for one in found] == [("127.0.0.1", (scene.pid,)), ("::1", (scene.pid,))]
    assert {one.protocol for one in found} == {"tcp"}
    assert not any(one.exposed for one in found)


def test_a_wildcard_takes_both_families_unless_it_says_otherwise(stage: Stage) -> None:
    ports, scene = stage
    (wild,) = ports.sockets(scene.wild)
    assert (wild.endpoint.host, wild.v6only, wild.exposed) == ("::", False, True)
    assert wild.pids == scene.wild_pids
    if scene.v6only:
        assert [one.v6only for one in ports.sockets(scene.v6only)] == [True]


def test_udp_only_when_asked(stage: Stage) -> None:
    ports, scene = stage
    assert ports.sockets(scene.udp) == []
    (found,) = ports.sockets(scene.udp, udp=True)
    assert (found.protocol, found.endpoint) == ("udp", Endpoint("0.0.0.0", scene.udp))


def test_every_listener_is_in_the_whole_list(stage: Stage) -> None:
    ports, scene = stage
    every = ports.sockets(udp=True)
    for port in (scene.loopback, scene.wild, scene.udp):
        assert [one for one in every if one.endpoint.port == port] == ports.sockets(port, udp=True)
    assert scene.near not in {one.endpoint.port for one in every}, "a connection is no listener"


def test_a_connection_uses_its_own_end(stage: Stage) -> None:
    ports, scene = stage
    (found,) = [one for one in ports.occupants(scene.near) if one.peer and one.peer.port == scene.far]
    assert (found.kind, found.pids) == ("connection", (scene.near_pid,))
    assert ports.sockets(scene.near) == []


def test_time_wait_belongs_to_nobody(stage: Stage) -> None:
    ports, scene = stage
    (found,) = [one for one in ports.occupants(scene.time_wait) if one.peer and one.peer.port == scene.far]
    assert (found.kind, found.pids) == ("time-wait", ())


def test_nobody(stage: Stage) -> None:
    ports, scene = stage
    assert ports.sockets(scene.nobody) == []
    assert ports.namespaces_sockets(scene.nobody) == []


def test_a_process_keeps_its_identity(stage: Stage) -> None:
    ports, scene = stage
    first, again = ports.process(scene.pid), ports.process(scene.pid)
    assert first
    assert again
    assert first.start == again.start
    assert first.name
    assert first.user
    assert ports.process(2**22 + 1) is None, "above the largest pid"


def test_another_start_is_another_process(stage: Stage) -> None:
    ports, scene = stage
    found = ports.process(scene.pid)
    assert found
    assert ports.end(replace(found, start=found.start - 1))
    assert ports.process(scene.pid)


def test_what_stands_fast(stage: Stage) -> None:
    ports, _ = stage
    assert set(ports.bindable(1)) <= set(BIND_ADDRESSES)
    assert 1 in ports.protected()
    assert ports.ask(("no-such-program", "--version")) == ""
    assert not ports.has_tool("no-such-program")
    assert "not installed" in ports.run(("no-such-program",), lambda waited: None)
    assert ports.environment(2**22 + 1) == {}
    low, high = ports.ephemeral_range()
    assert 1024 <= low < high <= 65535


# What only one system has to tell.


@pytest.mark.parametrize("version", [14, 15, 26])
def test_macos_names_the_owner_of_what_may_not_be_seen(version: int) -> None:
    with stages.macos(version) as (ports, _):
        (hidden,) = ports.sockets(5432)
        assert (hidden.pids, hidden.user) == ((98,), "_postgres")


def test_macos_never_takes_a_pid_of_ours_from_a_column() -> None:
    """netstat says 77 in a column that may have moved; psutil knows nothing of it, so nobody is named."""
    line = (RECORDED / "netstat-macos-14.txt").read_text().replace("     98      0", "     77      0")
    with stages.macos(14):
        (found,) = MacPorts(lambda words: line).sockets(5432)
    assert (found.pids, found.user) == ((), "")


def test_macos_without_netstat_tells_what_psutil_does() -> None:
    with stages.macos(14) as (_, scene):
        ports = MacPorts(lambda words: "")
        assert {one.endpoint.host for one in ports.sockets(scene.loopback)} == {"127.0.0.1", "::1"}
        assert ports.sockets(scene.wild) == []


@pytest.mark.parametrize("text", ["", "garbage", "Proto pid\ntcp4", "tcp4 0 0 x y LISTEN", "tcp4 0 0 *.x *.* LISTEN"])
def test_netstat_that_is_not_understood(text: str) -> None:
    assert list(parse_netstat(text.splitlines())) == []


def test_windows_has_ports_that_nobody_may_open() -> None:
    expected = [(5357, 5357), (49700, 49799), (50000, 50059), (50060, 50159)]
    assert parse_excluded((RECORDED / "netsh-excluded.txt").read_text()) == expected
    assert parse_excluded((RECORDED / "netsh-excluded-german.txt").read_text()) == expected[1:3]
    assert parse_excluded("") == parse_excluded("70000 80000\n9 1\n") == []
    with stages.windows() as (ports, _):
        assert ports.reserved() == expected


def test_windows_tells_what_is_bound_and_does_not_listen() -> None:
    with stages.windows() as (ports, _):
        (found,) = ports.occupants(50003)
    assert (found.kind, found.endpoint, found.pids) == ("bound", Endpoint("0.0.0.0", 50003), (77,))


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "[1]", '{"LocalAddress": 1}', '[{"LocalAddress": "::", "LocalPort": "x"}]']
)
def test_powershell_that_is_not_understood(text: str) -> None:
    assert list(parse_connections(text)) == []
    assert WindowsPorts(lambda words, limit_s: text).reserved() == []

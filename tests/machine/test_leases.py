"""A leased port is the same every day, held without listening, and given to nobody else."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from homeport.machine.leases import BROWSERS_REFUSE, LOWEST, WELL_KNOWN, Leases
from homeport.model.errors import HomeportError

EPHEMERAL = (32768, 60999)


@pytest.fixture
def leases() -> Iterator[Leases]:
    made = Leases(EPHEMERAL)
    yield made
    made.close()


def listening(host: str, port: int, *, reuse: bool = True) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        if reuse:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind((host, port))
        made.listen()
    except OSError:
        made.close()
        raise
    return made


def test_the_port_depends_on_folder_and_name_alone(leases: Leases) -> None:
    first = leases.lease("/home/ann/shop", "web").port
    leases.close()
    other = Leases(EPHEMERAL)
    again = other.lease("/home/ann/shop", "web").port
    elsewhere = other.lease("/home/ann/shop", "api").port
    other.close()
    assert first == again != elsewhere


def test_asking_twice_gives_the_same_lease(leases: Leases) -> None:
    assert leases.lease("/a", "web") is leases.lease("/a", "web")


@pytest.mark.parametrize("ephemeral", [EPHEMERAL, (49152, 65535), (1024, 65535), (15000, 61000)])
def test_candidates_stay_out_of_the_ephemeral_range_where_there_is_room(ephemeral: tuple[int, int]) -> None:
    candidates = Leases(ephemeral).candidates("/a", "web")
    assert len(candidates) > 400
    assert not set(candidates) & (BROWSERS_REFUSE | WELL_KNOWN)
    if ephemeral[0] > LOWEST + 1000:
        assert max(candidates) < ephemeral[0]


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1", "::"])
def test_whoever_listens_on_any_of_the_four_addresses_has_the_port(leases: Leases, host: str) -> None:
    wanted = leases.candidates("/a", "web")[0]
    with listening(host, wanted):
        assert leases.lease("/a", "web").port != wanted


@pytest.mark.skipif(sys.platform != "linux", reason="Linux shares bound ports")
def test_a_child_with_reuseaddr_can_listen_on_a_held_port_and_others_cannot(leases: Leases) -> None:
    lease = leases.lease("/a", "web")
    assert lease.holds
    with pytest.raises(OSError, match="in use"), listening("127.0.0.1", lease.port, reuse=False):
        pass
    for host in ("127.0.0.1", "::1"):
        with listening(host, lease.port):
            pass
    lease.yield_hold()
    with listening("127.0.0.1", lease.port, reuse=False):
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="Linux shares bound ports")
def test_another_engine_keeps_off_the_lease_until_its_owner_is_gone(leases: Leases) -> None:
    script = (
        "from homeport.machine.leases import Leases\n"
        "print(Leases((32768, 60999)).lease('/a', 'web').port, flush=True)\n"
        "input()\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        assert owner.stdout
        theirs = int(owner.stdout.readline())
        assert leases.lease("/a", "web").port != theirs
        owner.kill()
    leases.close()
    assert leases.lease("/a", "web").port == theirs


def test_a_given_port_is_that_port_or_an_error(leases: Leases) -> None:
    with listening("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(HomeportError) as caught:
            leases.lease("/a", "web", port)
        assert caught.value.code == "port-taken"
    assert leases.lease("/a", "web", port).port == port
    with pytest.raises(HomeportError, match="is taken"):
        leases.lease("/a", "api", port)


def test_a_released_port_is_free(leases: Leases) -> None:
    lease = leases.lease("/a", "web")
    lease.release()
    with contextlib.closing(listening("127.0.0.1", lease.port, reuse=False)):
        assert not lease.holds


def test_a_lease_that_lost_its_port_moves_on(leases: Leases) -> None:
    lease = leases.lease("/a", "web")
    lease.yield_hold()
    with listening("127.0.0.1", lease.port):
        assert not lease.hold()
        assert leases.lease("/a", "web").port != lease.port


def plain(port: int, host: str = "127.0.0.1", kind: socket.SocketKind = socket.SOCK_STREAM) -> socket.socket:
    """Bound the way that fails most easily: without SO_REUSEADDR."""
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind)
    try:
        made.bind((host, port))
    except OSError:
        made.close()
        raise
    return made


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1", "::"])
def test_a_reserved_port_can_be_bound_in_any_way(leases: Leases, host: str) -> None:
    for name in ("web", ""):
        port = leases.reserve("/a", name).port
        with plain(port, host), plain(port, host, socket.SOCK_DGRAM):
            pass
        with listening(host, port):
            pass


def test_a_reserved_port_is_stable_by_name_and_differs_from_the_apps(leases: Leases) -> None:
    lease = leases.reserve("/a", "web")
    lease.release()
    assert leases.reserve("/a", "web").port == lease.port
    others = [leases.reserve("/a", "web", 2), leases.reserve("/b", "web"), leases.lease("/a", "web")]
    assert len({lease.port, *(other.port for other in others)}) == 4


def test_unnamed_ports_come_in_turn_and_not_again_at_once(leases: Leases) -> None:
    seen = []
    for _ in range(500):
        lease = leases.reserve("/a", "")
        seen.append(lease.port)
        lease.release()
    assert len(set(seen)) == 500
    assert not set(seen) & (BROWSERS_REFUSE | WELL_KNOWN)
    assert LOWEST <= min(seen) <= max(seen) < EPHEMERAL[0]


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1", "::"])
@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_port_that_anybody_has_bound_is_not_reserved(leases: Leases, host: str, kind: socket.SocketKind) -> None:
    wanted = leases.candidates("/a", "lease web")[0]
    with plain(wanted, host, kind):
        assert leases.reserve("/a", "web").port != wanted
    before = leases._next
    first = leases.reserve("/a", "")
    first.release()
    leases._next = before  # as if it were its turn again
    with plain(first.port, host, kind):
        assert leases.reserve("/a", "").port != first.port


def closed_by_the_server(port: int) -> None:
    """Leave a connection in TIME_WAIT on this port: whoever closes first keeps it for 60 s."""
    with listening("127.0.0.1", port) as listener, socket.create_connection(("127.0.0.1", port)) as client:
        accepted, _ = listener.accept()
        accepted.close()
        assert client.recv(1) == b""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere TIME_WAIT blocks nobody, or everybody")
def test_time_wait_moves_an_unnamed_port_and_not_a_named_one(leases: Leases) -> None:
    named, before, unnamed = leases.reserve("/a", "web"), leases._next, leases.reserve("/a", "")
    for lease in (named, unnamed):
        lease.release()
        closed_by_the_server(lease.port)
        with pytest.raises(OSError, match="in use"), plain(lease.port):
            pass
    assert leases.reserve("/a", "web").port == named.port
    leases._next = before  # as if it were its turn again
    with plain(leases.reserve("/a", "").port) as moved:
        assert moved.getsockname()[1] != unnamed.port


@pytest.mark.skipif(sys.platform != "linux", reason="names in the abstract namespace")
def test_two_engines_never_reserve_the_same_port(leases: Leases) -> None:
    other = Leases(EPHEMERAL)
    other._next = leases._next
    ours = [leases.reserve("/a", name).port for name in ("", "", "web", "")]
    theirs = [other.reserve("/a", name).port for name in ("", "web", "", "")]
    other.close()
    assert len({*ours, *theirs}) == 8


def test_when_nothing_is_left_it_says_so() -> None:
    leases = Leases(EPHEMERAL)
    leases._end, leases._next = LOWEST + 20, 0
    usable = set(range(LOWEST, LOWEST + 20)) - BROWSERS_REFUSE - WELL_KNOWN
    assert {leases.reserve("/a", "").port for _ in usable} == usable
    with pytest.raises(HomeportError) as caught:
        leases.reserve("/a", "")
    leases.close()
    assert caught.value.code == "no-free-port"


def test_a_name_whose_neighbourhood_is_taken_still_gets_a_port(leases: Leases, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = set(leases.candidates("/a", "lease web")) | set(leases.candidates("/a", "web"))
    monkeypatch.setattr(leases, "_not_ours", lambda candidates: (port for port in candidates if port not in taken))
    assert leases.reserve("/a", "web").port not in taken
    assert leases.lease("/a", "web").port not in taken


def test_an_app_may_be_given_a_reserved_port_and_each_ends_alone(leases: Leases) -> None:
    reserved = leases.reserve("/a", "web")
    app = leases.lease("/a", "web", reserved.port)
    assert app.port == reserved.port
    with pytest.raises(HomeportError):
        leases.lease("/a", "api", reserved.port)
    app.release()
    assert leases.has_reserved(reserved.port)
    app = leases.lease("/a", "web", reserved.port)
    reserved.release()
    assert app.holds
    assert leases.reserve("/a", "web").port != app.port

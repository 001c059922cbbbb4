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

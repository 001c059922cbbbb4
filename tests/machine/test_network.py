"""What the computer says of its loopback, compared with `ip` and with queues that are filled on purpose."""

from __future__ import annotations

import os
import resource
import socket
import sys
from collections.abc import Callable

import pytest

from homeport.machine.network import Network, Queue, this_network
from homeport.machine.network_fake import FakeNetwork
from homeport.model.endpoint import Endpoint
from tests.netns import network

linux = pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")

TELL = """
import json, msgspec
from homeport.machine.network import this_network
print(msgspec.json.encode(this_network().loopback()).decode())
"""


@pytest.fixture
def here() -> Network:
    return this_network()


@linux
@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([], '{"name":"lo","is_up":false,"addresses":[]}'),
        (["link set lo up"], '{"name":"lo","is_up":true,"addresses":["127.0.0.1","::1"]}'),
        (["link set lo up", "addr del ::1/128 dev lo"], '{"name":"lo","is_up":true,"addresses":["127.0.0.1"]}'),
        (["link set lo up", "addr del 127.0.0.1/8 dev lo"], '{"name":"lo","is_up":true,"addresses":["::1"]}'),
    ],
)
def test_the_interface_is_told_as_it_is(steps: list[str], expected: str) -> None:
    with network(lo=False) as net:
        for step in steps:
            net.run("ip", *step.split())
        assert net.run(sys.executable, "-c", TELL).stdout.strip() == expected


@linux
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_queue_grows_until_it_is_full(here: Network, host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.bind((host, 0))
        listener.listen(1)
        port = listener.getsockname()[1]
        clients = [socket.create_connection((host, port)) for _ in range(2)]
        (queue,) = here.queues(port)
        assert queue == Queue(endpoint=Endpoint(host, port), waiting=2, limit=1)
        assert queue.is_full
        listener.accept()[0].close()
        assert not here.queues(port)[0].is_full
        for client in clients:
            client.close()


@linux
def test_open_files_of_a_process_and_of_the_system(here: Network) -> None:
    found = here.files_of(os.getpid())
    assert found
    assert found[1] == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    with open(os.devnull, "rb"):
        more = here.files_of(os.getpid())
        assert more
        assert more[0] == found[0] + 1
    every = here.open_files()
    assert every
    assert 0 < every[0] <= every[1]


@pytest.mark.parametrize("make", [this_network, FakeNetwork])
def test_what_cannot_be_known_is_none(make: Callable[[], Network]) -> None:
    here = make()
    assert here.files_of(2**30) is None
    assert here.queues(1) == []
    assert here.is_clock_synchronised() in (True, False, None)
    assert os.path.exists(here.hosts_file())
    assert "127.0.0.1" in here.loopback().addresses
    assert (here.time_wait() or 0) >= 0

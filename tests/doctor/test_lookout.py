"""The upstream's finding with a look at its port: what is said, and how seldom it looks."""

from __future__ import annotations

import errno

import pytest

from homeport.doctor.lookout import Lookout
from homeport.machine.ports_fake import FakePorts
from homeport.model.endpoint import Endpoint
from homeport.model.ports import ProcessFact, SocketFact

WANTED = Endpoint("127.0.0.1", 3000)
REFUSED = ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")


class CountingPorts(FakePorts):
    looks = 0

    def sockets(self, port: int | None = None, *, udp: bool = False) -> list[SocketFact]:
        self.looks += 1
        return super().sockets(port, udp=udp)


@pytest.fixture
def ports() -> CountingPorts:
    made = CountingPorts()
    made.processes[12] = ProcessFact(pid=12, name="node")
    return made


def test_somebody_listens_on_the_other_family(ports: CountingPorts) -> None:
    ports.listening = [SocketFact(endpoint=Endpoint("::1", 3000), pids=(12,))]
    found = Lookout(ports).explain(WANTED, REFUSED)
    assert found.code == "upstream-refused"
    assert found.what == "nothing listens on 127.0.0.1:3000, but node (pid 12) listens on [::1]:3000"


def test_somebody_listens_there_now(ports: CountingPorts) -> None:
    ports.listening = [SocketFact(endpoint=Endpoint("0.0.0.0", 3000), pids=(12,))]
    assert "although node (pid 12) listens there now" in Lookout(ports).explain(WANTED, REFUSED).what


def test_it_looks_once_in_a_second_and_only_where_it_helps(ports: CountingPorts) -> None:
    lookout = Lookout(ports)
    for _ in range(50):
        assert lookout.explain(WANTED, REFUSED).what == "nothing listens on 127.0.0.1:3000"
    assert ports.looks == 1
    for error in (None, TimeoutError(errno.ETIMEDOUT, "timed out")):
        lookout.explain(WANTED, error)
    lookout.explain(Endpoint(path="/run/app.sock"), FileNotFoundError(errno.ENOENT, "none"))
    assert ports.looks == 1

"""The upstream's finding with a look at its port: what is said, and how seldom it looks."""

from __future__ import annotations

import errno
import threading

import pytest

from homeport.doctor.lookout import Lookout
from homeport.machine.ports_fake import FakePorts
from homeport.model.endpoint import Endpoint
from homeport.model.finding import Finding
from homeport.model.ports import ProcessFact, SocketFact

WANTED = Endpoint("127.0.0.1", 3000)
REFUSED = ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")


class CountingPorts(FakePorts):
    def __init__(self) -> None:
        super().__init__()
        self.looks = 0
        self.may_look = threading.Event()
        self.may_look.set()

    def sockets(self, port: int | None = None, *, udp: bool = False) -> list[SocketFact]:
        self.may_look.wait()
        self.looks += 1
        return super().sockets(port, udp=udp)


@pytest.fixture
def ports() -> CountingPorts:
    made = CountingPorts()
    made.processes[12] = ProcessFact(pid=12, name="node")
    return made


def looked() -> None:
    """Every look that has begun has ended."""
    for thread in threading.enumerate():
        if thread.name.startswith("look at "):
            thread.join()


def second_answer(ports: FakePorts) -> Finding:
    lookout = Lookout(ports)
    lookout.explain(WANTED, REFUSED)
    looked()
    return lookout.explain(WANTED, REFUSED)


def test_the_first_answer_does_not_wait_for_a_look(ports: CountingPorts) -> None:
    ports.may_look.clear()
    found = Lookout(ports).explain(WANTED, REFUSED)
    assert (found.code, found.what) == ("upstream-refused", "nothing listens on 127.0.0.1:3000")
    assert found.next == "start it; if it runs, homeport doctor 127.0.0.1:3000 says where"
    ports.may_look.set()
    looked()
    assert ports.looks == 1


def test_somebody_listens_on_the_other_family(ports: CountingPorts) -> None:
    ports.listening = [SocketFact(endpoint=Endpoint("::1", 3000), pids=(12,))]
    found = second_answer(ports)
    assert found.code == "upstream-refused"
    assert found.what == "nothing listens on 127.0.0.1:3000, but node (pid 12) listens on [::1]:3000"


def test_somebody_listens_there_now(ports: CountingPorts) -> None:
    ports.listening = [SocketFact(endpoint=Endpoint("0.0.0.0", 3000), pids=(12,))]
    assert "although node (pid 12) listens there now" in second_answer(ports).what


def test_it_looks_once_in_a_second_and_only_where_it_helps(ports: CountingPorts) -> None:
    lookout = Lookout(ports)
    for _ in range(50):
        assert lookout.explain(WANTED, REFUSED).what == "nothing listens on 127.0.0.1:3000"
    looked()
    assert ports.looks == 1
    for error in (None, TimeoutError(errno.ETIMEDOUT, "timed out")):
        lookout.explain(WANTED, error)
    lookout.explain(Endpoint(path="/run/app.sock"), FileNotFoundError(errno.ENOENT, "none"))
    looked()
    assert ports.looks == 1


def test_it_keeps_little_however_many_are_asked_about(ports: CountingPorts) -> None:
    lookout = Lookout(ports)
    for port in range(1, 300):
        lookout.explain(Endpoint("127.0.0.1", port), REFUSED)
    looked()
    assert max(len(lookout._begun), len(lookout._seen)) <= 100

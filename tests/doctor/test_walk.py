"""Walks with fake hands and real sockets: what a computer would have to be broken for, and who is asked for what."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import msgspec
import pytest

from homeport.app.doctor import Doctor
from homeport.app.ports import who
from homeport.doctor.facts import OwnAuthority, Report
from homeport.doctor.seams import Hands
from homeport.machine.firewall_fake import FakeFirewall
from homeport.machine.network import Loopback
from homeport.machine.network_fake import FakeNetwork
from homeport.machine.ports_fake import FakePorts
from homeport.model.endpoint import Endpoint
from homeport.model.firewall import Rule
from homeport.model.ports import ProcessFact, SocketFact

ANN = 4321


class Computer:
    """Everything that a doctor looks with."""

    def __init__(self) -> None:
        self.ports, self.network, self.firewall = FakePorts(), FakeNetwork(), FakeFirewall()
        self.asked_docker: list[int] = []
        self.hands = Hands(
            ports=self.ports,
            network=self.network,
            firewall=self.firewall,
            environment={},
            story=lambda port: who(self.ports, port),
            namespaces=self.ports.namespaces_sockets,
            container=self._container,
            authority=lambda issuer: OwnAuthority(name=issuer),
        )

    def _container(self, port: int) -> str:
        self.asked_docker.append(port)
        return "web-1"

    def listen(self, endpoint: Endpoint) -> None:
        self.ports.processes[12] = ProcessFact(pid=12, name="node")
        self.ports.listening.append(SocketFact(endpoint=endpoint, pids=(12,)))

    def examine(self, port: int, *, uid: int | None = None) -> Report:
        return Doctor(msgspec.structs.replace(self.hands, uid=uid)).examine(f"http://127.0.0.1:{port}/")


@pytest.fixture
def computer() -> Computer:
    return Computer()


@pytest.fixture
def closed() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def deaf() -> Iterator[int]:
    """It takes connections, up to its backlog, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


def codes(report: Report) -> list[str]:
    return [finding.code for finding in report.every]


def test_a_healthy_machine(computer: Computer) -> None:
    assert codes(Doctor(computer.hands).everything()) == []


def test_what_runs_out_for_everybody(computer: Computer) -> None:
    computer.network.files = (99, 100)
    assert codes(Doctor(computer.hands).everything()) == ["system-files-exhausted"]


def test_lo_is_down(computer: Computer, closed: int) -> None:
    computer.network.interface = Loopback(name="lo", is_up=False)
    assert codes(computer.examine(closed)) == ["lo-down"]


def test_a_server_without_a_file_left(computer: Computer, deaf: int) -> None:
    computer.listen(Endpoint("127.0.0.1", deaf))
    computer.network.processes[12] = (256, 256)
    report = computer.examine(deaf)
    assert codes(report) == ["files-exhausted"]
    assert "node (pid 12) has all of its 256 files open" in report.every[0].what


def test_a_queue_is_shown_where_it_is_not_full(computer: Computer, closed: int) -> None:
    computer.listen(Endpoint("::1", closed))
    computer.network.fill(Endpoint("::1", closed), waiting=1, limit=5)
    report = computer.examine(closed)
    assert codes(report) == ["listens-elsewhere"]
    (one,) = report.walks[0].facts.listening
    assert one.queue == computer.network.listening[0]


def test_the_firewall_is_asked_for_whoever_called_sudo(computer: Computer, closed: int) -> None:
    computer.listen(Endpoint("127.0.0.1", closed))  # and yet it is refused
    rule = Rule(tool="nftables", chain="inet mine out", text=f"meta skuid {ANN} reject", verdict="reject")
    computer.firewall.block(rule, closed, uid=ANN)
    assert computer.examine(closed).every[0].why.count("meta skuid") == 0
    report = computer.examine(closed, uid=ANN)
    assert codes(report) == ["firewall-rejects-user"]
    assert f"meta skuid {ANN} reject" in report.every[0].why


def test_docker_is_asked_only_where_it_may_be_docker(computer: Computer, deaf: int) -> None:
    computer.listen(Endpoint("127.0.0.1", deaf))
    computer.examine(deaf)
    assert computer.asked_docker == []
    computer.ports.listening = [SocketFact(endpoint=Endpoint("0.0.0.0", deaf))]
    assert "for the container web-1" in computer.examine(deaf).every[-1].what
    assert computer.asked_docker == [deaf]

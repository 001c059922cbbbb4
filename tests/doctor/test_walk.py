"""Walks with fake hands and real sockets: what a computer would have to be broken for, and who is asked for what."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest

from homeport.app.doctor import Doctor
from homeport.app.ports import who
from homeport.cli.doctor_view import report_lines
from homeport.cli.terminal import Paint
from homeport.doctor.facts import OwnAuthority, Report
from homeport.doctor.seams import Hands
from homeport.machine.firewall_fake import FakeFirewall
from homeport.machine.network import Loopback
from homeport.machine.network_fake import FakeNetwork
from homeport.machine.ports_fake import FakePorts
from homeport.model.app import AppState
from homeport.model.endpoint import Endpoint
from homeport.model.errors import HomeportError
from homeport.model.exposure import Exposed
from homeport.model.finding import Finding
from homeport.model.firewall import Rule
from homeport.model.network import ConditionsState
from homeport.model.ports import ProcessFact, SocketFact
from homeport.model.route import RouteState
from homeport.model.status import EngineState, Status

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


def test_a_url_of_the_door_is_the_route_behind_it(computer: Computer, deaf: int, closed: int) -> None:
    """Whoever pastes what the browser shows wants to know of the app, not that the door answers."""
    route = RouteState(
        name="dead", kind="http", target=f"http://127.0.0.1:{closed}", url=f"http://dead.localhost:{deaf}/"
    )
    ended = Finding(code="app-exited", what="web exited with code 1.", next="homeport logs web")
    crashed = AppState(name="web", project="", folder="/", kind="process", route="web", state="failed", finding=ended)
    behind = RouteState(name="web", kind="app", target="", url="")
    state = EngineState(version="1", pid=1, home="", started="", doors=[f"127.0.0.1:{deaf}"])
    doctor = Doctor(computer.hands, Status(engine=state, apps=[crashed], routes=[route, behind]))
    for url in (f"http://dead.localhost:{deaf}/shop", f"http://127.0.0.1:{deaf}/@dead/shop", "dead", "dead.localhost"):
        report = doctor.examine(url)
        assert [one.title for one in report.walks] == [f"dead: http://127.0.0.1:{closed}"], url
        assert codes(report) == ["nobody-listens"]
    assert doctor.examine(f"http://web.localhost:{deaf}/").findings == (ended,)
    assert doctor.examine(f"http://127.0.0.1:{closed}/@web/").walks[0].title.endswith("/@web/"), "another port"
    with pytest.raises(HomeportError, match=r"no route or app has that name \(there are dead, web\)"):
        doctor.examine("daed")


def test_what_is_open_to_other_computers_is_told_first(computer: Computer) -> None:
    with answering() as port:
        where = "10.0.0.1:62893"
        exposed = Exposed(address=where, url=f"https://{where}/", access="token", since="2026-01-01T00:00:00Z")
        route = RouteState(name="api", kind="http", target=f"http://127.0.0.1:{port}", url="", exposed=exposed)
        other = RouteState(name="web", kind="http", target=f"http://127.0.0.1:{port}", url="")
        doctor = Doctor(computer.hands, Status(routes=[route, other]))
        for report in (doctor.everything(), doctor.examine("api")):
            [finding] = report.findings
            assert (finding.code, finding.level) == ("route-exposed", "warning")
            assert finding.what == f"api is open to other computers at https://{where}/"
            assert finding.next == "homeport expose api --close"
            shown = [line for line in report_lines(report, Paint(True), 80) if "open to other computers" in line]
            assert shown[0].startswith("\x1b[31m!\x1b[0m ")
        assert doctor.examine("web").findings == ()


def test_through_the_door_with_another_url_for_those_without_the_name(computer: Computer) -> None:
    with answering() as port:
        path = f"http://127.0.0.1:{port}/@api/"
        route = RouteState(
            name="api", kind="http", target=f"http://127.0.0.1:{port}", url=f"http://api.invalid.localhost:{port}/"
        )
        route.urls = [route.url, path]
        state = EngineState(version="1", pid=1, home="", started="", doors=[f"127.0.0.1:{port}"])
        report = Doctor(computer.hands, Status(engine=state, routes=[route])).examine("api")
    own, through = report.walks
    assert (own.title, through.title) == (f"api: {route.target}", f"api through the door: {route.url}")
    assert through.facts.target.everywhere == path
    assert [one.next for one in through.findings if one.code == "name-only-in-browsers"] in ([], [f"use {path} there"])


@contextmanager
def answering() -> Iterator[int]:
    """A server that says hello."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_answer, args=(listener,), name="hello")
        thread.start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _answer(listener: socket.socket) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        with client:
            client.recv(4096)
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")


def test_a_udp_route_and_a_network_that_was_changed(computer: Computer) -> None:
    udp = RouteState(name="game", kind="udp", target="udp:192.0.2.1:7777", url="")
    state = EngineState(version="1", pid=1, home="", started="", doors=[])
    slow = ConditionsState(route="game", text="loss=1%", words=["each way: 1% are lost"])
    doctor = Doctor(computer.hands, Status(engine=state, routes=[udp]), [slow])
    for report in (doctor.examine("game"), doctor.everything()):
        assert codes(report) == ["network-conditioned"]
        assert [walk.title for walk in report.walks] == ["game: udp:192.0.2.1:7777"]
    assert report.looked_at == 1

"""The same small scene on every kind of computer: real sockets, lists in the fake, recorded output of other systems."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from homeport.machine import sock_diag
from homeport.machine.ports import Ports
from homeport.machine.ports_fake import FakePorts
from homeport.machine.ports_linux import LinuxPorts
from homeport.machine.ports_macos import MacPorts
from homeport.machine.ports_psutil import PsutilPorts
from homeport.machine.ports_windows import WindowsPorts, parse_connections
from homeport.model.endpoint import Endpoint
from homeport.model.ports import Occupant, ProcessFact, SocketFact

RECORDED = Path(__file__).with_name("recorded")
US = "ann"
# pid: name, user
CAST = {4121: ("node", US), 77: ("datagrip", US), 500: ("caddy", "www"), 98: ("postgres", "_postgres")}


@dataclass(frozen=True)
class Scene:
    """`loopback` listens on 127.0.0.1 and ::1, `wild` on `::` for both families, `near` is a connection's own end."""

    loopback: int
    pid: int
    wild: int
    udp: int
    near: int
    far: int
    near_pid: int
    time_wait: int
    nobody: int
    wild_pids: tuple[int, ...]
    v6only: int = 0  # `::` alone; 0 where the system does not tell


@dataclass
class Process:
    """What psutil.Process answers on a recorded computer."""

    pid: int
    rows: list[SimpleNamespace] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.pid not in (*CAST, os.getpid()):
            raise psutil.NoSuchProcess(self.pid)

    def name(self) -> str:
        return CAST.get(self.pid, ("homeport", US))[0]

    def username(self) -> str:
        return CAST.get(self.pid, ("homeport", US))[1]

    def status(self) -> str:
        return psutil.STATUS_RUNNING

    def create_time(self) -> float:
        return 1_700_000_000.0 + self.pid

    def ppid(self) -> int:
        return 1

    def parents(self) -> list[Process]:
        return []

    def cmdline(self) -> list[str]:
        return [self.name()]

    def cwd(self) -> str:
        raise psutil.AccessDenied(self.pid)

    def environ(self) -> dict[str, str]:
        return {}

    def net_connections(self, kind: str) -> list[SimpleNamespace]:
        if self.username() != US:
            raise psutil.AccessDenied(self.pid)
        return [row for row in self.rows if row.pid == self.pid and row.kind == kind]


def row(kind: str, own: tuple[str, int], status: str, pid: int, peer: tuple[str, int] | None = None) -> SimpleNamespace:
    raddr = SimpleNamespace(ip=peer[0], port=peer[1]) if peer else ()
    return SimpleNamespace(
        kind=kind, laddr=SimpleNamespace(ip=own[0], port=own[1]), raddr=raddr, status=status, pid=pid
    )


@contextmanager
def real(ports: Ports) -> Iterator[tuple[Ports, Scene]]:
    with (
        socket.create_server(("127.0.0.1", 0)) as four,
        socket.create_server(("::1", four.getsockname()[1]), family=socket.AF_INET6),
        socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as wild,
        socket.create_server(("::", 0), family=socket.AF_INET6) as alone,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        socket.create_connection(four.getsockname()) as near,
        socket.create_connection(four.getsockname()) as waiting,
        socket.socket() as held,
    ):
        for _ in range(2):
            accepted, place = four.accept()
            if place[1] == near.getsockname()[1]:
                kept = accepted
            else:
                late = accepted
        time_wait = waiting.getsockname()[1]
        waiting.close()
        assert late.recv(1) == b""
        late.close()
        udp.bind(("0.0.0.0", 0))
        held.bind(("127.0.0.1", 0))
        nobody = held.getsockname()[1]
        held.close()
        tells_v6only = isinstance(ports, LinuxPorts) and not getattr(ports, "is_blind", False)
        with kept:
            yield (
                ports,
                Scene(
                    loopback=four.getsockname()[1],
                    pid=os.getpid(),
                    wild=wild.getsockname()[1],
                    wild_pids=(os.getpid(),),
                    v6only=alone.getsockname()[1] if tells_v6only else 0,
                    udp=udp.getsockname()[1],
                    near=near.getsockname()[1],
                    far=four.getsockname()[1],
                    near_pid=os.getpid(),
                    time_wait=time_wait,
                    nobody=nobody,
                ),
            )


RECORDED_SCENE = Scene(
    loopback=3000,
    pid=4121,
    wild=8080,
    wild_pids=(500,),
    v6only=8081,
    udp=5353,
    near=50001,
    far=5432,
    near_pid=77,
    time_wait=50002,
    nobody=3999,
)


@contextmanager
def linux() -> Iterator[tuple[Ports, Scene]]:
    with real(LinuxPorts()) as stage:
        yield stage


@contextmanager
def linux_without_netlink() -> Iterator[tuple[Ports, Scene]]:
    def refuse(*words: object, **options: object) -> None:
        raise PermissionError

    class Blind(LinuxPorts):
        is_blind = True

    with pytest.MonkeyPatch.context() as patch, real(Blind()) as stage:
        patch.setattr(sock_diag, "_ask", refuse)
        yield stage


@contextmanager
def by_psutil() -> Iterator[tuple[Ports, Scene]]:
    with real(PsutilPorts()) as stage:
        yield stage


@contextmanager
def fake() -> Iterator[tuple[Ports, Scene]]:
    ports, scene = FakePorts(), RECORDED_SCENE
    for pid, (name, user) in CAST.items():
        ports.processes[pid] = ProcessFact(pid=pid, start=float(pid), name=name, user=user, parent=1)
    for host, port, pids, v6only in (
        ("127.0.0.1", 3000, (4121,), False),
        ("::1", 3000, (4121,), False),
        ("::", 8080, (500,), False),
        ("::", 8081, (500,), True),
    ):
        ports.listening.append(SocketFact(endpoint=Endpoint(host, port), pids=pids, v6only=v6only))
    ports.listening.append(SocketFact(protocol="udp", endpoint=Endpoint("0.0.0.0", 5353), pids=(500,)))
    near, peer = Endpoint("127.0.0.1", scene.near), Endpoint("127.0.0.1", scene.far)
    ports.using.append(Occupant(kind="connection", endpoint=near, peer=peer, pids=(77,)))
    ports.using.append(Occupant(kind="time-wait", endpoint=Endpoint("127.0.0.1", scene.time_wait), peer=peer))
    yield ports, scene


@contextmanager
def macos(version: int) -> Iterator[tuple[Ports, Scene]]:
    """Without root: psutil sees our own processes only."""
    rows = [
        row("tcp", ("127.0.0.1", 3000), psutil.CONN_LISTEN, 4121),
        row("tcp", ("::1", 3000), psutil.CONN_LISTEN, 4121),
        row("tcp", ("127.0.0.1", 50001), psutil.CONN_ESTABLISHED, 77, ("127.0.0.1", 5432)),
    ]

    def ask(words: Sequence[str]) -> str:
        name = f"netstat-macos-{version}.txt" if words[-1] == "tcp" else "netstat-macos-udp.txt"
        return (RECORDED / name).read_text()

    def denied(kind: str) -> None:
        raise psutil.AccessDenied

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psutil, "net_connections", denied)
        patch.setattr(psutil, "process_iter", lambda: [Process(pid, rows) for pid in CAST])
        patch.setattr(psutil, "Process", Process)
        yield MacPorts(ask), RECORDED_SCENE


@contextmanager
def windows() -> Iterator[tuple[Ports, Scene]]:
    said = (RECORDED / "get-nettcpconnection.json").read_text()
    states = {2: psutil.CONN_LISTEN, 5: psutil.CONN_ESTABLISHED, 11: psutil.CONN_TIME_WAIT}
    rows = [
        row("tcp", (own.host, own.port), states[state], pid, (peer.host, peer.port) if peer.port else None)
        for own, peer, state, pid in parse_connections(said)
        if state in states
    ]
    rows.append(row("udp", ("0.0.0.0", 5353), psutil.CONN_NONE, 500))

    def ask(words: Sequence[str], limit_s: float) -> str:
        if words[0] == "netsh":
            return (RECORDED / "netsh-excluded.txt").read_text() if "ipv4" in words else ""
        bound = [entry for entry in json.loads(said) if entry["State"] == 100]
        return json.dumps(bound[0])  # a single object comes without a list

    def every(kind: str) -> list[Any]:
        return [entry for entry in rows if entry.kind == kind]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psutil, "net_connections", every)
        patch.setattr(psutil, "Process", Process)
        ports = WindowsPorts(ask)
        patch.setattr(ports, "bindable", lambda port: {"127.0.0.1": "taken"})
        yield ports, Scene(**{**RECORDED_SCENE.__dict__, "v6only": 0})

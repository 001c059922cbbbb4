"""The processes of bench.udp: `python -m bench.udp_runner relay UPSTREAM_PORT [WORDS]`, `late`, `plain`, `echo`.

Each prints its port. `relay` is a UdpRelay without an engine around it, under the conditions that WORDS ask for; `late`
is one that prints at its end how late datagrams left.
"""

from __future__ import annotations

import asyncio
import select
import signal
import socket
import sys
import time
from typing import Any

from bench.lateness import tell
from bench.tcp_runner import NoTap, Upstream
from homeport.conditions.profiles import BY_NAME
from homeport.conditions.text import parse
from homeport.gateway import udp_lane
from homeport.gateway.udp import UdpRelay
from homeport.model.endpoint import Endpoint


async def relay(upstream: str, words: str = "", *, notes: bool = False) -> None:
    late = _note_lateness() if notes else []
    made = UdpRelay(NoTap())
    made.start()
    port = made.open("bench", Endpoint("127.0.0.1", 0), Upstream(int(upstream))).port
    if words:
        made.set_conditions("bench", parse(words.split(), BY_NAME))
    print(port, flush=True)
    done = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, done.set)
    await done.wait()
    made.stop()
    if notes:
        print(tell(late), flush=True)


def _note_lateness() -> list[float]:
    """Have every datagram that was held back note by how much it left after its due."""
    late: list[float] = []
    due: list[float] = []
    release: Any = udp_lane.UdpLane._release
    send: Any = udp_lane.UdpLane._send_due

    def noting(self: udp_lane.UdpLane, held: tuple[bytes, int, float], due_s: float) -> None:
        due.append(due_s)
        release(self, held, due_s)

    def sending(self: udp_lane.UdpLane) -> None:
        send(self)
        now_s = time.monotonic()
        late.extend(now_s - due_s for due_s in due)
        due.clear()

    udp_lane.UdpLane._release = noting  # type: ignore[method-assign, assignment]
    udp_lane.UdpLane._send_due = sending  # type: ignore[method-assign]
    return late


def plain(upstream: str) -> None:
    """What a relay costs in Python at least: two kinds of sockets, a dictionary, and nothing else."""
    front = _bound()
    poll = select.epoll()
    poll.register(front.fileno(), select.EPOLLIN)
    by_client: dict[Any, socket.socket] = {}
    by_number: dict[int, tuple[socket.socket, Any]] = {}
    while True:
        for number, _ in poll.poll():
            try:
                if number != front.fileno():
                    back, where = by_number[number]
                    while True:
                        front.sendto(back.recv(65536), where)
                while True:
                    data, where = front.recvfrom(65536)
                    found = by_client.get(where)
                    if found is None:
                        found = by_client[where] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                        found.setblocking(False)
                        found.connect(("127.0.0.1", int(upstream)))
                        by_number[found.fileno()] = found, where
                        poll.register(found.fileno(), select.EPOLLIN)
                    found.send(data)
            except BlockingIOError:
                continue


def echo() -> None:
    sock = _bound()
    sock.setblocking(True)
    while True:
        data, where = sock.recvfrom(65536)
        sock.sendto(data, where)


def _bound() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    sock.bind(("127.0.0.1", 0))
    sock.setblocking(False)
    print(sock.getsockname()[1], flush=True)
    return sock


if __name__ == "__main__":
    what, *words = sys.argv[1:]
    if what in ("relay", "late"):
        import uvloop

        uvloop.run(relay(*words, notes=what == "late"))
    else:
        {"plain": lambda: plain(*words), "echo": echo}[what]()

"""How long it takes to find out who holds a port: as a command beside lsof and ss, and as a call beside psutil.

A population of listening sockets is spread over a few processes, as on a machine where a team's services run.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import psutil

from bench import homeport
from bench.peers import Stage
from bench.rounds import Results
from homeport.machine.ports import this_computer
from homeport.machine.ports_linux import tcp_listeners

PROCESSES = 10
_HOLDER = """
import socket, sys
held = []
for _ in range(int(sys.argv[1])):
    held.append(socket.socket())
    held[-1].bind(("127.0.0.1", 0))
    held[-1].listen()
print(held[0].getsockname()[1], flush=True)
sys.stdin.read()
"""


def measure(stage: Stage, sockets: int, rounds: int, say: Callable[[str], None]) -> Results:
    results = Results()
    with population(sockets) as port:
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "lsof": [stage.programs["lsof"], "-nP", f"-iTCP:{port}", "-sTCP:LISTEN"],
            "ss": [stage.programs["ss"], "-Hltnp"],
            "homeport who": [homeport.COMMAND, "who", str(port)],
        }
        calls: dict[str, Callable[[], object]] = {
            "call: the socket, homeport": lambda: tcp_listeners(port),
            "call: its process, homeport": lambda: this_computer().sockets(port),
            "call: its process, psutil": lambda: [
                one
                for one in psutil.net_connections("tcp")
                if getattr(one.laddr, "port", 0) == port and one.status == "LISTEN"
            ],
        }
        say(f"ports: measuring with {sockets} sockets")
        for _ in range(max(5, rounds * 3)):
            for name, command in commands.items():
                results.add(name, {"ms": _took(lambda command=command: _run(command)) * 1e3})  # type: ignore[misc]
            for name, call in calls.items():
                results.add(name, {"ms": _took(call) * 1e3})
    return results


@contextmanager
def population(sockets: int) -> Iterator[int]:
    """Yields one of their ports."""
    with ExitStack() as started:
        ports = []
        for _ in range(PROCESSES):
            words = [sys.executable, "-c", _HOLDER, str(sockets // PROCESSES)]
            holder = started.enter_context(
                subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            assert holder.stdin
            assert holder.stdout
            started.callback(holder.stdin.close)
            ports.append(int(holder.stdout.readline()))
        yield ports[len(ports) // 2]


def _run(command: list[str]) -> None:
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


def _took(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun

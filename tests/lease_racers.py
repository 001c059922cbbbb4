"""The racers of test_lease_race.py: twenty processes that lease and bind in step, and one that grabs what it can.

Run as a program: rounds as its argument, a JSON object as its output. Forks, so that twenty processes start in no time.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from multiprocessing.synchronize import Barrier, Event
from typing import Any

import portpicker

from homeport import ports

PICKERS, NAMED, CALLERS, RACERS = 7, 3, 2, 20
GRABBED_AT_ONCE = 400
STEP_LIMIT_S = 40
HOMEPORT = [sys.executable, "-m", "homeport"]


def bind(number: int, port: int) -> socket.socket:
    """As programs do: on any of the four addresses, mostly without SO_REUSEADDR. Named ports belong to servers, which
    set it."""
    host = ("127.0.0.1", "", "::1", "::")[number % 4]
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    if PICKERS <= number < PICKERS + NAMED:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((host, port))
    made.listen()
    return made


def serve_once(listener: socket.socket, port: int) -> None:
    """The server closes first: the port is in TIME_WAIT for a minute, where no plain bind succeeds."""
    with socket.create_connection(("::1" if listener.family == socket.AF_INET6 else "127.0.0.1", port)) as client:
        listener.accept()[0].close()
        client.recv(1)


def lease_of(number: int, round_number: int, stack: ExitStack) -> int:
    if number < PICKERS:
        return int(portpicker.pick_unused_port())
    if number < PICKERS + NAMED:
        return stack.enter_context(ports.lease(f"racer-{number}"))
    if number >= RACERS - CALLERS and round_number % 10 == 0:
        # The command's caller is we: the port is ours until we end.
        return int(subprocess.check_output([*HOMEPORT, "lease"], text=True))
    return stack.enter_context(ports.lease())


def racer(number: int, rounds: int, step: Barrier, tell: Callable[[tuple[int, int, int, str]], None]) -> None:
    for round_number in range(rounds):
        step.wait(STEP_LIMIT_S)
        with ExitStack() as stack:
            port, failure = 0, ""
            try:
                port = lease_of(number, round_number, stack)
                listener = stack.enter_context(bind(number, port))
                if round_number % 5 == 0:
                    serve_once(listener, port)
            except (
                OSError,
                subprocess.CalledProcessError,
                ports.HomeportError,
                portpicker.NoFreePortFoundError,
            ) as error:
                failure = f"round {round_number}, racer {number}, port {port}: {error}"
            tell((round_number, number, port, failure))
            step.wait(STEP_LIMIT_S)  # everybody has bound, and nobody has let go


def grab(stop: Event, tell: Callable[[tuple[int, list[int]]], None]) -> None:
    held: deque[socket.socket] = deque()
    seen: set[int] = set()
    count = 0
    while not stop.is_set():
        for _ in range(100):
            grabbed = socket.socket()
            grabbed.bind(("127.0.0.1", 0))
            seen.add(grabbed.getsockname()[1])
            held.append(grabbed)
            count += 1
            if len(held) > GRABBED_AT_ONCE:
                held.popleft().close()
    tell((count, sorted(seen)))
    for one in held:
        one.close()


def main(rounds: int) -> dict[str, Any]:
    fork = multiprocessing.get_context("fork")
    step, stop = fork.Barrier(RACERS), fork.Event()
    told: Any = fork.SimpleQueue()
    grabbed: Any = fork.SimpleQueue()
    grabber = fork.Process(target=grab, args=(stop, grabbed.put))
    racers = [fork.Process(target=racer, args=(number, rounds, step, told.put)) for number in range(RACERS)]
    for process in (grabber, *racers):
        process.start()
    answers = [told.get() for _ in range(RACERS * rounds)]
    for process in racers:
        process.join()
    stop.set()
    count, seen = grabbed.get()
    grabber.join()
    return {"answers": answers, "grabs": count, "grabbed": seen, "exits": [process.exitcode for process in racers]}


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "error")
    json.dump(main(int(sys.argv[1])), sys.stdout)

"""A random crowd of sockets, the same for the same seed: `python population.py SEED AS_ROOT` opens it, says "ready",
and keeps it until its standard input ends. What it opens is found by others: nothing here says where it listens.
"""

from __future__ import annotations

import ctypes
import os
import random
import select
import socket
import sys

FIRST_PORT = 20_000
ANY4, ANY6 = ("0.0.0.0", "127.0.0.1", "127.0.0.2"), ("::", "::1")
SIZE = 24
NOBODY = 65534
PR_SET_DUMPABLE = 4


def bound(dice: random.Random, port: int, *, shared: bool) -> socket.socket:
    family = dice.choice((socket.AF_INET, socket.AF_INET6))
    kind = dice.choice((socket.SOCK_STREAM, socket.SOCK_STREAM, socket.SOCK_DGRAM))
    return open_one(
        family, kind, dice.choice(ANY4 if family == socket.AF_INET else ANY6), port, dice.random() < 0.5, shared
    )


def open_one(family: int, kind: int, host: str, port: int, v6only: bool, shared: bool) -> socket.socket:
    made = socket.socket(family, kind)
    if family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
    if shared:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    made.bind((host, port))
    if kind == socket.SOCK_STREAM:
        made.listen(16)
    return made


def populate(seed: int, as_root: bool) -> list[socket.socket]:
    """Sockets alone and in reuseport groups, some held by forked children, some by another user alone."""
    dice = random.Random(seed)
    kept = []
    for number in range(SIZE):
        port, shape = FIRST_PORT + number, dice.choice(("one", "one", "one", "group", "forked", "foreign", "both"))
        if shape == "both":  # two sockets, one on each family
            kind = dice.choice((socket.SOCK_STREAM, socket.SOCK_DGRAM))
            made = [open_one(socket.AF_INET, kind, "0.0.0.0", port, False, False)]
            made.append(open_one(socket.AF_INET6, kind, "::", port, True, False))
        else:
            if shape == "foreign" and as_root:
                os.seteuid(NOBODY)  # whose the socket then is
            made = [bound(dice, port, shared=shape == "group")]
            if as_root:
                os.seteuid(0)
        if shape == "group":
            made += siblings(made[0], dice.randrange(1, 3))
        if shape == "forked" or (shape == "group" and dice.random() < 0.5):
            for _ in range(dice.randrange(1, 4)):
                child(made)
        if shape == "foreign":
            child(made, user=NOBODY if as_root else None)
            for one in made:
                one.close()
            made = []
        kept += made
    return kept


def siblings(first: socket.socket, count: int) -> list[socket.socket]:
    host, port = first.getsockname()[:2]
    v6only = first.family == socket.AF_INET6 and bool(first.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY))
    return [open_one(first.family, first.type, host, port, v6only, True) for _ in range(count)]


def child(holds: list[socket.socket], user: int | None = None) -> None:
    """A process that holds these as well, and nothing else; it ends with us."""
    reading, writing = os.pipe()
    if os.fork():
        os.close(writing)
        os.read(reading, 1)  # it has let go of what is not its own
        os.close(reading)
        return
    keep = {0, 1, 2, writing, *(one.fileno() for one in holds)}
    for descriptor in range(3, 256):
        if descriptor not in keep:
            try:
                os.close(descriptor)
            except OSError:
                continue
    if user is not None:
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # as after exec: its user may look at it
    os.write(writing, b"1")
    os.close(writing)
    wait()
    os._exit(0)


def wait() -> None:
    """Until standard input, a pipe that everybody here shares, has no writer any more."""
    poller = select.poll()
    poller.register(0, select.POLLHUP)
    poller.poll()


if __name__ == "__main__":
    crowd = populate(int(sys.argv[1]), sys.argv[2] == "yes")
    near = socket.socket(
        socket.AF_INET, socket.SOCK_DGRAM
    )  # connected: it receives from one peer only, so is not listed
    near.connect(("127.0.0.1", 9))
    os.write(1, b"ready\n")
    wait()

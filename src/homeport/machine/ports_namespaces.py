"""Listeners in other network namespaces of a Linux computer: in containers, sandboxes, `ip netns`.

Which namespace a process is in may only be seen by its user and root. Its sockets are read through one of its
processes; nothing enters a namespace.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence

from homeport.machine import proc, proc_net
from homeport.machine.sock_diag import Row
from homeport.model.ports_cgroup import container_of

Holders = Callable[[Sequence[int]], Mapping[int, list[int]]]


def listeners(port: int, holders: Holders) -> list[tuple[str, Row, list[int]]]:
    """(what people know the namespace by, its listener, the processes that hold it) for every one that is not ours."""
    found = []
    names = _names()
    for space, first in _others().items():
        rows = _tcp(first, port)
        by_inode = holders([row.inode for row in rows]) if rows else {}
        for row in rows:
            pids = sorted(by_inode.get(row.inode, ()))
            found.append((_label(names.get(space, ""), (pids or [first])[0]), row, pids))
    return found


def _others() -> dict[str, int]:
    """ "net:[4026532281]" -> the first of its processes."""
    ours = proc.link("/proc/self/ns/net")
    found: dict[str, int] = {}
    for pid in sorted(proc.all_pids()):
        space = proc.link(f"/proc/{pid}/ns/net")
        if space and space != ours:
            found.setdefault(space, pid)
    return found


def _tcp(pid: int, port: int) -> list[Row]:
    rows = [row for name in ("tcp", "tcp6") for row in proc_net.tcp_listeners(proc.rows(f"/proc/{pid}/net/{name}"))]
    return [row for row in rows if row.port == port]


def _label(name: str, pid: int) -> str:
    if name:
        return f"the network namespace {name}"
    engine, number = container_of(proc.read(f"/proc/{pid}/cgroup"))
    if number:
        return f"the container {number} ({engine})"
    return f"a network namespace of its own, with {proc.read(f'/proc/{pid}/comm').strip() or 'a process'} (pid {pid})"


def _names() -> dict[str, str]:
    """ "net:[4026532281]" -> name, for those that `ip netns add` made."""
    found = {}
    for name in proc.names("/run/netns"):
        try:
            found[f"net:[{os.stat(f'/run/netns/{name}').st_ino}]"] = name
        except OSError:
            continue
    return found

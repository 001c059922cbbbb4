"""Files of Linux' /proc: one process, all processes. "Gone" and "may not be seen" are empty answers, never errors."""

from __future__ import annotations

import os
from collections.abc import Iterator

from homeport.model.fact import Fact

NOT_AN_APPS = "-"  # an environment that is whole, and names no app
_PAGE_BYTES = 4096


class Stat(Fact, kw_only=False):
    """The fields of /proc/PID/stat that we use."""

    state: str
    parent: int
    session: int
    started: float  # clock ticks since the boot


def stat(pid: int) -> Stat | None:
    """The name stands in brackets and may hold brackets itself: the fields begin after the last one (proc(5))."""
    _, bracket, rest = read(f"/proc/{pid}/stat").rpartition(")")
    fields = rest.split()
    if not bracket or len(fields) < 20:
        return None
    return Stat(fields[0], int(fields[1]), int(fields[3]), float(fields[19]))


def children(pid: int) -> list[int]:
    """Each thread has children of its own."""
    return [
        int(child) for task in names(f"/proc/{pid}/task") for child in read(f"/proc/{pid}/task/{task}/children").split()
    ]


def ourselves_and_ancestors() -> set[int]:
    found = {os.getpid()}
    status = stat(os.getpid())
    while status and status.parent > 0:
        found.add(status.parent)
        status = stat(status.parent)
    return found


def marker(pid: int) -> str:
    """The value of HOMEPORT_APP; '' when the environment cannot be read any more (nginx writes its title over it)."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            environment = b"\0" + file.read()
    except OSError:
        return ""
    _, found, rest = environment.partition(b"\0HOMEPORT_APP=")
    if not found:
        return NOT_AN_APPS if b"\0PATH=" in environment else ""
    return rest.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")


def socket_inodes(pid: int) -> set[int]:
    return {int(target[8:-1]) for target in open_files(pid) if target.startswith("socket:[")}


def open_files(pid: int) -> set[str]:
    """What its descriptors lead to: paths, `socket:[123]`. By names within the folder: a third less than by paths."""
    try:
        folder = os.open(f"/proc/{pid}/fd", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return set()
    found = set()
    try:
        for name in os.listdir(folder):
            try:
                found.add(os.readlink(name, dir_fd=folder))
            except OSError:
                pass  # closed meanwhile
    except OSError:
        pass  # the process ended meanwhile
    finally:
        os.close(folder)
    return found


def rows(path: str) -> Iterator[bytes]:
    try:
        with open(path, "rb") as file:
            file.readline()
            yield from file
    except OSError:
        return


def all_pids() -> list[int]:
    return [int(name) for name in names("/proc") if name.isdigit()]


def names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def read(path: str) -> str:
    """Without a file object: files of /proc are small, and a look at an app reads dozens of them."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        parts = []
        while part := os.read(
            descriptor, _PAGE_BYTES
        ):  # a short read is not yet the end (seq_file keeps records whole)
            parts.append(part)
    except OSError:
        return ""  # the process ended meanwhile
    finally:
        os.close(descriptor)
    return b"".join(parts).decode("utf-8", "surrogateescape")

"""The ports of a Linux computer, from sock_diag (or /proc/net) and /proc. Never needs root; root only sees more."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence

from homeport.machine import proc, proc_net, sock_diag
from homeport.machine.sock_diag import Row
from homeport.model.endpoint import Endpoint
from homeport.model.ports import Bindable, Occupant, OccupantKind, ProcessFact, SocketFact, parse_ranges

_TCP_TIME_WAIT, _TCP_BOUND_INACTIVE = 6, 13  # net/tcp_states.h; the second is told since Linux 6.8
_NOBODY_LOGGED_IN = 0xFFFFFFFF
_SYSCTL = "/proc/sys/net/ipv4"
_TICKS = os.sysconf("SC_CLK_TCK")


class LinuxPorts:
    """See Ports."""

    def __init__(self) -> None:
        self._users: dict[int, str] = {}

    def sockets(self, port: int | None = None, *, udp: bool = False) -> list[SocketFact]:
        tcp = tcp_listeners(port or 0)
        datagram = _udp_receivers(port or 0) if udp else []
        holders = _holders(row.inode for row in (*tcp, *datagram))
        found = [self._socket(row, holders) for row in tcp]
        return found + [self._socket(row, holders, is_udp=True) for row in datagram]

    def occupants(self, port: int) -> list[Occupant]:
        try:
            rows = sock_diag.tcp_users(port)
        except OSError:
            rows = [row for name in ("tcp", "tcp6") for row in proc_net.users(proc.rows(f"/proc/net/{name}"), port)]
        holders = _holders(row.inode for row in rows if row.inode)
        return [self._occupant(row, holders) for row in rows]

    def process(self, pid: int) -> ProcessFact | None:
        name, bracket, rest = proc.read(f"/proc/{pid}/stat").rpartition(")")
        fields = rest.split()
        if not bracket or len(fields) < 20 or fields[0] in "ZX":
            return None
        program = proc.link(f"/proc/{pid}/exe")
        return ProcessFact(
            pid=pid,
            start=float(fields[19]),
            started_s=_booted_s() + int(fields[19]) / _TICKS,
            name=name.partition("(")[2],
            command=tuple(proc.read(f"/proc/{pid}/cmdline").rstrip("\0").split("\0")),
            user=self._user(_owner(pid)),
            folder=proc.link(f"/proc/{pid}/cwd").removesuffix(" (deleted)"),
            parent=int(fields[1]),
            group=int(fields[2]),
            session=int(fields[3]),
            terminal=_terminal(int(fields[4])),
            cgroup=proc.read(f"/proc/{pid}/cgroup"),
            login=self._login(pid),
            app=_app(pid),
            is_deleted=program.endswith(" (deleted)"),
        )

    def parents(self, process: ProcessFact) -> list[ProcessFact]:
        found: list[ProcessFact] = []
        at: ProcessFact | None = process
        while at and at.parent > 0 and (at := self.process(at.parent)):
            found.append(at)
        return found

    def group(self, group: int) -> list[int]:
        every = ((pid, proc.read(f"/proc/{pid}/stat").rpartition(")")[2].split()) for pid in proc.all_pids())
        return [pid for pid, fields in every if len(fields) > 2 and int(fields[2]) == group and fields[0] not in "ZX"]

    def bindable(self, port: int) -> dict[str, Bindable]:
        from homeport.machine.ports import try_binds

        return try_binds(port)

    def ephemeral_range(self) -> tuple[int, int]:
        fields = proc.read(f"{_SYSCTL}/ip_local_port_range").split()
        return (int(fields[0]), int(fields[1])) if len(fields) == 2 else (32768, 60999)

    def reserved(self) -> list[tuple[int, int]]:
        return parse_ranges(proc.read(f"{_SYSCTL}/ip_local_reserved_ports"))

    def unprivileged_from(self) -> int:
        text = proc.read(f"{_SYSCTL}/ip_unprivileged_port_start").strip()
        return int(text) if text.isdigit() else 1024

    def repository(self, folder: str) -> tuple[str, str]:
        from homeport.machine import git

        return git.repository(folder)

    def namespaces_sockets(self, port: int) -> list[tuple[str, SocketFact]]:
        from homeport.machine import ports_namespaces

        found = ports_namespaces.listeners(port, _holders)
        return [(label, self._socket(row, {row.inode: pids})) for label, row, pids in found]

    def environment(self, pid: int) -> dict[str, str]:
        pairs = (entry.partition("=") for entry in proc.read(f"/proc/{pid}/environ").split("\0"))
        return {name: value for name, found, value in pairs if found}

    def ask(self, words: Sequence[str]) -> str:
        from homeport.machine import ports_tools

        return ports_tools.ask(words)

    def run(self, words: Sequence[str], waiting: Callable[[float], None]) -> str:
        from homeport.machine import ports_tools

        return ports_tools.run(words, waiting)

    def has_tool(self, program: str) -> bool:
        from homeport.machine import ports_tools

        return ports_tools.is_installed(program)

    def protected(self) -> set[int]:
        return {1, *proc.ourselves_and_ancestors()}

    def end(self, process: ProcessFact, *, group: bool = False, force: bool = False) -> str:
        from homeport.machine import ports_signal

        return ports_signal.end(process, lambda: self.process(process.pid), self.protected(), group=group, force=force)

    def _socket(self, row: Row, holders: dict[int, list[int]], *, is_udp: bool = False) -> SocketFact:
        return SocketFact(
            protocol="udp" if is_udp else "tcp",
            endpoint=Endpoint(row.host, row.port),
            user=self._user(row.uid),
            pids=tuple(sorted(holders.get(row.inode, ()))),
            v6only=row.v6only,
        )

    def _occupant(self, row: Row, holders: dict[int, list[int]]) -> Occupant:
        kind: OccupantKind = "connection"
        if row.time_wait_ms is not None or row.state == _TCP_TIME_WAIT:
            kind = "time-wait"
        elif row.state == _TCP_BOUND_INACTIVE:
            kind = "bound"
        return Occupant(
            kind=kind,
            endpoint=Endpoint(row.host, row.port),
            peer=Endpoint(row.peer_host, row.peer_port) if row.peer_port else None,
            seconds_left=None if row.time_wait_ms is None else row.time_wait_ms / 1000,
            pids=tuple(sorted(holders.get(row.inode, ()))) if row.inode else (),
            user=self._user(row.uid) if row.inode else "",
        )

    def _login(self, pid: int) -> str:
        """The kernel's loginuid, which is never changed again once somebody has logged in."""
        text = proc.read(f"/proc/{pid}/loginuid").strip()
        return self._user(int(text)) if text.isdigit() and int(text) != _NOBODY_LOGGED_IN else ""

    def _user(self, uid: int) -> str:
        if uid not in self._users:
            self._users[uid] = _name_of(uid) if uid >= 0 else ""
        return self._users[uid]


def tcp_listeners(port: int = 0) -> list[Row]:
    """Every listener, or those of one port."""
    try:
        return sock_diag.tcp_listeners(port)
    except OSError:
        rows = [row for name in ("tcp", "tcp6") for row in proc_net.tcp_listeners(proc.rows(f"/proc/net/{name}"))]
        return [row for row in rows if port in (0, row.port)]


def _udp_receivers(port: int) -> list[Row]:
    try:
        return sock_diag.udp_receivers(port)
    except OSError:
        rows = [row for name in ("udp", "udp6") for row in proc_net.receivers(proc.rows(f"/proc/net/{name}"))]
        return [row for row in rows if port in (0, row.port)]


def _holders(inodes: Iterable[int]) -> dict[int, list[int]]:
    """inode -> every process that has the socket open: all of them, since workers inherit it."""
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    found: dict[int, list[int]] = {}
    for pid in proc.all_pids() if wanted else ():
        for link in proc.open_files(pid) & wanted.keys():
            found.setdefault(wanted[link], []).append(pid)
    return found


def _booted_s() -> float:
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)


def _owner(pid: int) -> int:
    try:
        return os.stat(f"/proc/{pid}").st_uid
    except OSError:
        return -1


def _name_of(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _terminal(number: int) -> str:
    """tty_nr of proc(5): the minor in bits 31-20 and 7-0, the major in 15-8. 136 to 143 are Unix98's slaves."""
    major, minor = (number >> 8) & 0xFFF, (number & 0xFF) | ((number >> 12) & 0xFFF00)
    if 136 <= major <= 143:
        return f"pts/{(major - 136) * 256 + minor}"
    return f"tty{minor}" if major == 4 else ""


def _app(pid: int) -> str:
    """HOMEPORT_APP is the key of a home and the route."""
    marker = proc.marker(pid)
    return marker.partition("/")[2] if marker != proc.NOT_AN_APPS else ""

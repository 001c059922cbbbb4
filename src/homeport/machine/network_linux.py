"""The network of a Linux computer: interface flags by ioctl, queues by sock_diag, limits from /proc. Never needs root.

/sys/class/net is not asked: it shows the namespace that mounted it, not ours.
"""

from __future__ import annotations

import ctypes
import fcntl
import socket
import struct

from homeport.machine import proc
from homeport.machine.network import Loopback, Queue
from homeport.model.endpoint import Endpoint

_SIOCGIFFLAGS, _SIOCGIFADDR = 0x8913, 0x8915  # linux/sockios.h
_IFF_UP = 0x1
_LISTEN_STATES = 1 << 10
_NETLINK_SOCK_DIAG, _SOCK_DIAG_BY_FAMILY = 4, 20
_REQUEST_DUMP = 0x301
_DONE, _ERROR = 3, 2
_HEADER = struct.Struct("=IHHII")
_STA_UNSYNC = 0x0040  # linux/timex.h


class LinuxNetwork:
    """See Network."""

    def loopback(self) -> Loopback:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            flags = _ask_interface(asking, _SIOCGIFFLAGS)
            address = _ask_interface(asking, _SIOCGIFADDR)
        if flags is None:
            return Loopback(name="lo")
        v4 = [socket.inet_ntoa(address[20:24])] if address else []
        v6 = [_inet6(fields[0]) for fields in _if_inet6() if fields[5] == "lo"]
        return Loopback(name="lo", is_up=bool(struct.unpack_from("=H", flags, 16)[0] & _IFF_UP), addresses=(*v4, *v6))

    def queues(self, port: int) -> list[Queue]:
        try:
            return [queue for family in (socket.AF_INET, socket.AF_INET6) for queue in _queues(family, port)]
        except OSError:
            return []

    def time_wait(self) -> int | None:
        for line in proc.read("/proc/net/sockstat").splitlines():
            words = line.split()
            if words[:1] == ["TCP:"] and "tw" in words:
                return int(words[words.index("tw") + 1])
        return None

    def open_files(self) -> tuple[int, int] | None:
        fields = proc.read("/proc/sys/fs/file-nr").split()
        return (int(fields[0]), int(fields[2])) if len(fields) == 3 else None

    def files_of(self, pid: int) -> tuple[int, int] | None:
        for line in proc.read(f"/proc/{pid}/limits").splitlines():
            if line.startswith("Max open files"):
                limit = line.split()[3]
                used = len(proc.names(f"/proc/{pid}/fd"))
                return (used, int(limit)) if used and limit.isdigit() else None
        return None

    def is_clock_synchronised(self) -> bool | None:
        """adjtimex(2) with no change asked for; its struct is 208 bytes, `status` the fifth long on 64 bits."""
        buffer = ctypes.create_string_buffer(512)
        try:
            state = ctypes.CDLL(None).adjtimex(buffer)
        except (OSError, AttributeError):
            return None
        if state < 0:
            return None
        status: int = struct.unpack_from("@i4xlllli", buffer)[-1]
        return not status & _STA_UNSYNC

    def hosts_file(self) -> str:
        return "/etc/hosts"


def _ask_interface(asking: socket.socket, question: int) -> bytes | None:
    """struct ifreq: 16 bytes of name, then the answer."""
    try:
        return fcntl.ioctl(asking.fileno(), question, struct.pack("16s24x", b"lo"))
    except OSError:
        return None


def _if_inet6() -> list[list[str]]:
    return [fields for line in proc.read("/proc/net/if_inet6").splitlines() if len(fields := line.split()) == 6]


def _inet6(text: str) -> str:
    return socket.inet_ntop(socket.AF_INET6, bytes.fromhex(text))


def _queues(family: int, port: int) -> list[Queue]:
    """For a listening socket the receive queue is what waits and the send queue the limit (inet_diag(7))."""
    body = struct.pack("=BBBBI", family, socket.IPPROTO_TCP, 0, 0, _LISTEN_STATES) + bytes(48)
    found: list[Queue] = []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG) as netlink:
        netlink.settimeout(0.2)
        netlink.send(_HEADER.pack(_HEADER.size + len(body), _SOCK_DIAG_BY_FAMILY, _REQUEST_DUMP, 1, 0) + body)
        while True:
            data, offset = netlink.recv(1 << 16), 0
            while offset + _HEADER.size <= len(data):
                length, kind, *_ = _HEADER.unpack_from(data, offset)
                if kind in (_DONE, _ERROR):
                    return found
                row = data[offset + _HEADER.size : offset + length]
                if struct.unpack_from(">H", row, 4)[0] == port:
                    packed = row[8:24] if family == socket.AF_INET6 else row[8:12]
                    waiting, limit = struct.unpack_from("=II", row, 56)
                    endpoint = Endpoint(socket.inet_ntop(family, packed), port)
                    found.append(Queue(endpoint=endpoint, waiting=waiting, limit=limit))
                offset += (length + 3) & ~3

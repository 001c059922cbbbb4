"""Several datagrams with one system call: Linux cuts a large send into datagrams of one size (UDP_SEGMENT, since 4.18).

Half of what a datagram costs on its way through a relay is the send. Who receives them sees datagrams as ever.
"""

from __future__ import annotations

import errno
import socket
import struct
import sys
from collections.abc import Iterator
from typing import Any

_SOL_UDP, _UDP_SEGMENT = 17, 103  # linux/udp.h
_SIZE = struct.Struct("=H")
# Of a network on the way there: it cuts none, or none of this size.
CANNOT_CUT = frozenset({errno.EINVAL, errno.EIO, errno.EMSGSIZE, errno.EOPNOTSUPP, errno.ENOPROTOOPT})
MOST_DATAGRAMS = 64  # UDP_MAX_SEGMENTS of older kernels
MOST_BYTES = 65_000  # together: they are one datagram until they are cut, and the largest has 65,487 over IPv6


def can_cut(sock: socket.socket) -> bool:
    """Whether the system does it for this socket. A network on the way there may still refuse."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        return sock.getsockopt(_SOL_UDP, _UDP_SEGMENT) == 0
    except OSError:
        return False


def runs(datagrams: list[bytes]) -> Iterator[list[bytes]]:
    """In order, such that each run can be sent at once: of one size, but for a shorter last one."""
    begin, count = 0, len(datagrams)
    while begin < count:
        size, end = len(datagrams[begin]), begin + 1
        most = min(count, begin + min(MOST_DATAGRAMS, MOST_BYTES // size)) if size else end
        while end < most and len(datagrams[end]) == size:
            end += 1
        if end < most and 0 < len(datagrams[end]) < size:
            end += 1
        yield datagrams[begin:end]
        begin = end


def send_run(sock: socket.socket, run: list[bytes], where: Any = None) -> None:
    """All of a run, or none of it: raises OSError."""
    sock.sendmsg(run, ((_SOL_UDP, _UDP_SEGMENT, _SIZE.pack(len(run[0]))),), 0, where)

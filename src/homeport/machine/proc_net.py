"""Listeners as /proc/net tells them: for Linux systems whose kernel or sandbox does not answer sock_diag.

Pure text to rows. It cannot tell whether `::` takes IPv4 as well, so it says that it does (the default of the kernel).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from homeport.machine.sock_diag import Row

_TCP_LISTEN = b"0A"
_UNIX_LISTENS = 0x10000  # SO_ACCEPTCON in the flags column


def tcp_listeners(lines: Iterable[bytes]) -> list[Row]:
    """The file without its first line. The kernel writes listeners first, so the first other state ends the reading."""
    rows = []
    for line in lines:
        fields = line.split()
        if len(fields) < 10 or fields[3] != _TCP_LISTEN:
            break
        address, _, port = fields[1].partition(b":")
        rows.append(Row(inode=int(fields[9]), uid=int(fields[7]), host=_host(address), port=int(port, 16)))
    return rows


def unix_listeners(lines: Iterable[bytes]) -> list[Row]:
    rows = []
    for line in lines:
        fields = line.rstrip(b"\n").split(None, 7)
        if len(fields) == 8 and fields[7].startswith(b"/") and int(fields[3], 16) & _UNIX_LISTENS:
            rows.append(Row(inode=int(fields[6]), path=fields[7].decode("utf-8", "surrogateescape")))
    return rows


def _host(text: bytes) -> str:
    """An address as four-byte words, each printed in the machine's byte order; every machine we run on is little."""
    raw = bytes.fromhex(text.decode("ascii"))
    return str(ipaddress.ip_address(b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))))

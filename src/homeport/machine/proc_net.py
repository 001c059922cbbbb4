"""Listeners as /proc/net tells them: for Linux systems whose kernel or sandbox does not answer sock_diag.

Pure text to rows. It cannot tell whether `::` takes IPv4 as well, so it says that it does (the default of the kernel).
"""

from __future__ import annotations

from collections.abc import Iterable

from homeport.machine.sock_diag import Row

_TCP_LISTEN = b"0A"
_LISTEN, _UNCONNECTED = 10, 7
_TIMER_TIME_WAIT = b"03"
_TICK_MS = 10  # USER_HZ is 100 on every architecture that we run on
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


def users(lines: Iterable[bytes], port: int) -> list[Row]:
    """Every TCP socket whose own port this is and that does not listen."""
    every = (_row(line.split()) for line in lines)
    return [row for row in every if row and row.port == port and row.state != _LISTEN]


def receivers(lines: Iterable[bytes]) -> list[Row]:
    """UDP sockets without a peer."""
    every = (_row(line.split()) for line in lines)
    return [row for row in every if row and row.state == _UNCONNECTED]


def unix_listeners(lines: Iterable[bytes]) -> list[Row]:
    rows = []
    for line in lines:
        fields = line.rstrip(b"\n").split(None, 7)
        if len(fields) == 8 and fields[7].startswith(b"/") and int(fields[3], 16) & _UNIX_LISTENS:
            rows.append(Row(inode=int(fields[6]), path=fields[7].decode("utf-8", "surrogateescape")))
    return rows


def _row(fields: list[bytes]) -> Row | None:
    """Columns: number, own, peer, state, queues, timer:expiry, retransmits, uid, timeout, inode."""
    if len(fields) < 10:
        return None
    (host, _, port), (peer, _, peer_port) = fields[1].partition(b":"), fields[2].partition(b":")
    timer, _, expiry = fields[5].partition(b":")
    return Row(
        inode=int(fields[9]),
        uid=int(fields[7]),
        host=_host(host),
        port=int(port, 16),
        state=int(fields[3], 16),
        peer_host=_host(peer),
        peer_port=int(peer_port, 16),
        time_wait_ms=int(expiry, 16) * _TICK_MS if timer == _TIMER_TIME_WAIT else None,
    )


def _host(text: bytes) -> str:
    """An address as four-byte words, each printed in the machine's byte order; every machine we run on is little."""
    import ipaddress

    raw = bytes.fromhex(text.decode("ascii"))
    return str(ipaddress.ip_address(b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))))

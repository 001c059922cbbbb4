"""Ask the Linux kernel about sockets over netlink: who listens, and which socket is the other end of a connection.

An exact question takes 20 µs and a list of listeners grows with the listeners alone, where reading /proc/net/tcp grows
with every connection. Unprivileged. Raises OSError where the kernel (or a sandbox) does not offer it; never waits.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
from collections.abc import Iterator

from homeport.model.fact import Fact

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_NLM_F_REQUEST, _NLM_F_DUMP = 0x1, 0x300
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_TCP_LISTEN = 10
_UDP_UNCONNECTED = 7
_TIMER_TIME_WAIT = 3
_ANY_STATE = 0xFFFFFFFF
_INET_DIAG_SKV6ONLY = 11
_UNIX_DIAG_NAME, _UDIAG_SHOW_NAME = 0, 1
_NO_COOKIE = b"\xff" * 8

_HEADER = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port id
_INET_REQUEST = struct.Struct("=BBBBI")  # inet_diag_req_v2, followed by the socket's id
_INET_ID = struct.Struct(">HH16s16s")  # inet_diag_sockid, followed by interface and cookie
_INET_TAIL = struct.Struct("=IIIII")  # expires, receive queue, send queue, uid, inode
_UNIX_REQUEST = struct.Struct("=BBHIII8s")
_ATTRIBUTE = struct.Struct("=HH")


class Row(Fact):
    """One socket. `path` is set for Unix sockets, `host` and `port` for TCP. `inode` 0: the socket is closing."""

    inode: int
    uid: int = 0
    host: str = ""
    port: int = 0
    path: str = ""
    v6only: bool = False
    state: int = 0
    peer_host: str = ""
    peer_port: int = 0
    time_wait_ms: int | None = None


def tcp_listeners(port: int = 0) -> list[Row]:
    """Every listener, or those of one port."""
    return _rows(socket.IPPROTO_TCP, 1 << _TCP_LISTEN, port)


def udp_receivers(port: int = 0) -> list[Row]:
    """UDP sockets that have a port and no peer."""
    return _rows(socket.IPPROTO_UDP, 1 << _UDP_UNCONNECTED, port)


def udp_users(port: int) -> list[Row]:
    """Every UDP socket whose own port this is, with a peer or without."""
    return _rows(socket.IPPROTO_UDP, _ANY_STATE, port)


def tcp_users(port: int) -> list[Row]:
    """Every TCP socket whose own port this is and that does not listen."""
    return _rows(socket.IPPROTO_TCP, _ANY_STATE & ~(1 << _TCP_LISTEN), port)


def _rows(protocol: int, states: int, port: int) -> list[Row]:
    """The kernel sifts by the port that stands in the request; what it lets through is sifted again."""
    wanted = struct.pack(">H", port)
    rows = []
    for family in (socket.AF_INET, socket.AF_INET6):
        request = _INET_REQUEST.pack(family, protocol, 0, 0, states) + wanted + bytes(46)
        rows += [_inet_row(payload) for payload in _ask(request, dump=True) if not port or payload[4:6] == wanted]
    return rows


def unix_listeners() -> list[Row]:
    """Those that have a path in the file system."""
    request = _UNIX_REQUEST.pack(socket.AF_UNIX, 0, 0, 1 << _TCP_LISTEN, 0, _UDIAG_SHOW_NAME, _NO_COOKIE)
    rows = []
    for payload in _ask(request, dump=True):
        name = _attributes(payload[16:]).get(_UNIX_DIAG_NAME, b"")
        if name.startswith(b"/"):
            path = name.rstrip(b"\0").decode("utf-8", "surrogateescape")
            rows.append(Row(inode=struct.unpack_from("=I", payload, 4)[0], path=path))
    return rows


def tcp_connection(host: str, port: int, peer_host: str, peer_port: int) -> Row | None:
    """The socket whose own end is host:port and whose other end is peer_host:peer_port."""
    own, peer = ipaddress.ip_address(host), ipaddress.ip_address(peer_host)
    family = socket.AF_INET if own.version == 4 else socket.AF_INET6
    identity = _INET_ID.pack(port, peer_port, own.packed.ljust(16, b"\0"), peer.packed.ljust(16, b"\0"))
    request = _INET_REQUEST.pack(family, socket.IPPROTO_TCP, 0, 0, _ANY_STATE) + identity + bytes(4) + _NO_COOKIE
    try:
        return next((_inet_row(payload) for payload in _ask(request, dump=False)), None)
    except FileNotFoundError:
        return None


def _ask(request: bytes, *, dump: bool) -> Iterator[bytes]:
    flags = _NLM_F_REQUEST | (_NLM_F_DUMP if dump else 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG) as netlink:
        # The kernel answers while it takes the request, so the answer is there already; the limit is for sandboxes.
        netlink.settimeout(0.2)
        netlink.send(_HEADER.pack(_HEADER.size + len(request), _SOCK_DIAG_BY_FAMILY, flags, 1, 0) + request)
        while True:
            data = netlink.recv(1 << 16)
            offset = 0
            while offset + _HEADER.size <= len(data):
                length, kind, *_ = _HEADER.unpack_from(data, offset)
                payload = data[offset + _HEADER.size : offset + length]
                if kind == _NLMSG_DONE:
                    return
                if kind == _NLMSG_ERROR:
                    raise _error(payload)
                yield payload
                offset += (length + 3) & ~3
            if not dump:
                return


def _error(payload: bytes) -> OSError:
    import os

    code = -struct.unpack_from("=i", payload)[0]
    return OSError(code, os.strerror(code))


def _inet_row(payload: bytes) -> Row:
    port, peer_port, source, peer = _INET_ID.unpack_from(payload, 4)
    expires_ms, _, _, uid, inode = _INET_TAIL.unpack_from(payload, 52)
    family, state, timer, _ = payload[:4]
    is_v6 = family == socket.AF_INET6
    return Row(
        inode=inode,
        uid=uid,
        host=_host(source, is_v6),
        port=port,
        v6only=is_v6 and _attributes(payload[72:]).get(_INET_DIAG_SKV6ONLY, b"\0") != b"\0",
        state=state,
        peer_host=_host(peer, is_v6),
        peer_port=peer_port,
        time_wait_ms=expires_ms if timer == _TIMER_TIME_WAIT else None,
    )


def _host(packed: bytes, is_v6: bool) -> str:
    """inet_ntop takes a microsecond where ipaddress takes ten."""
    return socket.inet_ntop(*((socket.AF_INET6, packed) if is_v6 else (socket.AF_INET, packed[:4])))


def _attributes(data: bytes) -> dict[int, bytes]:
    found = {}
    offset = 0
    while offset + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, offset)
        if length < _ATTRIBUTE.size:
            break
        found[kind] = data[offset + _ATTRIBUTE.size : offset + length]
        offset += (length + 3) & ~3
    return found

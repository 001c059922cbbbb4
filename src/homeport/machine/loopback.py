"""How the loopback of this computer is tuned: MTU, buffers, queues, limits. What is not known is None.

Read only; nothing here changes a setting. See network.py for the interface itself.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Mapping

import msgspec


class Tuning(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes in bytes, numbers of connections, ports and files."""

    mtu: int | None = None
    receive_buffer: int | None = None  # what a new TCP socket gets
    send_buffer: int | None = None
    receive_buffer_max: int | None = None  # what a program may ask for
    send_buffer_max: int | None = None
    accept_queue: int | None = None  # connections that may wait for accept(): somaxconn
    syn_queue: int | None = None  # half-open ones: tcp_max_syn_backlog
    time_wait_max: int | None = None
    files_soft: int | None = None  # of a process, now
    files_hard: int | None = None  # up to which it may raise that itself
    system_files: tuple[int, int] | None = None  # open in all, and how many there may be


def this_tuning() -> Tuning:
    if sys.platform == "linux":
        from homeport.machine.loopback_linux import linux_tuning

        known: Mapping[str, object] = linux_tuning()
    else:
        from homeport.machine.loopback_elsewhere import tuning_elsewhere

        known = tuning_elsewhere()
    return msgspec.convert({**_socket_buffers(), **_file_limits(), **known}, Tuning)


def _socket_buffers() -> dict[str, int]:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as fresh:
        return {
            "receive_buffer": fresh.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF),
            "send_buffer": fresh.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF),
        }


def _file_limits() -> dict[str, int]:
    """Unlimited counts as very many. Windows has no such limit for sockets."""
    try:
        import resource
    except ImportError:
        return {}
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = sys.maxsize
    return {
        "files_soft": most if soft == resource.RLIM_INFINITY else soft,
        "files_hard": most if hard == resource.RLIM_INFINITY else hard,
    }

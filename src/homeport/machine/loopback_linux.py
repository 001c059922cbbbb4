"""The tuning of a Linux computer, from /proc/sys and one ioctl. In a network namespace some settings are not shown."""

from __future__ import annotations

import fcntl
import socket
import struct

from homeport.machine import proc

_SIOCGIFMTU = 0x8921  # linux/sockios.h
_SETTINGS = {
    "receive_buffer_max": "net/core/rmem_max",
    "send_buffer_max": "net/core/wmem_max",
    "accept_queue": "net/core/somaxconn",
    "syn_queue": "net/ipv4/tcp_max_syn_backlog",
    "time_wait_max": "net/ipv4/tcp_max_tw_buckets",
}


def linux_tuning() -> dict[str, object]:
    """See Tuning; what is missing is not known."""
    known: dict[str, object] = {}
    for name, path in _SETTINGS.items():
        text = proc.read(f"/proc/sys/{path}").strip()
        if text.isdigit():
            known[name] = int(text)
    mtu = _mtu()
    if mtu is not None:
        known["mtu"] = mtu
    files = proc.read("/proc/sys/fs/file-nr").split()
    if len(files) == 3:
        known["system_files"] = (int(files[0]), int(files[2]))
    return known


def _mtu() -> int | None:
    """By ioctl: /sys/class/net shows the namespace that mounted it, not ours."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            answer = fcntl.ioctl(asking.fileno(), _SIOCGIFMTU, struct.pack("16s24x", b"lo"))
        except OSError:
            return None
    mtu: int = struct.unpack_from("=i", answer, 16)[0]
    return mtu

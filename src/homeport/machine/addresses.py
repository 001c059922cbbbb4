"""The addresses that this computer has on its networks: what `--expose` may be given. Loopback and fe80:: are not told.

It asks no network; on Linux the kernel answers by one ioctl and one file, elsewhere psutil knows.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
import sys

_SIOCGIFCONF = 0x8912  # linux/sockios.h
_IFREQ_BYTES, _MOST = 40, 256  # struct ifreq on 64 bits, 16 of them the name


def own_addresses() -> list[str]:
    """IPv4 first, each once, as the system lists them; nothing where it does not tell."""
    every = _linux() if sys.platform == "linux" else _by_psutil()
    return [one for one in dict.fromkeys(every) if _is_for_others(one)]


def _is_for_others(address: str) -> bool:
    found = ipaddress.ip_address(address)
    return not (found.is_loopback or found.is_unspecified or (found.version == 6 and found.is_link_local))


def _linux() -> list[str]:
    from homeport.machine import proc

    lines = [line.split() for line in proc.read("/proc/net/if_inet6").splitlines()]
    six = [socket.inet_ntop(socket.AF_INET6, bytes.fromhex(fields[0])) for fields in lines if fields]
    return [*_ioctl(), *six]


def _ioctl() -> list[str]:
    import array
    import fcntl

    room = array.array("B", bytes(_IFREQ_BYTES * _MOST))
    question = struct.pack("iP", len(room), room.buffer_info()[0])  # struct ifconf
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            filled = struct.unpack("iP", fcntl.ioctl(asking.fileno(), _SIOCGIFCONF, question))[0]
    except OSError:
        return []
    rows = (room[at : at + _IFREQ_BYTES].tobytes() for at in range(0, filled, _IFREQ_BYTES))
    return [socket.inet_ntoa(row[20:24]) for row in rows]


def _by_psutil() -> list[str]:
    import psutil

    every = [address for addresses in psutil.net_if_addrs().values() for address in addresses]
    own = [one for one in every if one.family in (socket.AF_INET, socket.AF_INET6)]
    return [one.address.partition("%")[0] for one in sorted(own, key=lambda one: one.family != socket.AF_INET)]

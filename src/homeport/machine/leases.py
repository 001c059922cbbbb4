"""Leases: a port for an app, the same one every day, that nobody else can take before the app listens on it.

The port is held by sockets that are bound with SO_REUSEADDR and never listen: the kernel gives it to nobody who asks
for any port, and refuses it to whoever binds without SO_REUSEADDR, while a child that sets it (Node, Go, Python's
servers, nginx …) binds as if they were not there. They cost nothing and are gone with their owner.

That sharing is Linux's. Elsewhere a held port would be refused to the child too, so there the hold ends when the child
starts (`yield_hold`). It never kills a holder and never waits for one.
"""

from __future__ import annotations

import errno
import hashlib
import socket
import sys

from homeport.model.errors import HomeportError

LOWEST = 10_000
# The WHATWG Fetch Standard's "bad ports" (section 2.9) in our range: browsers refuse them.
BROWSERS_REFUSE = frozenset({10080})
# Developers' habits in our range: an app there would be in the way of a program that is started tomorrow.
WELL_KNOWN = frozenset(
    {
        *(10000, 10001, 10002),  # Webmin, cloud storage emulators
        *(11211, 11434),  # memcached, Ollama
        *(15672, 15692),  # RabbitMQ's pages
        *(16379, 16686),  # Redis Cluster's bus, Jaeger
        *(18080, 18081, 18789),  # second choices of many servers
        *(19000, 19001, 19002, 19006),  # Expo, MinIO
        *(19092, 19132, 19999),  # Kafka, Minecraft, Netdata
        *(20000, 22000, 24678, 24800, 25565, 26257, 26379),  # Syncthing, Vite's HMR, Minecraft, CockroachDB, Sentinel
        *(27015, 27017, 27018, 27019, 28015, 28017),  # game servers, MongoDB, RethinkDB
        *(29092, 30000, 31337, 32400),  # Kafka, Kubernetes, Plex
    }
)
_TRIES = 500


class Lease:
    """One port. `holds` is true while our sockets keep it."""

    def __init__(self, leases: Leases, key: tuple[str, str], port: int) -> None:
        self.port = port
        self._leases = leases
        self._key = key
        self._sockets: list[socket.socket] = []
        self._mutex: socket.socket | None = None

    @property
    def holds(self) -> bool:
        return bool(self._sockets)

    def hold(self) -> bool:
        """Take hold of the port (again); False when somebody else has it. One that we may not bind is ours unheld."""
        if self._sockets:
            return True
        if sys.platform == "linux" and self._mutex is None:
            self._mutex = _mutex(self.port)
            if self._mutex is None:
                return False
        held = _hold(self.port)
        self._sockets = held or []
        return held is not None

    def yield_hold(self) -> None:
        """Let go of the port without giving up the lease: for a child that does not set SO_REUSEADDR."""
        for held in self._sockets:
            held.close()
        self._sockets = []

    def release(self) -> None:
        self.yield_hold()
        if self._mutex:
            self._mutex.close()
            self._mutex = None
        self._leases.forget(self._key, self)


class Leases:
    """The ports of one engine. Engines of other homes and users keep off each other's leases as well."""

    def __init__(self, ephemeral: tuple[int, int], *, children_share: bool = sys.platform == "linux") -> None:
        low = min(ephemeral[0], 49152)  # IANA: 49152 and above are for anybody's outgoing connections
        self._end = low if low >= LOWEST + 2 * _TRIES else 32768
        self._leases: dict[tuple[str, str], Lease] = {}
        self.children_share = children_share

    def lease(self, folder: str, name: str, port: int | None = None) -> Lease:
        """The port of an app: `port`, or the first free one from a place that depends on folder and name alone.

        Raises HomeportError("port-taken") for a given port, ("no-free-port") otherwise.
        """
        key = (folder, name)
        known = self._leases.get(key)
        if known and port in (None, known.port) and (known.holds or known.hold()):
            return known
        if known:
            known.release()
        taken = {lease.port for lease in self._leases.values()}
        for candidate in (port,) if port else self.candidates(folder, name):
            lease = Lease(self, key, candidate)
            if candidate not in taken and lease.hold():
                self._leases[key] = lease
                return lease
            lease.release()
        if port:
            raise HomeportError("port-taken", f"port {port} is taken", "homeport status")
        raise HomeportError("no-free-port", f"no port from {LOWEST} to {self._end - 1} is free for {name}")

    def candidates(self, folder: str, name: str) -> list[int]:
        digest = hashlib.sha256(f"{folder}\0{name}".encode("utf-8", "surrogateescape")).digest()
        size = self._end - LOWEST
        start = int.from_bytes(digest[:8], "big") % size
        ports = (LOWEST + (start + step) % size for step in range(_TRIES))
        return [port for port in ports if port not in BROWSERS_REFUSE and port not in WELL_KNOWN]

    def forget(self, key: tuple[str, str], lease: Lease) -> None:
        if self._leases.get(key) is lease:
            del self._leases[key]

    def close(self) -> None:
        for lease in list(self._leases.values()):
            lease.release()


def _hold(port: int) -> list[socket.socket] | None:
    """Sockets on both loopback addresses, or None when anybody listens on the port in a way that matters.

    Who blocks whom differs by address and family, so "is it free" is four questions; two of the sockets only ask.
    """
    held: list[socket.socket] = []
    try:
        for host, keep in (("127.0.0.1", True), ("::1", True), ("0.0.0.0", False), ("::", False)):
            bound = _bind(host, port)
            if bound and keep:
                held.append(bound)
            elif bound:
                bound.close()
    except OSError:
        for bound in held:
            bound.close()
        return None
    return held


def _bind(host: str, port: int) -> socket.socket | None:
    """A bound socket; None where there is no such address or we may not bind it. Raises OSError when it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        bound = socket.socket(family, socket.SOCK_STREAM)
    except OSError:
        return None  # a kernel without IPv6
    try:
        if sys.platform == "win32":
            # There SO_REUSEADDR would take a port away from its listener.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        if error.errno in (errno.EADDRNOTAVAIL, errno.EACCES):
            return None  # ports below 1024 need a privilege that the child may have (setcap, a setuid starter)
        raise
    return bound


def _mutex(port: int) -> socket.socket | None:
    """Bound sockets that share do not keep each other away, so a name in Linux' abstract namespace does.

    That namespace belongs to the same network namespace as the ports do, and its names vanish with their owner.
    """
    mutex = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        mutex.bind(f"\0homeport-lease-{port}")
    except OSError:
        mutex.close()
        return None
    return mutex

"""Leases: a port that is somebody's, the same one every day, and nobody else's until it is given back.

An app's port is *held*: by sockets that are bound with SO_REUSEADDR and never listen. The kernel gives it to nobody who
asks for any port, and refuses it to whoever binds without SO_REUSEADDR, while a child that sets it (Node, Go, Python's
servers, nginx …) binds as if they were not there. That sharing is Linux's; elsewhere the hold ends when the child
starts (`yield_hold`), and a child that does not set SO_REUSEADDR is started once more without the hold.

A port for somebody else (`homeport lease`, portpicker, a test) is only *reserved*: nothing is bound. We do not start
who binds it, so we cannot try again without a hold, and a plain `socket.bind` on a held port fails with EADDRINUSE: the
lease would break the very bind that it is for. Measured on Linux 6.18: with 2,000 ports reserved, 831,500 bind(0) and
43,410 outgoing connections met none of them, since they lie outside the range that the kernel takes from; of the 1,000
binds in tests/test_lease_race.py none fails, 850 with held ports, and 2 with ports inside that range. Who else could be
in the way, and what keeps them off:

    another lease, app or engine             the table below, and the name of lease_sockets.mutex between engines
    bind(0), and outgoing connections        the range: below the kernel's and IANA's (see Leases)
    a listener that is there already         asked at hand-out, on TCP and UDP, on both families
    TIME_WAIT of who had the port before     a port without a name is given only when a plain bind succeeds; one with
                                             a name stays the same for 60 s too, since its server sets SO_REUSEADDR
    a program with this very number fixed    nothing; WELL_KNOWN are not leased

It never kills a holder and never waits for one.
"""

from __future__ import annotations

import hashlib
import math
import secrets
import socket
import sys
from collections.abc import Iterable, Iterator

from homeport.machine import lease_sockets
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
        self.folder, self.name = self._key = key
        self._leases = leases
        self.is_reserved = False
        self._sockets: list[socket.socket] = []
        self._mutex: socket.socket | None = None

    @property
    def holds(self) -> bool:
        return bool(self._sockets)

    def hold(self) -> bool:
        """Take hold of the port (again); False when somebody else has it. One that we may not bind is ours unheld."""
        if self._sockets:
            return True
        if not self.claim():
            return False
        held = lease_sockets.hold(self.port)
        self._sockets = held or []
        return held is not None

    def reserve(self, *, for_any_bind: bool) -> bool:
        """Take the number and bind nothing; False when somebody else has it."""
        return self.claim() and lease_sockets.is_free(self.port, for_any_bind=for_any_bind)

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

    def claim(self) -> bool:
        """Keep other engines off, before anything is bound that they could meet."""
        if sys.platform == "linux" and self._mutex is None and not self._leases.has_reserved(self.port):
            self._mutex = lease_sockets.mutex(self.port)
            return self._mutex is not None
        return True


class Leases:
    """The ports of one engine. Engines of other homes and users keep off each other's leases as well."""

    def __init__(self, ephemeral: tuple[int, int], *, children_share: bool = sys.platform == "linux") -> None:
        low = min(ephemeral[0], 49152)  # IANA: 49152 and above are for anybody's outgoing connections
        self._end = low if low >= LOWEST + 2 * _TRIES else 32768
        self._leases: dict[tuple[str, str], Lease] = {}
        self._next = secrets.randbelow(self._end - LOWEST)
        self._unnamed = 0
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
        # An app may be given a port that somebody has reserved: `homeport run --port $(homeport lease) -- CMD`.
        for candidate in self._not_apps(port) if port else self._not_ours(self._by_name(folder, name)):
            lease = Lease(self, key, candidate)
            if lease.hold():
                return self._keep(key, lease)
            lease.release()
        if port:
            raise HomeportError("port-taken", f"port {port} is taken", f"homeport who {port}")
        raise HomeportError("no-free-port", f"no port from {LOWEST} to {self._end - 1} is free for {name}")

    def reserve(self, folder: str, name: str, number: int = 1) -> Lease:
        """The port of a name in a folder, or with "" one that was not given for as long as possible.

        `number`: of several ports of one name. The caller knows which are reserved already. Raises
        HomeportError("no-free-port").
        """
        place = self._place(name, number)
        for candidate in self._not_ours(self._by_name(folder, place) if name else self._in_turn()):
            lease = Lease(self, (folder, place), candidate)
            if lease.reserve(for_any_bind=not name):
                return self._keep_reserved((folder, place), lease)
            lease.release()
        raise HomeportError("no-free-port", f"no port from {LOWEST} to {self._end - 1} is free", "homeport leases")

    def restore(self, folder: str, name: str, number: int, port: int) -> Lease | None:
        """A port that was reserved before the engine was killed; its owner may well listen on it. None: it is lost."""
        key = (folder, self._place(name, number))
        lease = Lease(self, key, port)
        if key not in self._leases and list(self._not_ours([port])) and lease.claim():
            return self._keep_reserved(key, lease)
        return None

    def candidates(self, folder: str, name: str) -> list[int]:
        digest = hashlib.sha256(f"{folder}\0{name}".encode("utf-8", "surrogateescape")).digest()
        size = self._end - LOWEST
        start = int.from_bytes(digest[:8], "big") % size
        ports = (LOWEST + (start + step) % size for step in range(_TRIES))
        return [port for port in ports if port not in BROWSERS_REFUSE and port not in WELL_KNOWN]

    def all(self) -> list[Lease]:
        return list(self._leases.values())

    def forget(self, key: tuple[str, str], lease: Lease) -> None:
        if self._leases.get(key) is lease:
            del self._leases[key]

    def close(self) -> None:
        for lease in self.all():
            lease.release()

    def _place(self, name: str, number: int) -> str:
        """What stands for a name in the table. A blank is in no app's: an app and a lease called web are two."""
        if name:
            return f"lease {name}" if number == 1 else f"lease {name} {number}"
        self._unnamed += 1
        return f"lease {self._unnamed}"

    def has_reserved(self, port: int) -> bool:
        return any(lease.is_reserved for lease in self._leases.values() if lease.port == port)

    def _keep(self, key: tuple[str, str], lease: Lease) -> Lease:
        self._leases[key] = lease
        return lease

    def _keep_reserved(self, key: tuple[str, str], lease: Lease) -> Lease:
        lease.is_reserved = True
        return self._keep(key, lease)

    def _not_apps(self, port: int) -> list[int]:
        return [] if any(lease.port == port and not lease.is_reserved for lease in self._leases.values()) else [port]

    def _not_ours(self, candidates: Iterable[int]) -> Iterator[int]:
        ours = {lease.port for lease in self._leases.values()}
        return (port for port in candidates if port not in ours)

    def _by_name(self, folder: str, name: str) -> Iterator[int]:
        yield from self.candidates(folder, name)
        yield from self._in_turn()  # 500 neighbours that are all taken: a port range that somebody forwards

    def _in_turn(self) -> Iterator[int]:
        """All ports, each again only after every other: who had one may still be on its way out.

        In large steps, since there are programs that take the port next to theirs as well.
        """
        size = self._end - LOWEST
        step = next(step for step in range(size * 382 // 1000, size) if math.gcd(step, size) == 1)  # the golden section
        for _ in range(size):
            self._next = (self._next + step) % size
            port = LOWEST + self._next
            if port not in BROWSERS_REFUSE and port not in WELL_KNOWN:
                yield port

"""How much memory the engine takes at rest, and what an idle keep-alive connection adds, beside the peers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from bench.load import idle_connections
from bench.machine import pss_mib
from bench.peers import Peer
from bench.rounds import Results

IDLE = 1000


def measure(peers: Iterable[Peer], say: Callable[[str], None]) -> Results:
    """To be called before any load, which would leave its own traces."""
    results = Results()
    for peer in peers:
        if not peer.pids:
            continue
        say(f"memory: {peer.name}")
        time.sleep(2)  # whatever starting left to do
        rest = pss_mib(peer.pids)
        with idle_connections(peer.port, IDLE):
            time.sleep(1)
            held = pss_mib(peer.pids)
        results.add(peer.name, {"at rest MiB": rest, "KiB per idle connection": (held - rest) * 1024 / IDLE})
    return results

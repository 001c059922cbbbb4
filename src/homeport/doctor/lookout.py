"""Explains why a route's upstream does not answer, with a look at who listens on its port elsewhere.

It is asked on the road, where a visit already has failed, and never keeps the road waiting: the look is taken in a
thread, and the next visit is told of it. It looks at an endpoint at most once in a second, whatever comes in.
"""

from __future__ import annotations

import errno
import threading
import time

import msgspec

from homeport.doctor.checks.upstream import explain_upstream
from homeport.doctor.facts import Listening
from homeport.machine.ports import Ports
from homeport.model.endpoint import Endpoint
from homeport.model.finding import Finding

# Why in a thread: where nobody has the port a look takes 0.1 ms, with 2,000 sockets 0.4 ms; but where somebody has it,
# all of /proc is searched for them: 8 ms with 50 sockets, 19 ms (at worst 39 ms) with 2,000, on two shared cores.
_AGAIN_S = 1.0
_KEPT_S = 10.0  # people reload a page within that, and what was seen is still likely to be so
_MOST_KEPT = 100


class Lookout:
    """Given to every route that homeport did not start itself. Any thread may ask."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._lock = threading.Lock()
        self._begun: dict[Endpoint, float] = {}
        self._seen: dict[Endpoint, tuple[float, tuple[Listening, ...]]] = {}

    def explain(self, endpoint: Endpoint, error: OSError | None) -> Finding:
        if error is None or error.errno != errno.ECONNREFUSED or endpoint.is_unix:
            return explain_upstream(endpoint, error)
        when_s, found = self._seen.get(endpoint, (-_KEPT_S, None))
        self._look_soon(endpoint)
        if found is not None and time.monotonic() - when_s < _KEPT_S:
            return explain_upstream(endpoint, error, found)
        finding = explain_upstream(endpoint, error)
        return msgspec.structs.replace(finding, next=f"start it; if it runs, homeport doctor {endpoint} says where")

    def _look_soon(self, endpoint: Endpoint) -> None:
        now_s = time.monotonic()
        with self._lock:
            if now_s - self._begun.get(endpoint, -_AGAIN_S) < _AGAIN_S:
                return
            if len(self._begun) >= _MOST_KEPT:
                self._begun.clear()
                self._seen.clear()
            self._begun[endpoint] = now_s
        threading.Thread(target=self._look, args=(endpoint,), name=f"look at {endpoint}", daemon=True).start()

    def _look(self, endpoint: Endpoint) -> None:
        found = tuple(
            Listening(socket=socket, process=self._ports.process(socket.pids[0]) if socket.pids else None)
            for socket in self._ports.sockets(endpoint.port)
        )
        with self._lock:
            if endpoint in self._begun:
                self._seen[endpoint] = (time.monotonic(), found)

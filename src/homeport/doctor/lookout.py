"""Explains why a route's upstream does not answer, with a look at who listens on its port elsewhere.

It runs on the road, where a visit already has failed: without anybody elsewhere it takes 0.1 ms, and it looks at an
endpoint at most once in a second, whatever comes in.
"""

from __future__ import annotations

import errno
import time

from homeport.doctor.checks.upstream import explain_upstream
from homeport.doctor.facts import Listening
from homeport.machine.ports import Ports
from homeport.model.endpoint import Endpoint
from homeport.model.finding import Finding

_AGAIN_S = 1.0
_MOST_KEPT = 100


class Lookout:
    """Given to every route that homeport did not start itself."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._seen: dict[Endpoint, tuple[float, tuple[Listening, ...]]] = {}

    def explain(self, endpoint: Endpoint, error: OSError | None) -> Finding:
        is_refused = error is not None and error.errno == errno.ECONNREFUSED and not endpoint.is_unix
        return explain_upstream(endpoint, error, self._look(endpoint) if is_refused else ())

    def _look(self, endpoint: Endpoint) -> tuple[Listening, ...]:
        now_s = time.monotonic()
        when_s, found = self._seen.get(endpoint, (-_AGAIN_S, ()))
        if now_s - when_s < _AGAIN_S:
            return found
        if len(self._seen) >= _MOST_KEPT:
            self._seen.clear()
        found = tuple(
            Listening(socket=socket, process=self._ports.process(socket.pids[0]) if socket.pids else None)
            for socket in self._ports.sockets(endpoint.port)
        )
        self._seen[endpoint] = (now_s, found)
        return found

"""Why a route to something that homeport did not start does not answer. Pure: from the error to a finding."""

from __future__ import annotations

import errno

from homeport.model.endpoint import Endpoint
from homeport.model.finding import Finding


def explain_upstream(endpoint: Endpoint, error: OSError | None) -> Finding:
    """`error` None: it was reached, and ended the connection before its answer came."""
    if error is None:
        return Finding(
            code="upstream-closed",
            what=f"{endpoint} closed the connection before it answered",
            why="the server there may have crashed, or it speaks another protocol",
            next="look at its log",
        )
    if error.errno == errno.ECONNREFUSED:
        return Finding(
            code="upstream-refused",
            what=f"nothing listens on {endpoint}",
            why="the server that this route leads to does not run, or listens elsewhere",
            next="start it, or give the route another target",
        )
    if error.errno == errno.ENOENT:
        return Finding(
            code="upstream-refused",
            what=f"there is no socket {endpoint.path}",
            why="the server that this route leads to does not run, or listens elsewhere",
            next="start it, or give the route another target",
        )
    return Finding(
        code="upstream-unreachable",
        what=f"{endpoint} could not be reached",
        why=error.strerror or str(error) or "no answer in time",
        next="see whether it answers without homeport",
    )

"""Why a route to something that homeport did not start does not answer. Pure: from the error to a finding."""

from __future__ import annotations

import errno
import ssl

from homeport.doctor.checks.naming import holder, listed
from homeport.doctor.facts import Listening
from homeport.model.endpoint import Endpoint
from homeport.model.finding import Finding
from homeport.model.ports import answering


def explain_upstream(endpoint: Endpoint, error: OSError | None, listening: tuple[Listening, ...] = ()) -> Finding:
    """`error` None: it was reached, and ended the connection before its answer came. `listening`: who has its port."""
    if error is None:
        return Finding(
            code="upstream-closed",
            what=f"{endpoint} closed the connection before it answered",
            why="the server there may have crashed, or it speaks another protocol",
            next="look at its log",
        )
    if error.errno == errno.ECONNREFUSED and listening:
        return _listened(endpoint, listening)
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
    if error.errno == errno.EPROTONOSUPPORT:
        return Finding(
            code="upstream-no-h2",
            what=f"{endpoint} does not speak HTTP/2",
            why=f"the route says h2, but {error.strerror}",
            next="give the route without h2",
        )
    if isinstance(error, ssl.SSLError):
        return _not_believed(endpoint, error)
    return Finding(
        code="upstream-unreachable",
        what=f"{endpoint} could not be reached",
        why=error.strerror or str(error) or "no answer in time",
        next=f"homeport doctor {endpoint}",
    )


def _not_believed(endpoint: Endpoint, error: ssl.SSLError) -> Finding:
    if isinstance(error, ssl.SSLCertVerificationError):
        return Finding(
            code="upstream-untrusted",
            what=f"the certificate of {endpoint} is not believed: {error.verify_message}",
            why="an https target is verified by the system's certificates and those of homeport",
            next="homeport route NAME TARGET --verify FILE with its CA, or --verify off",
        )
    return Finding(
        code="upstream-no-tls",
        what=f"{endpoint} does not speak TLS as an https target should",
        why=(error.reason or str(error)).replace("_", " ").lower(),
        next=f"give the route the target http://{endpoint}",
    )


def _listened(endpoint: Endpoint, listening: tuple[Listening, ...]) -> Finding:
    """Somebody has the port: on another address, or on this one, which is up only now or kept from us."""
    who = holder(listening[0])
    places = listed(str(one.socket.endpoint) for one in listening)
    if answering((one.socket for one in listening), endpoint.host):
        return Finding(
            code="upstream-refused",
            what=f"{endpoint} refused the connection, although {who} listens there now",
            why="It has just started, or a firewall is in between.",
            next=f"try again, then homeport doctor {endpoint}",
        )
    return Finding(
        code="upstream-refused",
        what=f"nothing listens on {endpoint}, but {who} listens on {places}",
        why="These are different sockets: a connection to the one never reaches the other.",
        next=f"let the route lead to {listening[0].socket.endpoint}, or the server listen on {endpoint.host}",
    )

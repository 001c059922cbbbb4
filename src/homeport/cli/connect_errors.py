"""Why a place could not be connected to: a sentence and the next command. It looks at who holds the port instead."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Sequence

from homeport.cli.words import visible
from homeport.model.errors import HomeportError
from homeport.model.ports import ProcessStory, SocketFact
from homeport.play.place import Place
from homeport.play.ws_link import NoWebSocket


def unreachable(place: Place, error: OSError, limit_s: float) -> HomeportError:
    """The error that the command ends with."""
    endpoint = place.endpoint
    doctor = f"homeport doctor {endpoint}"
    if isinstance(error, ssl.SSLCertVerificationError):
        message = f"the certificate of {endpoint} is not trusted: {error.verify_message}"
        return HomeportError(
            "unreachable", message, "--ca FILE names who to trust, --sni its name, --insecure skips it"
        )
    if isinstance(error, ssl.SSLError):
        reason = (error.reason or str(error)).lower().replace("_", " ")
        return HomeportError(
            "unreachable", f"no TLS with {endpoint}: {reason}", f"without TLS: homeport connect {endpoint}"
        )
    if isinstance(error, NoWebSocket):
        return HomeportError(
            "unreachable", f"no WebSocket on {place.uri}: {error}", f"homeport connect http://{endpoint}/"
        )
    if isinstance(error, TimeoutError):
        message = f"{endpoint} did not answer within {limit_s:g} s" if not error.errno else f"{endpoint} did not answer"
        return HomeportError("unreachable", message, doctor)
    if isinstance(error, socket.gaierror):
        return HomeportError("unreachable", f"{endpoint.host} has no address: {error.strerror}", doctor)
    if isinstance(error, ConnectionResetError) and place.is_tls:  # asyncio's own, without number or words
        return HomeportError(
            "unreachable",
            f"no TLS with {endpoint}: it closed the connection",
            f"without TLS: homeport connect {endpoint}",
        )
    if endpoint.is_unix:
        return _no_unix_socket(place, error)
    if error.errno == errno.ECONNREFUSED and place.protocol != "udp":
        return HomeportError("unreachable", _refused(place), doctor)
    return HomeportError("unreachable", f"{endpoint} could not be reached: {error.strerror or error}", doctor)


def _no_unix_socket(place: Place, error: OSError) -> HomeportError:
    path = place.endpoint.path
    if error.errno == errno.ENOENT:
        return HomeportError("unreachable", f"there is no socket {path}", "start its server, or correct the path")
    if error.errno == errno.ECONNREFUSED:
        return HomeportError("unreachable", f"nobody listens on {path} any more", "start its server again")
    return HomeportError("unreachable", f"{path} could not be connected to: {error.strerror or error}")


def _refused(place: Place) -> str:
    """Says who listens on the same port of another address, and who refuses although somebody listens."""
    endpoint = place.endpoint
    if not endpoint.is_loopback:
        return f"{endpoint} refused the connection"
    from homeport.app.ports import who
    from homeport.machine.ports import this_computer

    story = who(this_computer(), endpoint.port, endpoint.host)
    if story.listening:
        return f"{endpoint} refused the connection, although {_told(story.holders, story.listening)} listens there"
    if story.elsewhere:
        places = " and ".join(str(one.endpoint) for one in story.elsewhere[:2])
        return f"nobody listens on {endpoint}; {_told(story.holders, story.elsewhere)} listens on {places}"
    return f"nobody listens on {endpoint}"


def _told(stories: Sequence[ProcessStory], sockets: Sequence[SocketFact]) -> str:
    """`node (pid 4121) from /code/shop`; `a process of root` where no more may be seen."""
    names = []
    for story in stories[:2]:
        process = story.process
        place = f" from {visible(process.folder)}" if process.folder else ""
        names.append(f"{visible(process.name)} (pid {process.pid}){place}")
    if names:
        return " and ".join(names)
    users = sorted({socket.user for socket in sockets if socket.user})
    return f"a process of {', '.join(users)}" if users else "another process"

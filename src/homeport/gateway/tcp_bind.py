"""Sockets that listen for a TCP route. Binding happens in the caller's thread, which hears at once why not."""

from __future__ import annotations

import errno
import os
import socket
import stat
import sys

from homeport.gateway.tcp_dial import AF_UNIX, known_addresses
from homeport.model.endpoint import Endpoint
from homeport.model.errors import HomeportError
from homeport.streams.listen import do_not_pace

BACKLOG = 1024  # visitors that wait while accepting is paused


def listen_on(endpoint: Endpoint) -> list[socket.socket]:
    """Bound, listening, non-blocking; `localhost` means both loopback families on one port. Raises HomeportError."""
    if endpoint.is_unix:
        return [_listen_unix(endpoint.path)]
    addresses = known_addresses(endpoint)
    if addresses is None:
        raise HomeportError("bad-usage", f"cannot listen on {endpoint}: give an address", "--listen 127.0.0.1:62900")
    listeners: list[socket.socket] = []
    for address in addresses:
        host, port = address.where
        if listeners:
            port = listeners[0].getsockname()[1]
        try:
            listeners.append(_listen_tcp(address.family, host, port))
        except OSError as error:
            if listeners and error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                continue  # a machine without IPv6
            for listener in listeners:
                listener.close()
            raise _refusal(endpoint, error) from error
    return listeners


def bound_endpoint(listener: socket.socket) -> Endpoint:
    """Where a listener of ours really listens."""
    name = listener.getsockname()
    return Endpoint(path=name) if isinstance(name, str) else Endpoint(name[0], name[1])


def _listen_tcp(family: int, host: str, port: int) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "nt":  # there SO_REUSEADDR would let us share the port with somebody else
            listener.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_EXCLUSIVEADDRUSE"), 1)  # noqa: B009
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if sys.platform.startswith("linux"):  # what is accepted inherits these: two calls less per visit
            prepare(listener)
            if Endpoint(host).is_loopback:
                do_not_pace(listener)
        listener.bind((host, port))
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


def prepare(sock: socket.socket) -> None:
    """No waiting for more to send, and urgent bytes stay in the stream instead of vanishing."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)


def _listen_unix(path: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_stale(path)
        listener.bind(path)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise _refusal(Endpoint(path=path), error) from error
    return listener


def _remove_stale(path: str) -> None:
    """Remove a socket that nobody listens on any more; anything else stays and makes `bind` fail."""
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.setblocking(False)
            if probe.connect_ex(path) == errno.ECONNREFUSED:
                os.unlink(path)
    except FileNotFoundError:
        pass


def _refusal(endpoint: Endpoint, error: OSError) -> HomeportError:
    if error.errno == errno.EADDRINUSE:
        return HomeportError("port-taken", f"{endpoint} is taken", "choose another one with --listen")
    if error.errno == errno.EACCES:
        return HomeportError("port-taken", f"{endpoint} may not be opened by this user", "take a port above 1023")
    return HomeportError("bad-usage", f"cannot listen on {endpoint}: {error.strerror or error}")


def stop_answering(listener: socket.socket) -> bool:
    """Have who connects be refused, and keep the port. False where that is not possible: Linux alone lets a listener
    stop and begin again."""
    if not sys.platform.startswith("linux") or listener.family == AF_UNIX:
        return False
    host, port = listener.getsockname()[:2]
    listener.shutdown(socket.SHUT_RDWR)
    try:
        listener.bind((host, port))  # a port that the system had chosen was given back; getsockname tells it even so
    except OSError as error:
        return error.errno == errno.EINVAL  # one that was asked for is still bound
    return True


def answer_again(listener: socket.socket) -> None:
    """Undo stop_answering. Raises OSError where somebody else took the port meanwhile."""
    listener.listen(BACKLOG)


def stop_listening(listener: socket.socket) -> None:
    """Make the address free at once, while the thread that owns the descriptor has yet to close it."""
    try:
        name = listener.getsockname()
        listener.shutdown(socket.SHUT_RDWR)
        if isinstance(name, str):
            os.unlink(name)
    except OSError:
        pass  # shutting a listener down is not possible everywhere: there the port is free a moment later

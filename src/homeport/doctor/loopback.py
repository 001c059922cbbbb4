"""The loopback measured: bytes really sent to ourselves over TCP and UDP, on 127.0.0.1 and [::1], within two seconds.

Client and server are one thread, so that a round trip is the way through the stack twice and nothing of the scheduler.
Nothing leaves this computer, and nothing stays open.
"""

from __future__ import annotations

import errno
import socket
import threading
import time

from homeport.doctor.loopback_facts import Echoed, Times, summed

ADDRESSES = ("127.0.0.1", "::1")
_TRIPS = 3000
_TRIPS_S = 0.25  # of one protocol on one address, where the machine is slow
_ANSWER_S = 0.4  # loopback answers in microseconds; silence is the finding
_STREAM_S = 0.15
_BLOCK_BYTES = 256 * 1024
_PING = b"homeport loopback self-test, 64 bytes there and back again......"


def measure() -> tuple[Echoed, ...]:
    """TCP and UDP on both addresses. Never raises: what fails says how."""
    return tuple(_echoed(protocol, address) for protocol in ("tcp", "udp") for address in ADDRESSES)


def _echoed(protocol: str, address: str) -> Echoed:
    if protocol == "udp":
        try:
            return Echoed(protocol="udp", address=address, times=_datagrams(address))
        except OSError as error:
            return Echoed(protocol="udp", address=address, error=_words(error))
    try:
        times, rate = _stream(address)
    except OSError as error:
        return Echoed(protocol="tcp", address=address, error=_words(error))
    return Echoed(protocol="tcp", address=address, times=times, bytes_per_s=rate)


def _stream(address: str) -> tuple[Times, float]:
    with _socket(address, socket.SOCK_STREAM) as listener:
        listener.bind((address, 0))
        listener.listen(1)
        with _socket(address, socket.SOCK_STREAM) as client:
            client.connect(listener.getsockname())
            server, _ = listener.accept()
            with server:
                for end in (client, server):
                    end.settimeout(_ANSWER_S)
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return _trips(client, server), _throughput(client, server)


def _datagrams(address: str) -> Times:
    with _socket(address, socket.SOCK_DGRAM) as server, _socket(address, socket.SOCK_DGRAM) as client:
        for end in (server, client):
            end.bind((address, 0))
        client.connect(server.getsockname())
        server.connect(client.getsockname())
        return _trips(client, server)


def _trips(client: socket.socket, server: socket.socket) -> Times:
    """There and back, one after the other."""
    found: list[float] = []
    ends = time.perf_counter() + _TRIPS_S
    while len(found) < _TRIPS:
        start = time.perf_counter()
        client.send(_PING)
        server.send(_received(server))
        back = _received(client)
        now = time.perf_counter()
        if back != _PING:
            raise OSError(errno.EBADMSG, "what came back is not what was sent")
        found.append((now - start) * 1e6)
        if now > ends:
            break
    return summed(found)


def _received(end: socket.socket) -> bytes:
    """The whole ping, which a stream may bring in pieces."""
    data = end.recv(len(_PING))
    while data and len(data) < len(_PING):
        data += end.recv(len(_PING) - len(data))
    return data


def _throughput(client: socket.socket, server: socket.socket) -> float:
    """Bytes a second, from one thread to another. Sending and receiving run without the interpreter's lock."""
    sender = threading.Thread(target=_send_for, args=(client, _STREAM_S), name="loopback throughput", daemon=True)
    buffer = memoryview(bytearray(_BLOCK_BYTES))
    count = 0
    start = time.perf_counter()
    sender.start()
    try:
        while size := server.recv_into(buffer):
            count += size
    finally:
        sender.join(_ANSWER_S)
    return count / (time.perf_counter() - start)


def _send_for(client: socket.socket, seconds: float) -> None:
    block = bytes(_BLOCK_BYTES)
    ends = time.perf_counter() + seconds
    try:
        while time.perf_counter() < ends:
            client.sendall(block)
        client.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # the receiver has the same error, and tells it


def _socket(address: str, kind: socket.SocketKind) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
    sock.settimeout(_ANSWER_S)
    return sock


def _words(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "no answer"
    if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
        return "no such address here"
    return (error.strerror or str(error)).lower()

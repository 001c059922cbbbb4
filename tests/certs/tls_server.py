"""A plain TLS server of Python's ssl on a loopback port that the kernel picks: every request gets the same answer."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

ANSWER = "berthed"
_RESPONSE = (
    f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(ANSWER)}\r\nConnection: close\r\n\r\n{ANSWER}"
).encode()


@contextmanager
def serving(context: ssl.SSLContext, host: str = "127.0.0.1") -> Iterator[int]:
    """The port. Everything of it has ended afterwards."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listener:
        talks: list[threading.Thread] = []
        accepting = threading.Thread(target=_accept, args=(listener, context, talks))
        accepting.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for talk in talks:
                talk.join()


def _accept(listener: socket.socket, context: ssl.SSLContext, talks: list[threading.Thread]) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        talk = threading.Thread(target=_talk, args=(client, context))
        talks.append(talk)
        talk.start()


def _talk(client: socket.socket, context: ssl.SSLContext) -> None:
    client.settimeout(10)
    with client:
        try:
            with context.wrap_socket(client, server_side=True) as talk:
                head = b""
                while b"\r\n\r\n" not in head:
                    data = talk.recv(65536)
                    if not data:
                        return
                    head += data
                talk.sendall(_RESPONSE)
        except OSError:  # what a client says that does not trust us (ssl.SSLError is one)
            return

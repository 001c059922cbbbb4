"""One contract for both pollers: what is waited for is told, what is not is not, and a would-block arms it again."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable, Iterator

import pytest

from homeport.streams.poller import READ, WRITE, EpollPoller, Poller, SelectorPoller, new_poller

MAKERS: list[Callable[[], Poller]] = [SelectorPoller]
if hasattr(select, "epoll"):
    MAKERS.append(EpollPoller)


@pytest.fixture(params=MAKERS)
def poller(request: pytest.FixtureRequest) -> Iterator[Poller]:
    made: Poller = request.param()
    yield made
    made.close()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    near, far = socket.socketpair()
    near.setblocking(False)
    far.setblocking(False)
    with near, far:
        yield near, far


def readable(poller: Poller, sock: socket.socket, timeout_s: float = 1.0) -> bool:
    return any(fd == sock.fileno() and events & READ for fd, events in poller.poll(timeout_s))


def writable(poller: Poller, sock: socket.socket, timeout_s: float = 1.0) -> bool:
    return any(fd == sock.fileno() and events & WRITE for fd, events in poller.poll(timeout_s))


def fill(sock: socket.socket) -> int:
    sent = 0
    while True:
        try:
            sent += sock.send(bytes(65536))
        except BlockingIOError:
            return sent


def test_bytes_are_told_before_and_after_watching(poller: Poller, pair: tuple[socket.socket, socket.socket]) -> None:
    near, far = pair
    far.send(b"before")
    poller.watch(near.fileno(), reading=True, writing=False)
    assert readable(poller, near)
    assert near.recv(100) == b"before"
    assert not readable(poller, near, 0)
    far.send(b"after")
    assert readable(poller, near)


def test_the_end_is_told_as_something_to_read(poller: Poller, pair: tuple[socket.socket, socket.socket]) -> None:
    near, far = pair
    poller.watch(near.fileno(), reading=True, writing=False)
    far.shutdown(socket.SHUT_WR)
    assert readable(poller, near)
    assert near.recv(1) == b""


def test_room_is_told_after_a_write_would_block(poller: Poller, pair: tuple[socket.socket, socket.socket]) -> None:
    near, far = pair
    poller.watch(near.fileno(), reading=True, writing=False)
    poller.poll(0)
    sent = fill(near)
    poller.want(near.fileno(), reading=False, writing=True)
    assert not writable(poller, near, 0)
    while sent:
        sent -= len(far.recv(1 << 20))
    assert writable(poller, near)


def test_reading_goes_on_after_a_pause(poller: Poller, pair: tuple[socket.socket, socket.socket]) -> None:
    """While paused, an edge may pass unseen: whoever resumes reads first. Then the next bytes are told again."""
    near, far = pair
    poller.watch(near.fileno(), reading=True, writing=False)
    poller.want(near.fileno(), reading=False, writing=False)
    far.send(b"while paused")
    poller.poll(0)
    poller.want(near.fileno(), reading=True, writing=False)
    assert near.recv(100) == b"while paused"
    far.send(b"later")
    assert readable(poller, near)


def test_forgotten_and_closed_descriptors_are_silent(poller: Poller, pair: tuple[socket.socket, socket.socket]) -> None:
    near, far = pair
    poller.watch(near.fileno(), reading=True, writing=False)
    poller.want(near.fileno(), reading=False, writing=False)
    far.send(b"x")
    poller.forget(near.fileno())
    near.close()
    assert poller.poll(0) == []


def test_a_number_may_be_watched_again_by_another_socket(poller: Poller) -> None:
    numbers = set()
    for _ in range(3):
        near, far = socket.socketpair()
        with near, far:
            numbers.add(near.fileno())
            poller.watch(near.fileno(), reading=True, writing=False)
            far.send(b"x")
            assert readable(poller, near)
            poller.forget(near.fileno())
    assert len(numbers) == 1


def test_polling_waits_no_longer_than_it_was_told(poller: Poller) -> None:
    assert poller.poll(0.001) == []
    assert poller.poll(0) == []


def test_the_system_has_a_poller() -> None:
    poller = new_poller()
    poller.close()

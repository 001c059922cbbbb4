"""Whose process a client is: asked rarely, remembered for a while, never wrong on purpose."""

from __future__ import annotations

import time

from homeport.recording.channel import Newcomer
from homeport.recording.clients import Clients
from tests.recording.stage import exchange


class Stage:
    def __init__(self, answer: str | None = "curl (4121)", takes_s: float = 0.0) -> None:
        self.now_s = 50.0
        self.asked: list[tuple[str, int]] = []
        self.answer = answer
        self.takes_s = takes_s
        self.clients = Clients(self.who, 62893, lambda: self.now_s)

    def who(self, client: str, server_port: int) -> str | None:
        self.asked.append((client, server_port))
        self.now_s += self.takes_s
        return self.answer

    def name(self, client: str, age_s: float = 0.0, **changes: object) -> str:
        closed_s = time.perf_counter() - age_s
        return self.clients.name_of(exchange(1, client=client, closed_s=closed_s, **changes), time.perf_counter())


def test_a_client_is_asked_for_once_and_again_when_its_port_may_be_anothers() -> None:
    stage = Stage()
    assert stage.name("127.0.0.1:1") == "curl (4121)"
    stage.now_s += 10
    assert stage.name("127.0.0.1:1") == "curl (4121)"
    assert stage.asked == [("127.0.0.1:1", 62893)]
    stage.now_s += 15
    stage.name("127.0.0.1:1", server_port=3000)
    assert stage.asked[1:] == [("127.0.0.1:1", 3000)]


def test_asking_is_rationed_by_number_and_by_time() -> None:
    quick = Stage()
    for number in range(1000):
        quick.name(f"127.0.0.1:{number}")
        quick.now_s += 0.001
    assert 18 <= len(quick.asked) <= 21
    slow = Stage(takes_s=0.1)
    began_s = slow.now_s
    while slow.now_s < began_s + 10:
        slow.name(f"127.0.0.1:{slow.now_s}")
        slow.now_s += 0.01
    assert len(slow.asked) <= 21


def test_old_exchanges_say_nothing_about_who_is_there_now() -> None:
    stage = Stage()
    assert stage.name("127.0.0.1:1", age_s=5) == ""
    assert stage.asked == []


def test_a_newcomer_is_asked_for_at_once_and_replaces_what_was_known() -> None:
    stage = Stage()
    stage.name("127.0.0.1:1")
    stage.answer = "node (7)"
    stage.clients.greet(Newcomer("127.0.0.1:1", 62893))
    assert stage.name("127.0.0.1:1") == "curl (4121)"  # two clients in turns do not cost a question each time
    stage.now_s += 3
    stage.clients.greet(Newcomer("127.0.0.1:1", 62893))
    assert stage.name("127.0.0.1:1", age_s=5) == "node (7)"


def test_nobody_to_ask_nobody_known_and_nobody_allowed_are_the_same() -> None:
    assert Clients(None, 1).name_of(exchange(1), time.perf_counter()) == ""
    assert Stage(answer=None).name("127.0.0.1:1") == ""

    def forbidden(_: str, __: int) -> str:
        raise PermissionError

    assert Clients(forbidden, 1).name_of(exchange(1), time.perf_counter()) == ""

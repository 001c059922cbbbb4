"""`homeport net replay` and what `show` tells of the network: what is asked of the engine, and what is printed."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from homeport.model.conditions_felt import ConditionsFelt, Decided
from homeport.model.exchange import Body, ExchangeDetail, Head
from homeport.model.status import EngineState, RecordingState, Status
from tests.cli.fake_engine import FakeEngine, detail, exchange, invoke

LATE = Decided(0.4, True, 1, 278, [("delayed", 0.05, 1)], "delayed by 50 ms")
LOST = Decided(30.0, False, 2, 1400, [("lost", 0.0, 1)], "dropped: lost")


def felt(*decisions: Decided, number: int = 4, **more: object) -> ConditionsFelt:
    values = {"number": number, "text": "3g latency=200ms", "decisions": list(decisions), **more}
    return ConditionsFelt(**values)  # type: ignore[arg-type]


class Recorded(FakeEngine):
    """Whose recording has what a test puts in."""

    def __init__(self, *details: ExchangeDetail) -> None:
        super().__init__()
        self.details = {one.summary.id: one for one in details}
        self.traffic.show = lambda id: self.details[id]  # type: ignore[method-assign] # noqa: A006

    def came(self, one: ExchangeDetail) -> None:
        self.details[one.summary.id] = one
        self.emit(one.summary)


def datagrams(exchange_id: int, *decisions: Decided, ending: str = "complete", number: int = 4) -> ExchangeDetail:
    return detail(exchange(exchange_id, kind="udp", ending=ending), conditions=felt(*decisions, number=number))


def test_show_tells_the_decisions_and_how_many_more_there_were() -> None:
    engine = FakeEngine()
    engine.traffic.detail = detail(conditions=felt(LATE, LOST, more=7, up={"came": 9, "lost": 3}))
    lines = invoke("show 1", engine).out.splitlines()
    first = next(place for place, line in enumerate(lines) if line.startswith("network"))
    assert lines[first : first + 4] == [
        "network  3g latency=200ms  number 4",
        "         0 ms → 1: 278 B     delayed by 50 ms",
        "        30 ms ← 2: 1.4 kB    dropped: lost",
        "  … 7 more decisions: of 9, 3 lost",
    ]
    shown = json.loads(invoke("show 1 --json", engine).out)["conditions"]
    assert (shown["number"], shown["decisions"][1]["words"]) == (4, "dropped: lost")


def test_a_line_of_requests_is_marked() -> None:
    engine = FakeEngine()
    engine.traffic.found = [
        exchange(1),
        exchange(2, conditions="3g latency=200ms"),
        exchange(3, conditions="loss=1%"),
    ]
    endings = [line.split()[-2:] for line in invoke("requests", engine).out.splitlines()[1:]]
    assert endings == [["kB", "web"], ["web", "(3g)"], ["web", "(net)"]]


def test_the_next_client_is_waited_for_and_compared() -> None:
    engine = Recorded(datagrams(5, LATE, LOST))
    engine.came(datagrams(6, LOST, number=3))
    engine.came(datagrams(7, LATE, LOST))
    done = invoke("net replay 5", engine)
    assert (done.status, engine.conditions.replayed) == (0, [5])
    assert done.out.splitlines()[1:] == [
        "→ 1: 278 B    delayed by 50 ms  the same",
        "← 2: 1.4 kB   dropped: lost     the same",
        "the same decisions: 2 of 2",
    ]
    assert "#5 was a conversation of datagrams: waiting for the next on web" in done.err


def test_another_decision_is_a_failure() -> None:
    engine = Recorded(datagrams(5, LATE, LOST))
    engine.came(datagrams(6, LATE, Decided(1, False, 2, 1400, [("delayed", 0.1, 1)], "delayed by 100 ms")))
    done = invoke("net replay 5 --json", engine)
    told = json.loads(done.out)
    assert (done.status, told["then"], told["now"], told["same"]) == (1, 5, 6, False)
    assert [one["verdict"] for one in told["compared"]] == ["same", "differs"]
    engine = Recorded(datagrams(5, LATE, LOST))
    engine.came(datagrams(7, LATE, Decided(1, False, 2, 99, [("delayed", 0.1, 1)], "delayed by 100 ms")))
    assert "the input was another one: 1 the same, 1 of another size" in invoke("net replay 5", engine).out


def test_a_client_that_stays_is_compared_as_far_as_it_has_come() -> None:
    engine = Recorded(datagrams(5, LATE))
    engine.came(datagrams(6, ending="open"))
    engine.came(datagrams(6, LATE, ending="open"))
    assert invoke("net replay 5", engine).status == 0


def test_nobody_comes() -> None:
    engine = Recorded(datagrams(5, LATE))
    done = invoke("net replay 5 --for 10ms", engine)
    assert (done.status, done.err.splitlines()[-1]) == (1, "hint: homeport net clear web")


def test_what_ran_already_has_no_beginning() -> None:
    engine = Recorded(datagrams(5, LATE, number=-1))
    done = invoke("net replay 5", engine)
    assert (done.status, engine.conditions.replayed) == (0, [5])
    assert "ran already" in done.err


@contextmanager
def door(answer: bytes, heard: list[bytes], clients: list[str]) -> Iterator[str]:
    """Takes one connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            client, (host, port) = listener.accept()
            clients.append(f"{host}:{port}")
            with client:
                while data := client.recv(65536):
                    heard.append(data)
                client.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        thread.join(10)


def test_a_request_is_sent_again_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    request = Head(line="POST /a HTTP/1.1", headers=[("Host", "web.localhost"), ("Transfer-Encoding", "chunked")])
    body = Body(bytes_on_wire=15, kept=5, text="hello")
    then = detail(exchange(5, method="POST"), request=request, request_body=body, conditions=felt(LATE))
    engine = Recorded(then)
    engine.traffic.bodies["request"] = b"hello"
    heard: list[bytes] = []
    clients: list[str] = []
    replay = engine.conditions.replay

    def come() -> None:
        while not heard:
            time.sleep(0.001)
        engine.came(detail(exchange(7, client="127.0.0.1:1"), conditions=felt(LATE)))
        engine.came(detail(exchange(8, client=clients[0]), conditions=felt(LATE)))

    def and_then(number: int) -> object:
        threading.Thread(target=come, daemon=True).start()
        return replay(number)

    monkeypatch.setattr(engine.conditions, "replay", and_then)
    with door(b"HTTP/1.1 200 OK\r\n\r\n", heard, clients) as address:
        state = EngineState(
            version="", pid=1, home="", started="", doors=[address], url="", dashboard="", recording=RecordingState()
        )
        monkeypatch.setattr(engine.engine, "status", lambda: Status(engine=state))
        done = invoke("net replay 5", engine)
    assert b"".join(heard) == b"POST /a HTTP/1.1\r\nHost: web.localhost\r\nContent-Length: 5\r\n\r\nhello"
    assert (done.status, done.out.splitlines()[0].split()) == (0, ["then,", "#5", "now,", "#8"])


@pytest.mark.parametrize("words", ["net replay", "net replay nope", "net replay 5 up", "net replay 5 --seed 3"])
def test_mistakes(words: str) -> None:
    assert invoke(words, FakeEngine()).status == 2

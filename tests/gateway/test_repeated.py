"""On real sockets: what network conditions decided about one exchange, they decide again when it comes again."""

from __future__ import annotations

from asyncio import StreamReader as Reader
from asyncio import StreamWriter as Writer

import pytest

from homeport.conditions.http import HttpFault
from homeport.conditions.repetition import compare
from homeport.conditions.settings import (
    BurstLoss,
    Condition,
    Conditions,
    Corruption,
    DataLimit,
    Duplication,
    Latency,
    RandomLoss,
    Reset,
    Slicing,
)
from homeport.conditions.standing import once_more
from homeport.gateway.route_conditions import RouteConditions
from homeport.gateway.routes import Route
from homeport.model.conditions_felt import ConditionsFelt
from homeport.model.exchange import Exchange

from .conftest import Road, read_request
from .tcp_stage import echo, hang_up, staged, visit
from .udp_stage import staged_udp

LOSSY = (
    RandomLoss(rate=0.2),
    Duplication(rate=0.2, copies=2),
    Corruption(rate=0.3, unit="byte"),
    Latency(latency_ms=4, jitter_ms=4, distribution="pareto", reorders=True),
)


def are_the_same(then: ConditionsFelt, now: ConditionsFelt) -> bool:
    compared = compare(then.decisions, now.decisions)
    return bool(compared) and {one.verdict for one in compared} == {"same"}


def felt_by(exchange: Exchange) -> ConditionsFelt:
    assert exchange.conditions is not None
    return exchange.conditions


async def datagrams(conditions: Conditions, clients: int) -> list[ConditionsFelt]:
    """What each client felt that sends sixty, both ways."""
    async with staged_udp("best") as stage:
        door, server = await stage.behind(lambda _: [])
        stage.relay.set_conditions("game", conditions)
        for _ in range(clients):
            client = await stage.client(door)
            for number in range(60):
                client.send(bytes([number] * (number + 1)))
            known = set(server.senders)
            while set(server.senders) == known:
                await server.hear()
            (newcomer,) = set(server.senders) - known
            for number in range(40):
                server.sock.sendto(bytes([number]), newcomer)
        await stage.until(lambda state: (state.up.datagrams, state.down.datagrams) == (60 * clients, 40 * clients))
        stage.relay.close("game")
        await stage.tap.wait(ended=clients)
        return [felt_by(exchange) for exchange in stage.tap.ended]


async def test_datagrams() -> None:
    conditions = Conditions(up=LOSSY, down=(BurstLoss(rate=0.3, burst=3), *LOSSY[1:]), seed=11)
    felts = await datagrams(conditions, 3)
    assert [felt.number for felt in felts] == [1, 2, 3]
    assert len({str([one.what for one in felt.decisions if one.from_client]) for felt in felts}) == 3
    (again,) = await datagrams(once_more(felts[2]), 1)
    assert are_the_same(felts[2], again)


@pytest.mark.parametrize(
    "stack",
    [
        (Slicing(size_bytes=40, variation_bytes=30, delay_us=100), Latency(latency_ms=1, jitter_ms=1)),
        (RandomLoss(rate=0.4, retransmit_ms=1), Latency(latency_ms=1, jitter_ms=5, distribution="exponential")),
        (Latency(latency_ms=2, jitter_ms=2), DataLimit(limit_bytes=700, ending="reset")),
        (Latency(latency_ms=2), Reset(after_ms=20)),
    ],
    ids=["slices", "loss", "limit", "reset"],
)
async def test_connections(stack: tuple[Condition, ...]) -> None:
    is_whole = not any(isinstance(one, Slicing) for one in stack)  # else the server answers in pieces of any size
    conditions = Conditions(up=stack, down=stack[:1] if is_whole else (), seed=5)
    runs: list[ConditionsFelt] = []
    for settings, visitors in ((conditions, 3), (None, 1)):
        async with staged() as stage, stage.behind(echo) as door:
            stage.relay.condition("db", settings or once_more(runs[-1]))
            for _ in range(visitors):
                async with visit(door) as (reader, writer):
                    for size in (100, 300, 50, 400):
                        writer.write(bytes(size))
                        if not await echoed(reader, size):
                            break
                    await hang_up(writer)
            runs.append(felt_by(await stage.tap.wait(ended=visitors)))
    assert [run.number for run in runs] == [3, 3]
    assert are_the_same(*runs)


async def echoed(reader: Reader, size: int) -> bool:
    """False where the connection ends instead."""
    try:
        while size > 0:
            data = await reader.read(size)
            if not data:
                return False
            size -= len(data)
    except ConnectionError:
        return False
    return True


async def pages(reader: Reader, writer: Writer) -> None:
    """Answers with as many bytes as the path says, in one write."""
    while True:
        head, _ = await read_request(reader)
        count = int(head.split(b" ")[1].strip(b"/"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (count, bytes(count)))


async def requests(road: Road, route: Route, conditions: Conditions, counts: list[int]) -> list[Exchange]:
    """One after the other on a connection."""
    if route.conditions is None:
        route.conditions = RouteConditions(None, road.door.pump)
    route.conditions.set(None)
    route.conditions.set(conditions)
    before, client = len(road.tap.done), await road.connect()
    for count in counts:
        client.send(b"GET /%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % count)
        head = (await client.head()).lower()
        await client.body(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]))
    return (await road.tap.all_done(before + len(counts)))[before:]


async def test_requests_have_the_luck_of_their_number(road: Road) -> None:
    stack = (Latency(latency_ms=3, jitter_ms=3), RandomLoss(rate=0.3, retransmit_ms=2))
    conditions, route, sizes = (
        Conditions(up=stack, down=stack, seed=3),
        await road.upstream(pages),
        [10, 20, 30, 40, 50],
    )
    exchanges = await requests(road, route, conditions, sizes)
    assert road.accepted == 1
    assert [felt_by(exchange).number for exchange in exchanges] == [1, 2, 3, 4, 5]
    for place in (1, 4):
        then = felt_by(exchanges[place])
        (again,) = await requests(road, route, once_more(then), sizes[place : place + 1])
        assert are_the_same(then, felt_by(again))


async def test_faults_by_share(road: Road) -> None:
    fault = HttpFault(status=503, share=0.5, path="/1*")
    conditions = Conditions(http=(fault,), down=(Latency(latency_ms=1, jitter_ms=1),), seed=9, share=0.7)
    route, sizes = await road.upstream(pages), [10, 2, 11, 12, 13, 3, 14, 15, 16, 17]
    exchanges = await requests(road, route, conditions, sizes)
    answers = [exchange.response_head.split(b" ")[1] for exchange in exchanges]
    assert set(answers) == {b"200", b"503"}
    for exchange, answer, size in zip(exchanges, answers, sizes, strict=True):
        then = felt_by(exchange)
        (again,) = await requests(road, route, once_more(then), [size])
        assert again.response_head.split(b" ")[1] == answer
        assert {one.verdict for one in compare(then.decisions, felt_by(again).decisions)} <= {"same"}


async def test_where_no_conditions_are_set_nothing_is_kept(road: Road) -> None:
    await road.upstream(pages)
    client = await road.connect()
    client.send(b"GET /3 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await client.head()
    await client.body(3)
    assert (await road.tap.all_done(1))[0].conditions is None

"""The game of examples/game, through real routes: its prediction is exact on a clean network, breaks where bursts are
lost, and holds again where what was lost is sent again."""

from __future__ import annotations

import asyncio
import re
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import NamedTuple

from homeport.conditions.profiles import BY_NAME
from homeport.conditions.text import parse
from homeport.model.endpoint import Endpoint
from tests.gateway.udp_stage import UdpStage, staged_udp

GAME = Path(__file__).parents[1] / "examples" / "game"
PLAY = ["play.py", "--headless", "--from-port", "0", "--seconds", "10", "--rate", "50"]


class Played(NamedTuple):
    """Of one player: how many steerings it sent, and how far its own boat was from where it saw it."""

    sent: int
    jumps: int
    in_all: float


async def play(stage: UdpStage, network: str, *more: str) -> list[Played]:
    """A match of 200 ticks with a server and a route of its own."""
    server = await asyncio.create_subprocess_exec(sys.executable, "server.py", "0", cwd=GAME, stdout=PIPE)
    try:
        assert server.stdout is not None
        told = re.search(rb":(\d+)$", (await server.stdout.readline()).strip())
        assert told is not None
        name = " ".join([network, *more])
        door = stage.route(Endpoint("127.0.0.1", int(told[1])), name)
        if network:
            stage.relay.set_conditions(name, parse(network.split(), BY_NAME))
        words = [*PLAY, "--port", str(door.port), *more]
        players = await asyncio.create_subprocess_exec(sys.executable, *words, cwd=GAME, stdout=PIPE)
        out, _ = await players.communicate()
        assert players.returncode == 0
    finally:
        server.terminate()
        await server.communicate()
    rows = [line.split()[2:] for line in out.decode().splitlines() if line.startswith("player")]
    return [Played(int(row[0]), int(row[3]), float(row[5])) for row in rows]


async def test_prediction_breaks_where_bursts_are_lost_and_holds_where_they_are_sent_again() -> None:
    async with staged_udp() as stage:
        clean, far, lossy, resent = await asyncio.gather(
            play(stage, ""),
            play(stage, "latency=100ms jitter=20ms"),
            play(stage, "loss=20% burst=5"),
            play(stage, "loss=20% burst=5", "--resend"),
        )
    exact = [Played(sent=200, jumps=0, in_all=0.0)] * 2
    assert (clean, far, resent) == (exact, exact, exact)
    assert all(one.sent == 200 and one.jumps and one.in_all > 5 for one in lossy)

"""Twenty processes lease and bind at once, fifty rounds, beside one that takes ports with bind(0) as fast as it can.

Seven lease through PyPI's portpicker, the others through the Python API, two of them now and then through the command.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from homeport.control.launch import ensure_engine
from tests.engine_home import ended_with
from tests.lease_racers import NAMED, PICKERS, RACERS

ROUNDS = 50
ROOT = Path(__file__).parent.parent


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
@pytest.mark.timeout(180)
def test_no_port_is_given_twice_and_no_bind_fails(home: Path) -> None:
    with ended_with(home) as found:
        client = ensure_engine(found)
        environ = {**os.environ, "PORTSERVER_ADDRESS": client.leases.portserver(os.getpid())}
        words = [sys.executable, "-m", "tests.lease_racers", str(ROUNDS)]
        done = subprocess.run(words, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True, check=True, timeout=150)
        assert client.leases.list() == []  # everybody has ended, and with them their leases
    race = json.loads(done.stdout)
    assert race["exits"] == [0] * RACERS
    assert [failure for *_, failure in race["answers"] if failure] == []
    answers = {(number, turn): port for turn, number, port, _ in race["answers"]}
    assert len(answers) == RACERS * ROUNDS
    for turn in range(ROUNDS):
        assert len({answers[number, turn] for number in range(RACERS)}) == RACERS
    named = range(PICKERS, PICKERS + NAMED)
    assert all(len({answers[number, turn] for turn in range(ROUNDS)}) == 1 for number in named)
    others = [port for (number, _), port in answers.items() if number not in named]
    assert len(set(others)) == len(others)  # in all fifty rounds, although most had been given back
    assert not set(answers.values()) & set(race["grabbed"])
    assert race["grabs"] > 10_000

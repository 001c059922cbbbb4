"""How long a command takes from being started to having ended, beside what Python itself takes."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

from bench import homeport
from bench.peers import Stage
from bench.rounds import Results

FIRST = "homeport route, which starts the engine"


def measure(stage: Stage, rounds: int, say: Callable[[str], None]) -> Results:
    """`homeport status` both without and with an engine to ask; the engine itself in a home that has none yet."""
    results = Results()
    with homeport.engine(stage, "start") as with_engine:
        homeport.say(with_engine, "route", "bench", f"http://127.0.0.1:{stage.backend_port}")
        without = {**with_engine, "HOMEPORT_HOME": str(stage.folder / "nobody")}
        commands = {
            "python -c pass": ([sys.executable, "-c", "pass"], without),
            "python -m http.server --help": ([sys.executable, "-m", "http.server", "--help"], without),
            "homeport version": ([homeport.COMMAND, "version"], without),
            "homeport status, no engine": ([homeport.COMMAND, "status"], without),
            "homeport status": ([homeport.COMMAND, "status"], with_engine),
        }
        say("start: measuring")
        for _ in range(max(5, rounds * 3)):
            for name, (command, environment) in commands.items():
                results.add(name, {"ms": _once(command, environment) * 1e3})
            with homeport.engine(stage, "fresh") as fresh:
                command = [homeport.COMMAND, "route", "bench", f"http://127.0.0.1:{stage.backend_port}"]
                results.add(FIRST, {"ms": _once(command, fresh) * 1e3})
    return results


def _once(command: list[str], environment: dict[str, str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, env={**environment, "COLUMNS": "80"}, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begun

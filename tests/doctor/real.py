"""Runs the doctor as a process, here or in a namespace, and reads its findings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tests.netns import Network

LIMIT_S = 50.0

# Connects as often as told (or until nothing comes back), says its first own port, and stays until its stdin ends.
# "closed": each connection is closed by this side first, which leaves TIME_WAIT here.
_CLIENTS = """
import os, socket, sys
port, count, way = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
kept, first = [], 0
for _ in range(count):
    client = socket.socket()
    client.settimeout(0.2 if way == "until-full" else 20)
    kept.append(client)
    if client.connect_ex(("127.0.0.1", port)):
        break
    first = first or client.getsockname()[1]
    if way == "closed":
        client.shutdown(socket.SHUT_WR)
        while client.recv(1000):
            pass
        client.close()
os.write(1, b"%d\\n" % first)
sys.stdin.read()
"""


@dataclass
class Verdict:
    """What one run of the doctor said."""

    status: int
    report: dict[str, Any]

    @property
    def findings(self) -> list[dict[str, Any]]:
        walks = [finding for walk in self.report["walks"] for finding in walk["findings"]]
        return [*self.report["findings"], *walks]

    @property
    def codes(self) -> list[str]:
        """Of problems and warnings: what an exit status tells."""
        return [finding["code"] for finding in self.findings if finding["level"] != "note"]

    @property
    def notes(self) -> list[str]:
        return [finding["code"] for finding in self.findings if finding["level"] == "note"]

    def said(self, code: str) -> str:
        """The sentences of a finding."""
        found = next(finding for finding in self.findings if finding["code"] == code)
        return f"{found['what']} {found['why']} {found['next']}"


def connect(net: Network, port: int, count: int, way: Literal["open", "closed", "until-full"] = "open") -> int:
    """Connections to 127.0.0.1 from inside, for as long as the namespace lives. The own port of the first."""
    child = net.start(sys.executable, "-c", _CLIENTS, str(port), str(count), way)
    assert child.stdout
    return int(child.stdout.readline())


def examine(net: Network | None, *words: str, user: int | None = None, env: Mapping[str, str] | None = None) -> Verdict:
    """`homeport doctor WORDS --json`; outside of a namespace where there is none."""
    if net is not None:
        done = net.homeport("doctor", *words, "--json", user=user, env=env)
    else:
        environment = {name: value for name, value in os.environ.items() if "PROXY" not in name.upper()}
        command = [sys.executable, "-m", "homeport", "doctor", *words, "--json"]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=LIMIT_S, env={**environment, **(env or {})}, check=False
        )
    assert done.stdout, done.stderr
    return Verdict(done.returncode, json.loads(done.stdout))

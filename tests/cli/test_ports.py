"""`homeport ports` beside `ss`, on sockets of our own, and its table."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from contextlib import ExitStack

import pytest

from homeport.app.ports import PortRow, matching
from homeport.cli.port_table import table_lines
from homeport.cli.terminal import Paint
from tests.cli.fake_engine import invoke
from tests.cli.test_who import server

linux = pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")

Seen = set[tuple[str, int, frozenset[int]]]


def by_ss() -> Seen:
    """Address, port and pids, as ss says them."""
    text = subprocess.run(["ss", "-H", "-ltnp"], capture_output=True, text=True, check=True).stdout
    found = set()
    for line in text.splitlines():
        host, _, port = line.split()[3].rpartition(":")
        host = host.strip("[]").replace("*", "::")
        found.add((host, int(port), frozenset(map(int, re.findall(r"pid=(\d+)", line)))))
    return found


def by_us(*options: str) -> Seen:
    rows = json.loads(invoke(["ports", "--all", "--json", *options]).out)
    return {(row["address"], row["port"], frozenset(row["pids"])) for row in rows}


@linux
@pytest.mark.counterpart("ss")
def test_the_same_as_ss() -> None:
    with ExitStack() as stack:
        pairs = [stack.enter_context(server(workers=number)) for number in (0, 0, 2)]
        mine = {port for _, port in pairs}
        for family, host in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::1"), (socket.AF_INET6, "::")):
            listener = stack.enter_context(socket.socket(family))
            listener.bind((host, 0))
            listener.listen()
            mine.add(listener.getsockname()[1])
        theirs, ours = by_ss(), by_us()
    assert len(mine) == 6
    assert {row for row in ours if row[1] in mine} == {row for row in theirs if row[1] in mine}
    assert all(row[2] for row in ours if row[1] in mine)


@linux
def test_udp_only_when_asked() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        port = receiver.getsockname()[1]
        here = ("127.0.0.1", port, frozenset({os.getpid()}))
        assert here in by_us("--udp")
        assert here not in by_us()


@linux
def test_a_filter_and_the_app() -> None:
    with server(HOMEPORT_APP="4f2a/web") as (pid, port):
        outcome = invoke(["ports", str(port)])
        assert invoke(["ports", str(port), "nosuchthing"]).out == ""
    header, row = outcome.out.splitlines()
    assert header.split()[:3] == ["proto", "address", "port"]
    assert row.split()[:3] == ["tcp", "127.0.0.1", str(port)]
    assert f" {pid} " in row
    assert " web " in row


def test_words_must_all_match() -> None:
    rows = [
        PortRow(protocol="tcp", address="0.0.0.0", port=3000, kind="registered", process="node", is_exposed=True),
        PortRow(protocol="tcp", address="127.0.0.1", port=30000, kind="registered", process="node"),
    ]
    assert matching(rows, ["node"]) == rows
    assert matching(rows, ["3000"]) == rows[:1], "not 30000"
    assert matching(rows, ["NODE", "exposed"]) == rows[:1]


def test_the_table_marks_what_is_exposed_and_shared() -> None:
    row = PortRow(
        protocol="tcp", address="0.0.0.0", port=80, kind="well-known", pid=9, processes=4, is_exposed=True, process="n"
    )
    assert table_lines([row], Paint(False), None)[1] == "tcp    0.0.0.0    80  well-known  9 +3  n        exposed"
    assert table_lines([row], Paint(False), 80)[1] == "tcp    0.0.0.0    80  9 +3  n        exposed"

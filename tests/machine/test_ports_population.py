"""`ports` and `who` beside `ss` and `lsof`, on random crowds of sockets in a network namespace of their own.

Nothing else is in there, so that the three have to agree to the last socket and holder.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.fake_engine import invoke
from tests.netns import Network, network

if sys.platform != "linux":
    pytest.skip("asks Linux", allow_module_level=True)

IS_ROOT = os.geteuid() == 0
POPULATION = Path(__file__).with_name("population.py")
NOBODY = 65534

Socket = tuple[str, str, int, frozenset[int]]  # protocol, address, port, holders
Holders = dict[tuple[str, str, int], set[int]]


@pytest.fixture(params=range(1, 5))
def crowd(request: pytest.FixtureRequest) -> Iterator[Network]:
    with network() as net:
        program = net.start(sys.executable, "-I", str(POPULATION), str(request.param), "yes" if IS_ROOT else "no")
        assert program.stdout
        assert program.stdout.readline() == "ready\n"
        yield net


def by_ss(net: Network, user: int | None = None) -> Counter[Socket]:
    """`*` is `::` that takes IPv4 as well, `[::]` is `::` alone."""
    found: Counter[Socket] = Counter()
    for line in net.run("ss", "-H", "-lntup", user=user).stdout.splitlines():
        fields = line.split()
        host, _, port = fields[4].rpartition(":")
        pids = frozenset(map(int, re.findall(r"pid=(\d+)", line)))
        found[(fields[0], host, int(port), pids)] += 1
    return found


def by_lsof(net: Network) -> Holders:
    found: Holders = {}
    pid, family, protocol = 0, "", ""
    asked = (["-iTCP", "-sTCP:LISTEN"], ["-iUDP"])  # in one question the state would hide UDP
    # It fails where some other file cannot be named; what it has found it says all the same.
    said = [net.run("lsof", "-nP", *words, "-FptPn", check=False).stdout for words in asked]
    for line in "".join(said).splitlines():
        field, value = line[0], line[1:]
        if field == "p":
            pid = int(value)
        elif field == "t":
            family = value
        elif field == "P":
            protocol = value.lower()
        elif field == "n" and "->" not in value:
            host, _, port = value.rpartition(":")
            host = {"*": "0.0.0.0" if family == "IPv4" else "::"}.get(host, host.strip("[]"))
            found.setdefault((protocol, host, int(port)), set()).add(pid)
    return found


def by_us(net: Network, user: int | None = None) -> list[dict[str, object]]:
    done = net.homeport("ports", "--all", "--udp", "--json", user=user)
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, object]] = json.loads(done.stdout)
    return rows


def pids_of(row: dict[str, object]) -> frozenset[int]:
    pids = row["pids"]
    assert isinstance(pids, list)
    return frozenset(pids)


def as_ss_says(rows: list[dict[str, object]], v6only: set[tuple[str, int]]) -> Counter[Socket]:
    found: Counter[Socket] = Counter()
    for row in rows:
        protocol, host, port = str(row["protocol"]), str(row["address"]), int(str(row["port"]))
        if host == "::":
            host = "[::]" if (protocol, port) in v6only else "*"
        elif ":" in host:
            host = f"[{host}]"
        found[(protocol, host, port, pids_of(row))] += 1
    return found


@pytest.mark.counterpart("ss", "lsof")
def test_all_sockets_and_all_holders(crowd: Network) -> None:
    rows, theirs, files = by_us(crowd), by_ss(crowd), by_lsof(crowd)
    v6only = {(protocol, port) for protocol, host, port, _ in theirs if host == "[::]"}
    assert as_ss_says(rows, v6only) == theirs
    assert len(rows) >= 20
    ours: Holders = {}
    for row in rows:
        ours.setdefault((str(row["protocol"]), str(row["address"]), int(str(row["port"]))), set()).update(pids_of(row))
    assert ours == files


@pytest.mark.counterpart("ss")
def test_who_tells_the_same_of_each_port(crowd: Network) -> None:
    theirs = by_ss(crowd)
    tcp = sorted({port for protocol, _, port, _ in theirs if protocol == "tcp"})
    with crowd.entered():
        stories = {port: json.loads(invoke(["who", str(port), "--json"]).out) for port in tcp}
    for port, story in stories.items():
        expected = sorted(
            (host, sorted(pids))
            for (protocol, host, at, pids), count in theirs.items()
            for _ in range(count)
            if (protocol, at) == ("tcp", port)
        )
        told = sorted((ss_host(one), sorted(one["pids"])) for one in story["listening"])
        assert told == expected
        pids = {pid for _, holders in expected for pid in holders}
        assert {holder["process"]["pid"] for holder in story["holders"]} == pids


def ss_host(socket: dict[str, object]) -> str:
    endpoint = socket["endpoint"]
    assert isinstance(endpoint, dict)
    host = str(endpoint["host"])
    if host == "::":
        return "[::]" if socket["v6only"] else "*"
    return f"[{host}]" if ":" in host else host


@pytest.mark.counterpart("ss")
@pytest.mark.skipif(not IS_ROOT, reason="becomes another user, which only root can")
def test_another_user_sees_every_socket_and_its_own_processes(crowd: Network) -> None:
    rows, theirs = by_us(crowd, NOBODY), by_ss(crowd, NOBODY)
    v6only = {(protocol, port) for protocol, host, port, _ in theirs if host == "[::]"}
    assert as_ss_says(rows, v6only) == theirs
    assert 0 < sum(bool(row["pids"]) for row in rows) < len(rows)
    assert all(bool(row["pids"]) == (row["user"] == "nobody") for row in rows), "the user is told in any case"


def test_nothing_of_it_is_seen_outside(crowd: Network) -> None:
    inside = {(row["protocol"], row["address"], row["port"], pids_of(row)) for row in by_us(crowd)}
    outside = json.loads(invoke(["ports", "--all", "--udp", "--json"]).out)
    assert not inside & {(row["protocol"], row["address"], row["port"], pids_of(row)) for row in outside}

"""`homeport doctor --trace` and `--fix` as processes, in namespaces with real rules."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator

import pytest

from tests.netns import Network, network

USER = 4321
pytestmark = pytest.mark.counterpart("nft")


@pytest.fixture
def net() -> Iterator[Network]:
    with network() as made:
        yield made


def load(net: Network, port: int, *rules: str, hook: str = "output", policy: str = "accept") -> str:
    """Rules in a chain of their own; what `nft list ruleset` says of them."""
    body = "\n".join(rules).replace("PORT", str(port))
    chain = f"chain filters {{ type filter hook {hook} priority 0; policy {policy};\n{body}\n}}"
    net.run("nft", "-f", "-", stdin=f"table inet mine {{ {chain}\n}}\n")
    return listed(net)


def listed(net: Network) -> str:
    return net.run("nft", "list", "ruleset").stdout


def test_the_rule_is_named_by_reading_and_by_tracing(net: Network) -> None:
    port, _ = net.listen("127.0.0.1:0")
    before = load(net, port, 'oifname "lo" tcp dport PORT reject with tcp reset')
    for words in ((), ("--trace",)):
        done = net.homeport("doctor", f"127.0.0.1:{port}", *words, "--json")
        assert done.returncode == 2, done.stderr
        (finding,) = json.loads(done.stdout)["walks"][0]["findings"]
        assert finding["code"] == "firewall-rejects"
        assert f'oifname "lo" tcp dport {port} reject with tcp reset' in finding["why"]
        assert listed(net) == before


def test_a_fix_is_shown_and_does_nothing_without_a_yes(net: Network) -> None:
    port, _ = net.listen("127.0.0.1:0")
    before = load(net, port, "tcp dport PORT drop")
    done = net.homeport("doctor", f"127.0.0.1:{port}", "--fix")
    assert done.returncode == 2
    assert f"insert rule inet mine filters oifname lo tcp dport {port} accept" in done.stderr
    assert listed(net) == before


def test_a_fix_opens_the_port_and_its_undo_restores_every_byte(net: Network) -> None:
    port, _ = net.listen("127.0.0.1:0")
    before = load(net, port, "ct state established accept", "tcp dport 1 accept", hook="input", policy="drop")
    done = net.homeport("doctor", f"127.0.0.1:{port}", "--fix", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    fixed = json.loads(done.stdout)["fixed"]
    assert fixed["is_open"]
    assert net.homeport("doctor", f"127.0.0.1:{port}").returncode == 0
    for one in fixed["done"]:
        for words in one["undo"]:
            net.run(*words)
    assert listed(net) == before
    assert net.homeport("doctor", f"127.0.0.1:{port}").returncode == 2


def test_without_root_the_sudo_line_is_told(net: Network) -> None:
    port, _ = net.listen("127.0.0.1:0")
    load(net, port, "tcp dport PORT drop")
    done = net.homeport("doctor", f"127.0.0.1:{port}", user=USER)
    assert done.returncode == 2, done.stderr
    assert f"sudo homeport doctor --trace 127.0.0.1:{port}" in done.stdout
    assert "Traceback" not in done.stderr
    traced = net.homeport("doctor", f"127.0.0.1:{port}", "--trace", user=USER)
    assert traced.returncode == 3
    assert "needs root" in traced.stderr


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGKILL])
def test_tracing_leaves_nothing_behind_however_it_ends(net: Network, by: signal.Signals) -> None:
    import sys

    port, _ = net.listen("127.0.0.1:0")
    before = load(net, port, "tcp dport PORT drop")
    code = (
        "import os, homeport.machine.firewall_trace as t\n"
        "with t._monitor('/usr/sbin/nft'), t._marking('/usr/sbin/nft', 1, 'tcp') as marks:\n"
        "    print(marks, os.getpid(), flush=True)\n"
        "    import time; time.sleep(60)\n"
    )
    child = net.start(sys.executable, "-c", code, stderr=-3)
    assert child.stdout
    marks, pid = child.stdout.readline().split()
    assert marks == "True"
    assert "homeport_trace" in listed(net)
    os.kill(int(pid), by)
    child.wait(10)
    ends = 100
    while listed(net) != before and ends:
        ends -= 1
    assert listed(net) == before

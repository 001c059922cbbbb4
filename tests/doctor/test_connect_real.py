"""The table of what connect() tells, row by row: each situation is built for real in a network namespace of its own."""

from __future__ import annotations

import os

import pytest

from tests.doctor.real import connect, examine
from tests.netns import Network, network

NOBODY = 65534  # may read no rules and no other process


def nft(net: Network, rule: str) -> None:
    net.run("nft", "add", "table", "inet", "walls")
    net.run("nft", "add", "chain", "inet", "walls", "in", "{ type filter hook input priority 0; }")
    net.run("nft", "add", "rule", "inet", "walls", "in", *rule.split())


def test_a_server_that_answers_has_nothing() -> None:
    with network() as net:
        port, _ = net.listen("127.0.0.1:0", "::1:0")
        for place in (str(port), f"127.0.0.1:{port}", f"[::1]:{port}", f"http://localhost:{port}/x", f"0.0.0.0:{port}"):
            verdict = examine(net, place)
            assert (verdict.status, verdict.codes) == (0, []), place
        assert examine(net).codes == []


def test_nobody_listens() -> None:
    with network() as net:
        verdict = examine(net, "127.0.0.1:3999")
        assert (verdict.status, verdict.codes) == (2, ["nobody-listens"])


@pytest.mark.parametrize(
    ("listens", "asked"),
    [("::1", "127.0.0.1"), ("127.0.0.1", "::1"), ("127.0.0.2", "127.0.0.1"), ("127.0.0.2", "localhost")],
)
def test_somebody_listens_elsewhere(listens: str, asked: str) -> None:
    with network() as net:
        port, server = net.listen(f"{listens}:0")
        verdict = examine(net, f"[{asked}]:{port}" if ":" in asked else f"{asked}:{port}")
        assert (verdict.status, verdict.codes) == (2, ["listens-elsewhere"])
        assert f"(pid {server.pid})" in verdict.said("listens-elsewhere")


@pytest.mark.counterpart("nft")
@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("tcp dport PORT reject with icmpx type port-unreachable", "firewall-rejects"),
        ("tcp dport PORT reject with tcp reset", "firewall-rejects"),
        ("tcp dport PORT reject with icmpx type admin-prohibited", "firewall-rejects"),
        ("tcp dport PORT drop", "firewall-drops"),
    ],
)
@pytest.mark.parametrize("user", [None, NOBODY])
def test_nftables(rule: str, code: str, user: int | None) -> None:
    with network() as net:
        port, _ = net.listen("127.0.0.1:0")
        nft(net, rule.replace("PORT", str(port)))
        verdict = examine(net, f"127.0.0.1:{port}", user=as_root_only(user))
        assert (verdict.status, verdict.codes) == (2, [code])


@pytest.mark.counterpart("iptables")
@pytest.mark.parametrize(
    ("jump", "code"),
    [
        ("REJECT --reject-with icmp-port-unreachable", "firewall-rejects"),
        ("REJECT --reject-with tcp-reset", "firewall-rejects"),
        ("REJECT --reject-with icmp-admin-prohibited", "firewall-rejects"),
        ("DROP", "firewall-drops"),
    ],
)
def test_iptables_by_its_behaviour_alone(jump: str, code: str) -> None:
    with network() as net:
        port, _ = net.listen("127.0.0.1:0")
        net.run("iptables", "-A", "INPUT", "-p", "tcp", "--dport", str(port), "-j", *jump.split())
        verdict = examine(net, f"127.0.0.1:{port}", user=as_root_only(NOBODY))
        assert (verdict.status, verdict.codes) == (2, [code])


@pytest.mark.counterpart("nft")
def test_a_rule_for_one_user() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may try as another user")
    with network() as net:
        port, _ = net.listen("127.0.0.1:0")
        net.run("nft", "add", "table", "inet", "walls")
        net.run("nft", "add", "chain", "inet", "walls", "out", "{ type filter hook output priority 0; }")
        net.run("nft", "add", "rule", "inet", "walls", "out", *f"meta skuid 0 tcp dport {port} reject".split())
        verdict = examine(net, f"127.0.0.1:{port}")
        assert (verdict.status, verdict.codes) == (2, ["firewall-rejects-user"])
        assert examine(net, f"127.0.0.1:{port}", user=NOBODY).codes == []


def test_an_app_that_accepts_nothing() -> None:
    with network() as net:
        port, server = net.listen("127.0.0.1:0", answer="", backlog=1)
        connect(net, port, 10, "until-full")
        verdict = examine(net, f"127.0.0.1:{port}")
        assert (verdict.status, verdict.codes) == (2, ["accept-queue-full"])
        assert f"(pid {server.pid})" in verdict.said("accept-queue-full")


@pytest.mark.parametrize("steps", [[], ["up", "down"]])
def test_lo_is_down(steps: list[str]) -> None:
    with network(lo=False) as net:
        for step in steps:
            net.run("ip", "link", "set", "lo", step)
        verdict = examine(net, "127.0.0.1:3999")
        assert (verdict.status, verdict.codes) == (2, ["lo-down"])
        assert "lo-down" in examine(net).codes


def test_lo_has_lost_its_address() -> None:
    with network() as net:
        net.run("ip", "addr", "del", "127.0.0.1/8", "dev", "lo")
        verdict = examine(net, "127.0.0.1:3999")
        assert (verdict.status, verdict.codes) == (2, ["lo-without-address"])
        assert "lo-without-address" in examine(net).codes


def test_two_servers_share_a_port() -> None:
    with network() as net:
        port, four = net.listen("0.0.0.0:0")
        _, six = net.listen(f"::1:{port}")
        verdict = examine(net, f"http://localhost:{port}/")
        assert verdict.status == 2
        assert verdict.codes == ["different-servers", "exposed"]
        assert f"(pid {four.pid})" in verdict.said("different-servers")
        assert f"(pid {six.pid})" in verdict.said("different-servers")


def test_a_server_for_the_whole_network() -> None:
    with network() as net:
        port, _ = net.listen("0.0.0.0:0")
        verdict = examine(net, f"127.0.0.1:{port}")
        assert (verdict.status, verdict.codes) == (1, ["exposed"])


def test_no_port_is_left() -> None:
    with network() as net:
        port, _ = net.listen("127.0.0.1:9000", answer="")
        net.run("sysctl", "-w", "net.ipv4.ip_local_port_range=40000 40003")
        connect(net, port, 4)
        assert examine(net, f"127.0.0.1:{port}").codes == ["ports-exhausted"]


def test_closed_connections_keep_every_port() -> None:
    with network() as net:
        port, _ = net.listen("127.0.0.1:9000")
        net.run("sysctl", "-w", "net.ipv4.ip_local_port_range=40000 40003", "net.ipv4.tcp_tw_reuse=0")
        connect(net, port, 4, "closed")
        assert examine(net, f"127.0.0.1:{port}").codes == ["time-wait-exhausted"]


def as_root_only(user: int | None) -> int | None:
    """An unprivileged test has one user only, and sees no rules of others either."""
    return user if os.geteuid() == 0 else None

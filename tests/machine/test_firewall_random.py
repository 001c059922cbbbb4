"""Random small rule sets of nftables, loaded for real: whenever reading them is certain, a connection agrees."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from homeport.machine.firewall_linux import LinuxFirewall
from homeport.machine.firewall_probe import SILENCE, probe
from homeport.model.endpoint import Endpoint
from tests.netns import Network, network

USER = 4321
WAITS_S = 0.25  # no refusal by ICMP is made here, which would come with the second SYN only

MATCHES = [
    "oifname lo", "oifname != lo", "iifname lo", "iif lo", "oif lo", "iifname != lo", 'oifname "l*"',
    "tcp dport PORT", "tcp dport != PORT", "tcp dport { 1-5, PORT }", "tcp dport < PORT", "tcp dport >= PORT",
    "tcp sport PORT", "tcp dport @closed", "tcp dport != @closed", "udp dport PORT", "th dport PORT",
    "ip daddr 127.0.0.1", "ip daddr 127.0.0.0/8", "ip saddr != 127.0.0.1", "ip6 daddr ::1", "ip6 saddr ::/0",
    "meta nfproto ipv4", "meta l4proto tcp", "meta l4proto != tcp", "ip protocol tcp",
    "meta skuid 0", f"meta skuid {USER}", "meta skuid != 0", f"meta skuid {{ 0, {USER} }}",
    "ct state new", "ct state established,related", "ct state != new", "ct state { new, established }",
    "ct direction original", "tcp flags syn / fin,syn,rst,ack", "tcp flags & (syn | ack) == syn", "tcp flags syn",
    "fib daddr type local", "ip daddr . tcp dport { 127.0.0.1 . PORT }", "meta mark 0x1", "ip ttl 64",
]  # fmt: skip
ENDS = ["accept", "drop", "reject with tcp reset", "return", "jump first", "goto second", "counter", "continue"]
MAPS = [
    "tcp dport vmap { 1-9 : accept, PORT : drop }",
    "tcp dport vmap { PORT : jump first, 5 : goto second }",
    "ct state vmap { new : goto second, established : accept }",
    "meta l4proto vmap { tcp : jump first, udp : drop }",
]
PROTOCOL = "meta l4proto tcp"  # what a refusal by reset asks for
RULES = st.one_of(
    st.builds(
        lambda matches, end: " ".join([*([PROTOCOL] if "reset" in end else []), *matches, end]),
        st.lists(st.sampled_from(MATCHES), max_size=2, unique=True),
        st.sampled_from(ENDS),
    ),
    st.sampled_from(MAPS),
)
BODY = st.lists(RULES, max_size=4)
BASE = st.tuples(
    st.sampled_from(["output", "input", "prerouting", "postrouting"]),
    st.sampled_from([-310, -150, 0, 10]),
    st.sampled_from(["accept", "accept", "drop"]),
    BODY,
)


@pytest.fixture(scope="module")
def place() -> Iterator[tuple[Network, int]]:
    with network() as net, net.entered():
        port, _ = net.listen("127.0.0.1:0", "::1:0")
        yield net, port


@pytest.mark.counterpart("nft")
@settings(
    max_examples=60,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate, Phase.target],
)
@given(
    table=st.sampled_from(["inet mine", "ip mine", "ip6 mine"]),
    bases=st.lists(BASE, min_size=1, max_size=2),
    first=st.lists(st.sampled_from(MATCHES), max_size=2),
    second=st.sampled_from(["drop", "accept", "return", "counter"]),
    host=st.sampled_from(["127.0.0.1", "::1"]),
    uid=st.sampled_from([os.geteuid() if hasattr(os, "geteuid") else 0, USER]),
)
def test_what_is_certain_is_true(
    place: tuple[Network, int],
    table: str,
    bases: list[tuple[str, int, str, list[str]]],
    first: list[str],
    second: str,
    host: str,
    uid: int,
) -> None:
    net, port = place
    text = _text(table, bases, first, second).replace("PORT", str(port))
    net.run("nft", "flush", "ruleset")
    if net.run("nft", "-f", "-", stdin=text, check=False).returncode:
        return  # contradictory: an IPv6 address in a table for IPv4, …
    endpoint = Endpoint(host, port)
    decided = LinuxFirewall(uid=uid).deciding(endpoint)
    assert decided
    if not decided.certain:
        return
    error = probe(endpoint, uid=uid, waits_s=WAITS_S).error
    met = "accept" if error == 0 else "drop" if error == SILENCE else "reject"
    assert met == decided.verdict, f"{text}\n{decided}"


def _text(table: str, bases: list[tuple[str, int, str, list[str]]], first: list[str], second: str) -> str:
    chains = [
        f"chain base{number} {{ type filter hook {hook} priority {priority}; policy {policy};\n"
        + "\n".join(rules)
        + "\n}"
        for number, (hook, priority, policy, rules) in enumerate(bases)
    ]
    return (
        f"table {table} {{\nset closed {{ type inet_service; flags interval; elements = {{ 7-9, PORT }}; }}\n"
        f"chain second {{ {second}\n}}\nchain first {{\n{' '.join(first)} drop\n}}\n" + "\n".join(chains) + "\n}\n"
    )

"""Real firewalls in network namespaces, each looked at in three ways: what a connection meets, what the rules are read
to say, and what tracing names. Then the fix, and its undo, which leaves the rules as they were to the byte.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from homeport.machine.firewall_linux import LinuxFirewall
from homeport.machine.firewall_probe import SILENCE, WAITS_S, probe
from homeport.model.endpoint import Endpoint
from homeport.model.firewall import Deciding, Fix
from tests.netns import Network, network

USER = 4321
OPEN = 0
# Silence that is expected is not waited out: what refuses here besides drops is a reset, which comes at once. A refusal
# by ICMP, which comes with the second SYN only, is expected as what it is and gets the whole time.
SILENT_S = 0.25
LO_ONLY = 'oifname "lo"'


@dataclass(frozen=True)
class Place:
    """A namespace in which something listens on both families."""

    net: Network
    port: int

    def load(self, nft: str) -> None:
        self.net.run("nft", "-f", "-", stdin=nft.replace("PORT", str(self.port)))

    def iptables(self, *rules: str, tool: str = "iptables-nft") -> None:
        for rule in rules:
            self.net.run(tool, *rule.replace("PORT", str(self.port)).split())

    def endpoint(self, host: str = "127.0.0.1") -> Endpoint:
        return Endpoint(host, self.port)

    def rules(self) -> str:
        """Everything, without counters."""
        said = [self.net.run("nft", "-s", "list", "ruleset").stdout]
        said += [self.net.run(f"{name}-legacy-save").stdout for name in ("iptables", "ip6tables")]
        return "\n".join(line for text in said for line in text.splitlines() if not line.startswith(("#", ":")))


@pytest.fixture
def place() -> Iterator[Place]:
    with network() as net, net.entered():
        port, _ = net.listen("127.0.0.1:0", "::1:0")
        yield Place(net, port)


def _connect(endpoint: Endpoint, uid: int | None = None, *, meets: int = OPEN) -> int:
    return probe(endpoint, uid=uid, waits_s=SILENT_S if meets == SILENCE else WAITS_S).error


def _verdict_of(error: int) -> str:
    return "accept" if error == OPEN else "drop" if error == SILENCE else "reject"


NFT = {
    "reject": ("oifname lo tcp dport PORT reject", errno.ECONNREFUSED),
    "tcp-reset": ("oifname lo tcp dport PORT reject with tcp reset", errno.ECONNREFUSED),
    "admin-prohibited": ("tcp dport PORT reject with icmpx admin-prohibited", errno.EHOSTUNREACH),
    "host-unreachable": ("tcp dport PORT counter reject with icmp type host-unreachable", errno.EHOSTUNREACH),
    "drop": ("tcp dport PORT drop", SILENCE),
    "drop-with-log": ('meta oif lo tcp dport PORT log prefix "no " counter drop comment "mine"', SILENCE),
    "set": ("tcp dport @closed drop", SILENCE),
    "range": ("tcp dport { 1-1023, PORT } ip daddr 127.0.0.0/8 drop", SILENCE),
    "vmap": ("tcp dport vmap { 1 : accept, PORT : jump closing }", errno.ECONNREFUSED),
    "map": ("tcp dport vmap @verdicts", SILENCE),
    "jump": ("oifname lo jump closing", errno.ECONNREFUSED),
    "goto": ("meta l4proto tcp goto closing", errno.ECONNREFUSED),
    "return": ("tcp dport PORT return; tcp dport PORT drop", OPEN),
    "accept-first": ("tcp dport PORT accept; tcp dport PORT drop", OPEN),
    "other-family": ("ip6 daddr ::1 tcp dport PORT drop", OPEN),
    "other-port": ("tcp dport != PORT ct state new drop", OPEN),
    "by-state": ("ct state new tcp dport PORT drop", SILENCE),
    "by-flags": ("tcp flags & (syn | ack) == syn tcp dport PORT drop", SILENCE),
    "concatenation": ("ip daddr . tcp dport { 127.0.0.1 . PORT } drop", SILENCE),
    "answers": ("tcp sport PORT drop", SILENCE),
    "only-others": ("tcp dport PORT meta skuid 4321 drop", OPEN),
    "all-but-others": ("tcp dport PORT meta skuid != 4321 reject with tcp reset", errno.ECONNREFUSED),
}


@pytest.mark.counterpart("nft")
@pytest.mark.parametrize(("rule", "meets"), NFT.values(), ids=NFT)
def test_nftables(place: Place, rule: str, meets: int) -> None:
    rules = rule.replace("; ", "\n") + "\n"
    place.load(
        "table inet mine {\n"
        " set closed { type inet_service; flags interval; elements = { 1-5, PORT } }\n"
        " chain closing { tcp dport PORT reject with tcp reset\n }\n"
        " map verdicts { type inet_service : verdict; elements = { 1 : accept, PORT : drop } }\n"
        f" chain out {{ type filter hook output priority 0; policy accept;\n{rules}}}\n}}\n"
    )
    _agree(place, meets)


@pytest.mark.counterpart("nft")
@pytest.mark.parametrize(
    ("rule", "meets"),
    [
        ("tcp dport PORT accept", SILENCE),  # the answer is dropped
        ("tcp dport PORT accept\nct state established accept", OPEN),
        ("ct state established,related accept\ntcp dport PORT reject with tcp reset", errno.ECONNREFUSED),
        ("tcp dport PORT reject with tcp reset", SILENCE),  # the refusal is dropped
        ("ct state related accept\ntcp dport PORT reject with tcp reset", errno.ECONNREFUSED),
        ("ct state established accept\ntcp dport PORT reject with tcp reset", SILENCE),
        ("iifname lo accept", OPEN),
        ("iif != lo accept", SILENCE),
        ("meta skuid 0 accept", SILENCE),  # what arrives has no socket yet
    ],
)
def test_an_input_chain_that_drops_by_policy(place: Place, rule: str, meets: int) -> None:
    place.load(f"table inet mine {{ chain in {{ type filter hook input priority 0; policy drop;\n{rule}\n}}\n}}")
    _agree(place, meets)


@pytest.mark.counterpart("nft")
@pytest.mark.parametrize("hook", ["output", "postrouting", "prerouting", "input"])
def test_every_hook_that_a_local_packet_passes(place: Place, hook: str) -> None:
    place.load(f"table inet mine {{ chain every {{ type filter hook {hook} priority -10;\ntcp dport PORT drop\n}}\n}}")
    _agree(place, SILENCE)


@pytest.mark.counterpart("nft")
def test_a_chain_of_a_device_counts_on_lo_only(place: Place) -> None:
    place.net.run("ip", "link", "add", "other", "type", "veth")
    for device, meets in (("other", OPEN), ("lo", SILENCE)):
        place.load(
            f"table netdev {device} {{ chain in {{ type filter hook ingress device {device} priority 0;\n"
            "tcp dport PORT drop\n}\n}"
        )
        _agree(place, meets)


@pytest.mark.counterpart("nft")
def test_datagrams(place: Place) -> None:
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", place.port))
        place.load("table ip mine { chain out { type filter hook output priority 0;\nudp dport PORT drop\n}\n}")
        firewall = LinuxFirewall(uid=0)
        decided, traced = firewall.deciding(place.endpoint(), "udp"), firewall.trace(place.endpoint(), "udp")
        assert decided
        assert traced
        assert (decided.verdict, decided.rule) == (traced.verdict, traced.rule) == ("drop", traced.rule)
        assert firewall.deciding(place.endpoint()) == Deciding(verdict="accept")
        planned = firewall.fix(place.endpoint(), decided, "udp")
        assert planned
        assert firewall.apply(planned)[0] == ""
        allowed = firewall.deciding(place.endpoint(), "udp")
        assert allowed
        assert allowed.verdict == "accept"


@pytest.mark.counterpart("nft")
def test_an_accept_ends_only_its_own_chain(place: Place) -> None:
    place.load(
        "table inet first { chain out { type filter hook output priority 0;\ntcp dport PORT accept\n}\n}\n"
        "table ip second { chain out { type filter hook output priority 10;\ntcp dport PORT drop\n}\n}"
    )
    decided = _agree(place, SILENCE)
    assert decided.rule
    assert decided.rule.chain == "ip second out"


@pytest.mark.counterpart("nft")
def test_the_other_family_has_rules_of_its_own(place: Place) -> None:
    place.load("table ip6 mine { chain out { type filter hook output priority 0;\ntcp dport PORT drop\n}\n}")
    _agree(place, SILENCE, host="::1")
    assert _connect(place.endpoint()) == OPEN


IPTABLES = {
    "default": ("-A INPUT -i lo -p tcp --dport PORT -j REJECT", errno.ECONNREFUSED),
    "tcp-reset": ("-A OUTPUT -o lo -p tcp --dport PORT -j REJECT --reject-with tcp-reset", errno.ECONNREFUSED),
    "admin": ("-A OUTPUT -p tcp --dport PORT -j REJECT --reject-with icmp-admin-prohibited", errno.EHOSTUNREACH),
    "drop": ("-A INPUT -p tcp -m multiport --dports 1,PORT -m comment --comment no-!-j -j DROP", SILENCE),
    "negated": ("-A INPUT ! -i eth0 -p tcp ! --dport 1:9 --syn -d 127.0.0.0/8 -j DROP", SILENCE),
    "mangle": ("-t mangle -A PREROUTING -i lo -p tcp --dport PORT -j DROP", SILENCE),
    "owner": ("-A OUTPUT -p tcp --dport PORT -m owner --uid-owner 4321 -j DROP", OPEN),
    "by-state": ("-A INPUT -m conntrack --ctstate NEW -p tcp --dport PORT -j DROP", SILENCE),
    "policy": ("-P INPUT DROP", SILENCE),
}


@pytest.mark.counterpart("iptables", "nft")
@pytest.mark.parametrize("variant", ["nft", "legacy"])
@pytest.mark.parametrize(("rule", "meets"), IPTABLES.values(), ids=IPTABLES)
def test_iptables(place: Place, variant: str, rule: str, meets: int) -> None:
    place.iptables(rule, tool=f"iptables-{variant}")
    decided = _agree(place, meets)
    if decided.is_blocked:
        assert decided.tool == ("iptables" if variant == "nft" else "iptables-legacy")


@pytest.mark.counterpart("iptables", "nft")
@pytest.mark.parametrize("variant", ["nft", "legacy"])
def test_chains_of_iptables(place: Place, variant: str) -> None:
    place.iptables(
        "-N MINE", "-N NEXT", "-A OUTPUT -o lo -j MINE", "-A MINE -p udp -j RETURN", "-A MINE -p tcp -g NEXT",
        "-A MINE -p udp -j DROP", "-A NEXT -p tcp --dport PORT -j REJECT", tool=f"iptables-{variant}",
    )  # fmt: skip
    decided = _agree(place, errno.ECONNREFUSED)
    assert decided.rule
    assert (decided.rule.chain, decided.chain) == ("filter NEXT", "filter OUTPUT")


@pytest.mark.counterpart("iptables", "nft")
@pytest.mark.parametrize("variant", ["nft", "legacy"])
def test_ip6tables(place: Place, variant: str) -> None:
    place.iptables("-A INPUT -i lo -p tcp --dport PORT -j REJECT", tool=f"ip6tables-{variant}")
    _agree(place, errno.ECONNREFUSED, host="::1")


@pytest.mark.counterpart("iptables", "nft")
def test_legacy_and_nftables_both_count(place: Place) -> None:
    place.load("table inet mine { chain out { type filter hook output priority 0;\ntcp dport PORT accept\n}\n}")
    place.iptables("-A OUTPUT -o lo -p tcp --dport PORT -j DROP", tool="iptables-legacy")
    assert _agree(place, SILENCE).tool == "iptables-legacy"


@pytest.mark.counterpart("nft")
def test_a_rule_about_a_user(place: Place) -> None:
    place.load(
        "table inet mine { chain out { type filter hook output priority 0;\n"
        f"tcp dport PORT meta skuid {USER} reject with tcp reset\n}}\n}}"
    )
    assert _agree(place, OPEN).verdict == "accept"
    assert _agree(place, errno.ECONNREFUSED, uid=USER).rule


@pytest.mark.counterpart("nft")
@pytest.mark.parametrize(
    "rule",
    [
        "tcp dport PORT meta mark 0x1 drop",
        "tcp dport PORT limit rate over 1/hour drop",
        "tcp dport != PORT tcp sport != PORT drop",
        "tcp dport PORT quota over 1 mbytes drop",
    ],
)
def test_what_is_not_known_is_not_certain(place: Place, rule: str) -> None:
    place.load(f"table inet mine {{ chain out {{ type filter hook output priority 0;\n{rule}\n}}\n}}")
    decided = LinuxFirewall(uid=0).deciding(place.endpoint())
    assert decided
    assert not decided.certain
    assert decided.why


@pytest.mark.counterpart("nft", "iptables")
def test_nothing_decides_where_there_are_no_rules(place: Place) -> None:
    firewall = LinuxFirewall(uid=0)
    assert firewall.deciding(place.endpoint()) == Deciding(verdict="accept")
    states = {state.tool: state.state for state in firewall.states()}
    assert states["nftables"] == states["iptables"] == states["iptables-legacy"] == "inactive"
    assert place.rules().strip() == ""  # asking makes no tables


def test_without_root_it_is_unknown_and_says_why(place: Place) -> None:
    place.load("table inet mine { chain out { type filter hook output priority 0;\ntcp dport PORT drop\n}\n}")
    code = (
        "from homeport.machine.firewall_linux import LinuxFirewall as F; from homeport.model.endpoint import Endpoint;"
        "f = F(); e = Endpoint('127.0.0.1', 1); print(f.deciding(e), f.trace(e), [s.why for s in f.states() if"
        " s.tool in ('nftables', 'iptables')])"
    )
    import sys

    said = place.net.run(sys.executable, "-c", code, user=USER).stdout
    assert said.strip() == "None None ['only root may read the rules', 'only root may read the rules']"


def _agree(place: Place, meets: int, *, host: str = "127.0.0.1", uid: int | None = None) -> Deciding:
    """The three ways say the same, tracing leaves nothing behind, and a fix opens the port and is taken back."""
    endpoint = place.endpoint(host)
    firewall = LinuxFirewall(uid=os.geteuid() if uid is None else uid)
    assert _connect(endpoint, uid, meets=meets) == meets
    read = firewall.deciding(endpoint)
    assert read
    assert (read.verdict, read.certain) == (_verdict_of(meets), True), read
    before = place.rules()
    traced = firewall.trace(endpoint)
    assert place.rules() == before
    assert traced
    assert traced.is_blocked == read.is_blocked, traced
    if read.is_blocked:
        assert (traced.rule, traced.tool) == (read.rule, read.tool)
        _fix(place, firewall, endpoint, read, uid)
    return read


def _fix(place: Place, firewall: LinuxFirewall, endpoint: Endpoint, decided: Deciding, uid: int | None) -> None:
    before = place.rules()
    done: list[Fix] = []
    found: Deciding | None = decided
    while found and found.is_blocked:
        assert len(done) < 4, found
        planned = firewall.fix(endpoint, found)
        assert planned
        complaint, applied = firewall.apply(planned)
        assert complaint == ""
        done.append(applied)
        found = firewall.deciding(endpoint)
    assert _connect(endpoint, uid) == OPEN
    assert place.rules() != before
    for one in reversed(done):
        assert firewall.undo(one) == ""
    assert place.rules() == before

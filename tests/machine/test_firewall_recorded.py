"""What each tool prints, as recorded in tests/machine/firewall/, and what is made of it. Nothing is run.

nft, iptables and ufw were recorded in a namespace of Debian 12; the others are written after their manuals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.machine import (
    firewall_firewalld,
    firewall_iptables,
    firewall_nft,
    firewall_nft_trace,
    firewall_pf,
    firewall_ufw,
    firewall_windows,
)
from homeport.machine.firewall_exchange import decide
from homeport.machine.firewall_linux import LinuxFirewall
from homeport.machine.firewall_macos import MacFirewall, parse_application
from homeport.machine.firewall_run import ABSENT, Output
from homeport.machine.firewall_windows import WindowsFirewall
from homeport.model.endpoint import Endpoint
from homeport.model.firewall import Deciding, FirewallState

RECORDED = Path(__file__).parent / "firewall"
EPHEMERAL = (32768, 60999)


def recorded(name: str) -> str:
    return (RECORDED / name).read_text()


class Told:
    """Answers as tools do: the first entry whose words begin the command."""

    def __init__(self, answers: Mapping[str, Output | str]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, ...]] = []

    def __call__(self, words: Sequence[str], stdin: str = "") -> Output:
        self.asked.append(tuple(words))
        command = " ".join(words)
        for begin, answer in self.answers.items():
            if command.startswith(begin):
                return Output(0, answer, "") if isinstance(answer, str) else answer
        return ABSENT


def test_nft_knows_every_rule_by_the_text_that_nft_prints() -> None:
    texts = firewall_nft.texts_of(recorded("nft.txt"))
    rules = firewall_nft.parse(recorded("nft.json"), texts)
    assert rules.skips_conntrack
    assert firewall_nft.count_rules(recorded("nft.json")) == sum(handle > 0 for _, _, handle in texts) == 41
    every = [line.rule for lines in rules.chains.values() for line in lines]
    assert all(not rule.text.startswith("rule with") for rule in every)
    assert {rule.reject_with for rule in every} == {
        "",
        "tcp reset",
        "icmpx admin-prohibited",
        "icmpx port-unreachable",
        "icmp host-unreachable",
    }
    assert rules.doubts == []
    assert [base.hook for base in rules.bases if base.table == "netdev nd"] == ["ingress"]
    without = firewall_nft.parse(recorded("nft.json"))
    assert without.doubts == ["netdev nd ing may be on lo or not"]  # nft 1.0.6 does not print the device in JSON


@pytest.mark.parametrize("variant", ["nft", "legacy"])
@pytest.mark.parametrize(
    ("port", "uid", "verdict", "text"),
    [
        (80, 0, "reject", "--dports 80,443,8000:8010"),
        (8005, 0, "reject", "--dports 80,443,8000:8010"),
        (8011, 0, "accept", ""),
        (3000, 1003, "reject", "--uid-owner 1000-1005"),
        (3000, 1006, "accept", ""),
        (4000, 0, "reject", "icmp-admin-prohibited"),
        (81, 0, "unknown", "REDIRECT"),
    ],
)
def test_iptables(variant: str, port: int, uid: int, verdict: str, text: str) -> None:
    tool = "iptables" if variant == "nft" else "iptables-legacy"
    rules = firewall_iptables.parse(recorded(f"iptables-{variant}.txt"), tool, "ip")  # type: ignore[arg-type]
    decided = decide(rules, "127.0.0.1", port, "tcp", uid, EPHEMERAL)
    assert decided.verdict == verdict
    assert text in (decided.rule.text if decided.rule else "")
    assert decided.certain == (verdict != "unknown")


def test_counters_of_iptables_are_those_of_its_rules() -> None:
    counts = firewall_iptables.counts(recorded("iptables-legacy-counters.txt"))
    assert counts[("filter", "GUARD", 4)] == 0
    assert ("filter", "GUARD", 5) not in counts
    assert ("filter", "INPUT", 0) in counts
    assert ("nat", "OUTPUT", 1) in counts


def test_ufw_never_blocks_loopback_by_its_user_rules() -> None:
    rules = firewall_iptables.parse(recorded("ufw-iptables.txt"), "iptables", "ip")
    for port in (8000, 8001, 22, 9999):
        decided = decide(rules, "127.0.0.1", port, "tcp", 0, EPHEMERAL)
        assert (decided.verdict, decided.certain) == ("accept", True)
    without = recorded("ufw-iptables.txt").replace("-A ufw-before-input -i lo -j ACCEPT\n", "")
    rules = firewall_iptables.parse(without, "iptables", "ip")
    for port, verdict in ((8000, "drop"), (8001, "reject"), (3000, "accept")):
        decided = decide(rules, "127.0.0.1", port, "tcp", 0, EPHEMERAL)
        assert (decided.verdict, decided.certain) == (verdict, True), decided
    decided = decide(rules, "127.0.0.1", 9999, "tcp", 0, EPHEMERAL)
    assert (decided.verdict, decided.rule, decided.chain) == ("drop", None, "filter INPUT")


def test_the_state_of_ufw() -> None:
    found = firewall_ufw.parse(recorded("ufw-status.txt"))
    assert (found.state, found.rules) == ("active", 10)
    assert found.policy == "deny (incoming), allow (outgoing), disabled (routed)"
    assert "Docker" in found.why
    assert firewall_ufw.parse(recorded("ufw-inactive.txt")).state == "inactive"
    by_files = firewall_ufw.parse_files(recorded("ufw.conf"), recorded("ufw-user.rules"))
    assert (by_files.state, by_files.rules) == ("active", 5)
    assert firewall_ufw.parse_files("", "").state == "unknown"


def test_the_state_of_firewalld() -> None:
    found = firewall_firewalld.parse(recorded("firewalld-list-all.txt"))
    assert found == FirewallState(tool="firewalld", state="active", rules=6, policy="zone public: default")
    assert firewall_firewalld.state(Told({"firewall-cmd --state": Output(252, "", "not running")})).state == "inactive"
    assert firewall_firewalld.state(Told({})).state == "absent"


def test_the_trace_of_nft() -> None:
    lines = recorded("nft-trace.txt").splitlines()
    steps = firewall_nft_trace.parse(lines)
    last = [packet[-1] for packet in steps.values()]
    assert [(one.chain, one.verdict) for one in last] == [
        ("sub", "drop"), ("o", "accept"), ("i", "accept"), ("o", "accept"), ("i", "drop"),
    ]  # fmt: skip
    assert last[0].text.endswith("reject with tcp reset")
    assert last[-1].text == ""  # a policy
    client_port = 42326
    assert firewall_nft_trace.packets_of(lines, client_port) == {next(iter(steps)): "request"}
    raw = 'trace id 1 netdev lo in packet: iif "lo" @th,0,160 0x500bb8117973b600000000a002ffd7fe300000 '
    assert firewall_nft_trace.packets_of([raw], 0x50) == firewall_nft_trace.packets_of([raw], 80) == {"1": "request"}
    assert firewall_nft_trace.packets_of([raw], 3000) == {"1": "answer"}


PF = {
    "pfctl -a * -sr": "pf-rules.txt",
    "pfctl -s info": "pf-info.txt",
    "pfctl -v -s Interfaces": "",
    "socketfilterfw --getglobalstate": "socketfilterfw-state.txt",
    "socketfilterfw --listapps": "socketfilterfw-apps.txt",
}


def mac(other: Mapping[str, Output | str] | None = None) -> MacFirewall:
    return MacFirewall(Told({**{words: recorded(name) if name else "" for words, name in PF.items()}, **(other or {})}))


@pytest.mark.parametrize(
    ("host", "port", "verdict", "is_certain"),
    [
        ("127.0.0.1", 22, "accept", True),  # on another interface
        ("127.0.0.1", 3000, "reject", True),
        ("127.0.0.1", 8005, "drop", True),
        ("::1", 8005, "accept", True),
        ("127.0.0.1", 4000, "accept", True),  # the last that matches, and it is quick
        ("127.0.0.1", 6000, "drop", False),  # what is in a table is not known
        ("127.0.0.1", 7000, "accept", True),
        ("::1", 9001, "drop", True),
        ("::1", 8999, "accept", True),
    ],
)
def test_pf(host: str, port: int, verdict: str, is_certain: bool) -> None:
    decided = mac().deciding(Endpoint(host, port), uid=0)
    assert decided
    assert (decided.verdict, decided.certain) == (verdict, is_certain), decided


def test_pf_has_rules_for_users_and_may_skip_loopback() -> None:
    decided = mac().deciding(Endpoint("127.0.0.1", 5000), uid=501)
    assert decided
    assert decided.rule
    assert (decided.verdict, decided.rule.reject_with) == ("reject", "return-rst")
    assert mac().deciding(Endpoint("127.0.0.1", 5000), uid=502) == Deciding(verdict="accept")
    skips = mac({"pfctl -v -s Interfaces": recorded("pf-interfaces.txt")})
    assert skips.deciding(Endpoint("127.0.0.1", 3000)) == Deciding(verdict="accept")


def test_a_fix_of_pf_goes_into_an_anchor_of_its_own() -> None:
    firewall = mac()
    decided = firewall.deciding(Endpoint("127.0.0.1", 3000))
    assert decided
    planned = firewall.fix(Endpoint("127.0.0.1", 3000), decided)
    assert planned
    assert planned.commands == (("pfctl", "-a", "com.apple/homeport.3000", "-f", "-"),)
    assert planned.stdin == "pass quick on lo0 proto tcp from any to any port 3000\n"
    assert planned.undo == (("pfctl", "-a", "com.apple/homeport.3000", "-F", "rules"),)


def test_the_firewalls_of_macos_with_and_without_root() -> None:
    pf, application = mac().states()
    assert (pf.state, pf.rules) == ("active", 10)
    assert (application.state, application.rules) == ("active", 3)
    refused = Output(1, "", "pfctl: /dev/pf: Permission denied")
    hidden = MacFirewall(Told({"pfctl": refused}))
    assert hidden.deciding(Endpoint("127.0.0.1", 1)) is None
    assert [(state.state, state.why) for state in hidden.states()] == [
        ("unknown", "only root may read the rules"),
        ("absent", "not installed"),
    ]
    assert parse_application("Firewall is disabled. (State = 0)", "").state == "inactive"


def windows() -> WindowsFirewall:
    return WindowsFirewall(
        Told({"netsh": recorded("netsh-profiles.txt"), "powershell": recorded("powershell-rules.json")})
    )


def test_windows() -> None:
    (state,) = windows().states()
    assert (state.state, state.policy) == ("active", "BlockInbound,AllowOutbound")
    assert "Domain, Public" in state.why
    on_loopback = windows().deciding(Endpoint("127.0.0.1", 3000))
    assert on_loopback
    assert (on_loopback.verdict, on_loopback.certain) == ("accept", False)


@pytest.mark.parametrize(
    ("port", "protocol", "verdict", "name"),
    [(3000, "tcp", "drop", "No dev servers"), (8005, "tcp", "drop", "No dev servers"),
     (9000, "tcp", "accept", "Node.js"), (53, "udp", "accept", "DNS"), (54, "udp", "drop", "")],
)  # fmt: skip
def test_windows_rules(port: int, protocol: str, verdict: str, name: str) -> None:
    rules = firewall_windows.parse_rules(recorded("powershell-rules.json"))
    decided = firewall_windows.decide(rules, port, protocol)
    assert (decided.verdict, decided.certain) == (verdict, False)
    assert name in (decided.rule.text if decided.rule else "")
    fixed = windows().fix(Endpoint("192.168.1.4", port), decided)
    assert (fixed is None) == (decided.rule is not None or verdict == "accept")


def test_linux_without_any_tool() -> None:
    firewall = LinuxFirewall(Told({}), finds=lambda program: None, uid=0)
    assert {state.state for state in firewall.states()} == {"absent"}
    decided = firewall.deciding(Endpoint("127.0.0.1", 80))
    assert decided
    assert (decided.verdict, decided.certain) == ("accept", False)


@given(st.text(max_size=200))
def test_garbage_is_a_doubt_and_never_an_exception(text: str) -> None:
    firewall_nft.parse(text)
    firewall_nft.texts_of(text)
    firewall_nft_trace.parse([text])
    firewall_iptables.parse(f"*filter\n:INPUT ACCEPT [0:0]\n-A INPUT {text}\n", "iptables", "ip")
    firewall_iptables.counts(text)
    firewall_ufw.parse(text)
    firewall_firewalld.parse(text)
    firewall_pf.parse_state(text)
    firewall_pf.parse(f"block {text}\npass {text}")
    firewall_windows.parse_profiles(text)
    firewall_windows.decide(firewall_windows.parse_rules(text), 80, "tcp")
    parse_application(text, text)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 70000) | st.sampled_from(["tcp", "dport", "lo", "@s", "drop", "*"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "match",
                    "left",
                    "right",
                    "op",
                    "meta",
                    "key",
                    "payload",
                    "protocol",
                    "field",
                    "set",
                    "vmap",
                    "data",
                    "drop",
                    "reject",
                    "jump",
                    "target",
                    "range",
                    "prefix",
                    "concat",
                    "&",
                    "elem",
                    "val",
                    "ct",
                    "limit",
                ]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(st.lists(_JSON, max_size=4))
def test_strange_statements_of_nft_are_not_understood_and_nothing_worse(statements: list[object]) -> None:
    import msgspec

    place = {"family": "inet", "table": "t"}
    chain = {"chain": {**place, "name": "c", "hook": "output", "prio": 0, "policy": "accept"}}
    rule = {"rule": {**place, "chain": "c", "handle": 1, "expr": statements}}
    rules = firewall_nft.parse(msgspec.json.encode({"nftables": [chain, rule]}).decode())
    decide(rules, "127.0.0.1", 80, "tcp", 0, EPHEMERAL)

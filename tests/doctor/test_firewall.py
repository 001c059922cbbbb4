"""The sentences about firewalls: behaviour alone, and with the rule that decides."""

from __future__ import annotations

import pytest

from homeport.doctor.checks.firewall import explain_docker_past_ufw, explain_firewall
from homeport.doctor.facts import Outcome, Reach
from homeport.model.endpoint import Endpoint
from homeport.model.firewall import Deciding, FirewallState, Rule

WEB = Endpoint("127.0.0.1", 3000)
DROP = Rule(tool="nftables", chain="inet mine out", text="tcp dport 3000 drop", verdict="drop", handle="7")
UFW = FirewallState(tool="ufw", state="active")


def reached(outcome: Outcome, error: str = "") -> Reach:
    return Reach(endpoint=WEB, outcome=outcome, error=error)


def blocked(rule: Rule | None = DROP, **known: object) -> Deciding:
    return Deciding(verdict="drop", rule=rule, tool="nftables", chain="inet mine out", **known)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("outcome", "listens", "code"),
    [
        ("connected", True, None),
        ("refused", False, None),
        ("refused", True, "firewall-rejects"),
        ("unreachable", False, "firewall-rejects"),
        ("forbidden", True, "firewall-rejects"),
        ("timeout", True, "firewall-drops"),
        ("timeout", False, "firewall-drops"),
        ("exhausted", True, None),
        ("no-address", False, None),
    ],
)
def test_by_behaviour_alone(outcome: Outcome, listens: bool, code: str | None) -> None:
    found = explain_firewall(reached(outcome), listens, None, [UFW])
    assert (found.code if found else None) == code
    if found:
        assert "Active here: ufw." in found.why
        assert found.next == "sudo homeport doctor --trace 127.0.0.1:3000"


def test_a_rule_that_was_read_is_named_and_fixed() -> None:
    found = explain_firewall(reached("timeout"), True, blocked())
    assert found
    assert found.what == "a firewall drops connections to 127.0.0.1:3000"
    assert found.why.startswith("It is this rule of nftables in inet mine out: tcp dport 3000 drop.")
    assert found.next == "sudo homeport doctor --fix 127.0.0.1:3000"


def test_a_rule_that_was_traced_is_said_to_be() -> None:
    found = explain_firewall(reached("timeout"), True, blocked(how="traced"))
    assert found
    assert found.why.startswith("Tracing a connection showed that it is this rule of nftables")


def test_a_rule_in_doubt_is_traced_first() -> None:
    found = explain_firewall(reached("timeout"), True, blocked(certain=False, why="a mark"))
    assert found
    assert "probably this rule" in found.why
    assert "--trace" in found.next


def test_a_policy_and_an_answer_are_told() -> None:
    policy = explain_firewall(reached("timeout"), True, blocked(rule=None))
    assert policy
    assert policy.why.startswith("No rule of nftables allows it, and the policy of inet mine out drops it.")
    answer = explain_firewall(reached("timeout"), True, blocked(packet="answer"))
    assert answer
    assert "It stops the answer, not the request." in answer.why


def test_rules_about_users() -> None:
    by_works = explain_firewall(reached("refused"), True, None, (), "ann")
    assert by_works
    assert (by_works.code, by_works.what) == (
        "firewall-rejects-user",
        "a firewall keeps this user from 127.0.0.1:3000; ann reaches it",
    )
    rule = Rule(tool="iptables", chain="filter OUTPUT", text="-A OUTPUT -m owner --uid-owner 4 -j DROP", verdict="drop")
    by_rule = explain_firewall(reached("timeout"), True, blocked(rule))
    assert by_rule
    assert by_rule.code == "firewall-rejects-user"


def test_rules_that_let_it_pass_are_not_blamed() -> None:
    found = explain_firewall(reached("timeout"), True, Deciding(verdict="accept"), [UFW])
    assert found
    assert "No rule that can be read does this" in found.why
    assert "--trace" in found.next


def test_other_computers_are_not_our_matter() -> None:
    assert explain_firewall(Reach(endpoint=Endpoint("10.0.0.1", 80), outcome="timeout"), False, None) is None


def test_docker_passes_ufw() -> None:
    found = explain_docker_past_ufw("0.0.0.0:8000", [UFW], is_docker=True)
    assert found
    assert (found.code, found.level) == ("docker-past-ufw", "note")
    assert found.next.endswith("-p 127.0.0.1:8000:8000")
    assert explain_docker_past_ufw("0.0.0.0:8000", [UFW], is_docker=False) is None
    inactive = FirewallState(tool="ufw", state="inactive")
    assert explain_docker_past_ufw("0.0.0.0:8000", [inactive], is_docker=True) is None

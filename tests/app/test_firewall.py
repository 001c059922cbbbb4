"""Letting a port through: asked first, tried afterwards, taken back when it does not help. On the fake firewall."""

from __future__ import annotations

import pytest

from homeport.app.firewall import fix, plan, traced
from homeport.machine.firewall_fake import FakeFirewall
from homeport.model.endpoint import Endpoint
from homeport.model.errors import HomeportError
from homeport.model.firewall import Deciding, Fix, Rule

WEB = Endpoint("127.0.0.1", 3000)
RULE = Rule(tool="nftables", chain="inet mine out", text="tcp dport 3000 drop", verdict="drop")


@pytest.fixture
def firewall() -> FakeFirewall:
    made = FakeFirewall()
    made.block(RULE, 3000)
    return made


class Asked:
    """Says yes (or no), and remembers what was asked."""

    def __init__(self, answer: bool = True) -> None:
        self.answer = answer
        self.questions: list[tuple[Deciding, Fix]] = []

    def __call__(self, deciding: Deciding, planned: Fix) -> bool:
        self.questions.append((deciding, planned))
        return self.answer


def test_a_port_is_opened_and_the_undo_is_told(firewall: FakeFirewall) -> None:
    asked = Asked()
    fixed = fix(firewall, WEB, asked, lambda at: not firewall.blocked, is_root=True)
    assert (fixed.is_open, fixed.undo) == (True, (("forbid", "3000"),))
    assert firewall.ran == [("allow", "3000")]
    assert asked.questions[0][0].rule == RULE


def test_a_no_changes_nothing(firewall: FakeFirewall) -> None:
    fixed = fix(firewall, WEB, Asked(False), lambda at: False, is_root=True)
    assert (fixed.is_open, fixed.problem, firewall.ran) == (False, "nothing was changed", [])


def test_what_is_reached_is_left_alone(firewall: FakeFirewall) -> None:
    asked = Asked()
    assert fix(firewall, WEB, asked, lambda at: True, is_root=True).is_open
    assert (asked.questions, firewall.ran) == ([], [])


def test_without_root_the_commands_are_shown_and_the_sudo_line_follows(firewall: FakeFirewall) -> None:
    asked = Asked()
    with pytest.raises(HomeportError) as caught:
        fix(firewall, WEB, asked, lambda at: False, is_root=False)
    assert (caught.value.code, caught.value.hint) == ("needs-root", "sudo homeport doctor --fix 127.0.0.1:3000")
    assert len(asked.questions) == 1
    assert firewall.ran == []


def test_rules_that_may_not_be_read_cannot_be_fixed() -> None:
    firewall = FakeFirewall(readable=False)
    assert plan(firewall, WEB) == (None, None)
    fixed = fix(firewall, WEB, Asked(), lambda at: False, is_root=False)
    assert fixed.problem == "the rules may be read by root only"


def test_what_no_rule_blocks_is_said_so() -> None:
    fixed = fix(FakeFirewall(), WEB, Asked(), lambda at: False, is_root=True)
    assert fixed.problem == "no rule of a firewall blocks 127.0.0.1:3000"


def test_a_complaint_of_the_tool_is_told(firewall: FakeFirewall) -> None:
    firewall.complaint = "Operation not permitted"
    fixed = fix(firewall, WEB, Asked(), lambda at: False, is_root=True)
    assert fixed.problem == "allow did not do it: Operation not permitted"


def test_a_fix_that_does_not_help_is_taken_back(firewall: FakeFirewall) -> None:
    fixed = fix(firewall, WEB, Asked(), lambda at: False, is_root=True)
    assert not fixed.is_open
    assert firewall.ran == [("allow", "3000"), ("forbid", "3000")]
    assert firewall.blocked
    assert fixed.done == ()


def test_ctrl_c_in_the_middle_takes_back_what_was_done(firewall: FakeFirewall) -> None:
    def interrupted(at: Endpoint) -> bool:
        if firewall.ran:
            raise KeyboardInterrupt
        return False

    with pytest.raises(KeyboardInterrupt):
        fix(firewall, WEB, Asked(), interrupted, is_root=True)
    assert firewall.ran[-1] == ("forbid", "3000")


def test_tracing_needs_root(firewall: FakeFirewall) -> None:
    with pytest.raises(HomeportError, match="needs root") as caught:
        traced(firewall, WEB, is_root=False)
    assert caught.value.hint == "sudo homeport doctor --trace 127.0.0.1:3000"
    assert traced(firewall, WEB, is_root=True).how == "traced"
    with pytest.raises(HomeportError, match="cannot trace"):
        traced(FakeFirewall(readable=False), WEB, is_root=True)

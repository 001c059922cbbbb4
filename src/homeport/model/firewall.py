"""What is known about the firewalls of a computer: which run, which rule decides about a port, how to let it through.

Nothing here reads or changes a rule. "Not known, because ..." is a value: state "unknown" with `why`, `certain` False.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Tool = Literal[
    "nftables",
    "iptables",
    "iptables-legacy",
    "ip6tables",
    "ip6tables-legacy",
    "ufw",
    "firewalld",
    "pf",
    "macos-application-firewall",
    "windows-firewall",
]
Verdict = Literal["accept", "drop", "reject", "unknown"]
Activity = Literal["active", "inactive", "absent", "unknown"]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule as its tool shows it. `chain` is its place in the tool's own words (`inet filter input`, `INPUT`)."""

    tool: Tool
    chain: str
    text: str
    verdict: Verdict = "unknown"
    handle: str = ""  # what its tool calls it by: an nft handle, a number in its chain, a name
    family: str = ""
    reject_with: str = ""  # "tcp reset", "icmp port-unreachable", …

    def __str__(self) -> str:
        return f"{self.text} ({self.tool}, {self.chain})" if self.chain else f"{self.text} ({self.tool})"


class FirewallState(msgspec.Struct, frozen=True, kw_only=True):
    """One firewall of this computer. `why` says why it is unknown, or adds what its user should know."""

    tool: Tool
    state: Activity
    why: str = ""
    rules: int = 0
    policy: str = ""  # what happens to what no rule names, in the tool's words


class Deciding(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to a local connection, and by which rule. No rule: nothing decides, or the policy of `chain`."""

    verdict: Verdict
    rule: Rule | None = None
    tool: Tool | None = None  # whose rule or policy it is
    chain: str = ""  # the chain that the kernel called, which may have led to the rule's own
    hook: str = ""  # when: "output", "input", …
    certain: bool = True  # False: something in the rules was not understood, or depends on what is not known
    how: Literal["read", "traced"] = "read"
    packet: Literal["request", "answer"] = "request"  # an answer that is dropped looks like a dropped request
    why: str = ""  # why it is not certain

    @property
    def is_blocked(self) -> bool:
        return self.verdict in ("drop", "reject")


class Fix(msgspec.Struct, frozen=True, kw_only=True):
    """Commands that allow one port on loopback only, and those that take it back, each a list of words."""

    tool: Tool
    commands: tuple[tuple[str, ...], ...]
    undo: tuple[tuple[str, ...], ...]
    needs_root: bool = True
    why: str = ""  # what it does, or what stays as it is
    stdin: str = ""  # what its commands read
    # nftables deletes a rule by its handle, which is known once it is added: until then the undo says HANDLE.


HANDLE = "HANDLE"

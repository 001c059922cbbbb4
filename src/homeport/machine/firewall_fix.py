"""The commands that let one port through netfilter on loopback only, and their undo. Carrying them out is one function.

A rule is added in front of the chain that blocks; no rule of the user's is changed or removed.
"""

from __future__ import annotations

import re

import msgspec

from homeport.machine.firewall_run import Run
from homeport.model.endpoint import Endpoint
from homeport.model.firewall import HANDLE, Deciding, Fix

_OUTWARD = ("output", "postrouting", "egress")


def netfilter_fix(endpoint: Endpoint, deciding: Deciding, protocol: str, *, ufw_runs: bool) -> Fix | None:
    """None where nothing blocks, or where what blocks is not known."""
    if not deciding.is_blocked or deciding.tool is None or not deciding.chain or endpoint.is_unix:
        return None
    port = ("sport" if deciding.packet == "answer" else "dport", str(endpoint.port))
    if deciding.tool == "nftables":
        return _firewalld(endpoint, protocol) if " firewalld " in deciding.chain else _nft(deciding, protocol, port)
    if ufw_runs and _is_for_ufw(deciding):
        return _ufw(deciding, protocol, port)
    return _iptables(deciding, protocol, port)


def _nft(deciding: Deciding, protocol: str, port: tuple[str, str]) -> Fix:
    family, table, chain = deciding.chain.split(" ", 2)
    place = ("rule", family, table, chain)
    interface = "oifname" if deciding.hook in _OUTWARD else "iifname"
    rule = (interface, "lo", protocol, *port, "accept")
    return Fix(
        tool="nftables",
        commands=(("nft", "--echo", "--handle", "insert", *place, *rule),),
        undo=(("nft", "delete", *place, "handle", HANDLE),),
        why=f"lets {protocol} port {port[1]} through {deciding.chain} on lo until the rules are loaded again",
    )


def _iptables(deciding: Deciding, protocol: str, port: tuple[str, str]) -> Fix:
    table, chain = deciding.chain.split(" ", 1)
    interface = "-o" if deciding.hook in _OUTWARD else "-i"
    program = str(deciding.tool)
    on_table = () if table == "filter" else ("-t", table)
    rule = (chain, interface, "lo", "-p", protocol, f"--{port[0]}", port[1], "-j", "ACCEPT")
    return Fix(
        tool=deciding.tool or "iptables",
        commands=((program, *on_table, "-I", *rule),),
        undo=((program, *on_table, "-D", *rule),),
        why=f"lets {protocol} port {port[1]} through {chain} on lo until the rules are loaded again",
    )


def _is_for_ufw(deciding: Deciding) -> bool:
    """Its user rules come after its before.rules and ahead of its policy: what those refuse, it cannot allow."""
    rule = deciding.rule
    if deciding.hook not in ("input", "output"):
        return False
    return rule is None or bool(re.search(r" ufw6?-(user|after|skip|reject|track)", rule.chain))


def _ufw(deciding: Deciding, protocol: str, port: tuple[str, str]) -> Fix:
    side = ("out" if deciding.hook == "output" else "in", "on", "lo")
    ends = ("from", "any", "port", port[1]) if port[0] == "sport" else ("to", "any", "port", port[1])
    rule = ("allow", *side, *ends, "proto", protocol)
    return Fix(
        tool="ufw",
        commands=(("ufw", "prepend", *rule),),
        undo=(("ufw", "delete", *rule),),
        why=f"lets {protocol} port {port[1]} through on lo, also after a restart",
    )


def _firewalld(endpoint: Endpoint, protocol: str) -> Fix:
    family, net = ("ipv6", "::1") if ":" in endpoint.host else ("ipv4", "127.0.0.0/8")
    ends = f'source address="{net}" destination address="{net}" port port="{endpoint.port}" protocol="{protocol}"'
    rule = f'rule family="{family}" priority="-100" {ends} accept'
    return Fix(
        tool="firewalld",
        commands=(("firewall-cmd", f"--add-rich-rule={rule}"),),
        undo=(("firewall-cmd", f"--remove-rich-rule={rule}"),),
        why=f"lets {protocol} port {endpoint.port} through between loopback addresses until firewalld is reloaded",
    )


def apply(run: Run, fix: Fix) -> tuple[str, Fix]:
    """Carry it out: its complaint, or '', and the fix with the undo as it is now known."""
    handles: list[str] = []
    for words in fix.commands:
        output = run(words, fix.stdin)
        if output.complaint:
            return output.complaint, fix
        handles += re.findall(r"# handle (\d+)\s*$", output.out, re.MULTILINE)[-1:]
    handle = handles[-1] if handles else HANDLE
    undo_words = tuple(tuple(handle if word == HANDLE else word for word in words) for words in fix.undo)
    return "", msgspec.structs.replace(fix, undo=undo_words)


def undo(run: Run, fix: Fix) -> str:
    """Take it back: its complaint, or ''."""
    return next((complaint for words in fix.undo if (complaint := run(words).complaint)), "")

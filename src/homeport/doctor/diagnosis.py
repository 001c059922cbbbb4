"""From facts to findings: every check once, in the order of the path. Pure.

The first problem is where the path ends, so those behind it are not told; warnings and notes are.
"""

from __future__ import annotations

from collections.abc import Callable

from homeport.doctor.checks.accept_queue import explain_accept_queue
from homeport.doctor.checks.blocked import explain_blocked
from homeport.doctor.checks.browser import explain_unsafe_port
from homeport.doctor.checks.clock import explain_clock
from homeport.doctor.checks.host_check import explain_host_check
from homeport.doctor.checks.http import explain_http
from homeport.doctor.checks.interface import explain_interface, explain_loopback_interface
from homeport.doctor.checks.limits import (
    explain_exhausted_ports,
    explain_open_files,
    explain_system_files,
    explain_time_wait,
)
from homeport.doctor.checks.listener import (
    explain_docker,
    explain_exposed,
    explain_listener,
    explain_one_family,
    explain_two_servers,
    explain_unreached,
)
from homeport.doctor.checks.names import explain_localhost, explain_names
from homeport.doctor.checks.proxy import explain_proxies, explain_proxy
from homeport.doctor.checks.tls import explain_tls
from homeport.doctor.checks.trust import explain_trust
from homeport.doctor.facts import MachineFacts, PathFacts
from homeport.model.finding import Finding

ALL: tuple[Callable[[PathFacts], Finding | None], ...] = (
    explain_interface,
    explain_names,
    explain_exhausted_ports,
    explain_accept_queue,
    explain_open_files,
    explain_blocked,
    explain_listener,
    explain_unreached,
    explain_two_servers,
    explain_tls,
    explain_trust,
    explain_http,
    explain_host_check,
    explain_proxy,
    explain_one_family,
    explain_unsafe_port,
    explain_exposed,
    explain_docker,
)

MACHINE: tuple[Callable[[MachineFacts], Finding | None], ...] = (
    explain_loopback_interface,
    explain_localhost,
    explain_system_files,
    explain_time_wait,
    explain_clock,
    explain_proxies,
)


def diagnose(facts: PathFacts) -> tuple[Finding, ...]:
    """At most one problem, then what is worth knowing besides."""
    found = [finding for check in ALL if (finding := check(facts))]
    problems = [finding for finding in found if finding.level == "problem"]
    own = [facts.app_finding] if facts.app_finding and facts.connected is None else []
    besides = [finding for level in ("warning", "note") for finding in found if finding.level == level]
    return (*(own or problems[:1]), *besides)


def diagnose_machine(machine: MachineFacts) -> tuple[Finding, ...]:
    return tuple(finding for check in MACHINE if (finding := check(machine)))

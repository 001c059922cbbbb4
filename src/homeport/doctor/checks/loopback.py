"""What is not normal about the loopback of this computer: its facts in, findings out. Pure.

The limits are far below what systems come with: a finding says that something will break, not that it could be larger.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from homeport.doctor.checks.interface import explain_loopback_interface
from homeport.doctor.checks.limits import explain_system_files, explain_time_wait
from homeport.doctor.facts import MachineFacts
from homeport.doctor.loopback_facts import LoopbackFacts
from homeport.model.finding import Finding

MTU = {"linux": 65536, "darwin": 16384}  # what the system sets itself
LEAST_MTU = 16384
IPV6_MTU = 1280  # RFC 8200 section 5: below it Linux takes IPv6 off the interface
LEAST_PORTS = 4096
LEAST_QUEUE = 128  # what 4.3BSD's successors and Linux before 5.4 had: servers ask for about that
LEAST_BUFFER = 64 * 1024
LEAST_FILES = 256  # macOS's own default
SLOW_US = 2000.0  # half of the round trips; a loaded laptop needs less than 100


def explain_loopback(facts: LoopbackFacts) -> list[Finding]:
    """All of them. Where the interface itself is at fault, nothing that follows from it."""
    machine = MachineFacts(
        loopback=facts.loopback,
        ephemeral=facts.ephemeral,
        time_wait=facts.time_wait,
        open_files=facts.tuning.system_files,
    )
    interface = explain_loopback_interface(machine)
    ways = (interface,) if interface else tuple(explain(facts) for explain in WAYS)
    limits = (explain_system_files(machine), explain_time_wait(machine), *(explain(facts) for explain in LIMITS))
    return [finding for finding in (*ways, *limits) if finding is not None]


def explain_echo(facts: LoopbackFacts) -> Finding | None:
    """A way that the interface has an address for, and that does not bring back what was sent."""
    failed = [one for one in facts.echoed if one.error and one.address in facts.loopback.addresses]
    if not failed:
        return None
    ways = " and ".join(f"{one.protocol.upper()} on {one.address}" for one in failed)
    return Finding(
        code="loopback-blocked",
        what=f"{ways} did not bring back what was sent: {failed[0].error}",
        why="The interface is up and has the address, so a firewall or another filter decides.",
        next="homeport doctor",
    )


def explain_no_ipv6(facts: LoopbackFacts) -> Finding | None:
    loopback = facts.loopback
    if not loopback.addresses or "::1" in loopback.addresses or (facts.tuning.mtu or IPV6_MTU) < IPV6_MTU:
        return None
    return Finding(
        code="lo-without-ipv6",
        level="note",
        what=f"{loopback.name} has no address ::1",
        why="IPv6 is switched off here. What is told to listen on [::1] cannot; clients go on to 127.0.0.1.",
        next="nothing, unless something needs [::1]: sysctl net.ipv6.conf.lo.disable_ipv6",
    )


def explain_mtu(facts: LoopbackFacts) -> Finding | None:
    mtu, name = facts.tuning.mtu, facts.loopback.name
    if mtu is None or mtu >= LEAST_MTU:
        return None
    usual = MTU.get(facts.system, LEAST_MTU)
    low = mtu < IPV6_MTU
    return Finding(
        code="lo-mtu-small",
        level="problem" if low else "warning",
        what=f"{name} has an MTU of {mtu}; {usual} is normal",
        why=f"Below {IPV6_MTU} it loses IPv6, so [::1] is gone." if low else "Everything takes more packets and CPU.",
        next=f"sudo ip link set {name} mtu {usual}" if facts.system == "linux" else f"sudo ifconfig {name} mtu {usual}",
    )


def explain_slow(facts: LoopbackFacts) -> Finding | None:
    slow = [one for one in facts.echoed if one.times and one.times.p50_us > SLOW_US]
    if not slow:
        return None
    worst = max(slow, key=lambda one: one.times.p50_us if one.times else 0)
    took_ms = worst.times.p50_us / 1000 if worst.times else 0
    return Finding(
        code="loopback-slow",
        level="warning",
        what=f"half of the round trips on {worst.address} took longer than {took_ms:.1f} ms; 0.1 ms is normal",
        why="The computer is very busy, or a filter (a firewall, an endpoint protection) looks into every packet.",
        next="see what takes the CPU (top), then measure again: homeport doctor --loopback",
    )


def explain_few_ports(facts: LoopbackFacts) -> Finding | None:
    if facts.ephemeral_count >= LEAST_PORTS:
        return None
    low, high = facts.ephemeral
    return Finding(
        code="ephemeral-range-small",
        level="warning",
        what=f"outgoing connections have {facts.ephemeral_count} ports ({low}-{high}); 28232 are normal on Linux",
        why="Each connection to one place keeps its port for a minute after it was closed, so they run out soon.",
        next='sudo sysctl net.ipv4.ip_local_port_range="32768 60999"',
    )


def explain_short_queue(facts: LoopbackFacts) -> Finding | None:
    tuning = facts.tuning
    low = _first_below(LEAST_QUEUE, (tuning.accept_queue, tuning.syn_queue))
    if low is None:
        return None
    at, value = low
    linux = ("net.core.somaxconn", "net.ipv4.tcp_max_syn_backlog")[at]
    setting, usual = (linux, 4096) if facts.system == "linux" else ("kern.ipc.somaxconn", LEAST_QUEUE)
    return Finding(
        code="accept-queue-short",
        level="warning",
        what=f"{setting} is {value}; {LEAST_QUEUE} or more is normal",
        why="A server that is busy for a moment loses connections, which look like a hang to their clients.",
        next=f"sudo sysctl {setting}={usual}",
    )


def explain_small_buffers(facts: LoopbackFacts) -> Finding | None:
    low = _first_below(LEAST_BUFFER, (facts.tuning.receive_buffer_max, facts.tuning.send_buffer_max))
    if low is None:
        return None
    at, value = low
    linux = ("net.core.rmem_max", "net.core.wmem_max")[at]
    setting = linux if facts.system == "linux" else "kern.ipc.maxsockbuf"
    return Finding(
        code="socket-buffers-small",
        level="warning",
        what=f"{setting} is {value} bytes; 212992 is normal",
        why="Datagrams are lost and streams slow down, because little fits between sender and receiver.",
        next=f"sudo sysctl {setting}=212992",
    )


def explain_few_files(facts: LoopbackFacts) -> Finding | None:
    soft, hard = facts.tuning.files_soft, facts.tuning.files_hard
    if soft is None or soft >= LEAST_FILES:
        return None
    return Finding(
        code="files-limit-low",
        level="warning",
        what=f"a process may have {soft} files open; 1024 is normal",
        why="Each connection is one, each watched file too: servers and bundlers fail with EMFILE.",
        next=f"ulimit -n {min(hard or 1024, 1024)}",
    )


def _first_below(least: int, values: Sequence[int | None]) -> tuple[int, int] | None:
    """Which of the known ones is too small, and what it is."""
    return next(((at, value) for at, value in enumerate(values) if value is not None and value < least), None)


Explain = Callable[[LoopbackFacts], Finding | None]
WAYS: tuple[Explain, ...] = (explain_echo, explain_mtu, explain_no_ipv6, explain_slow)
LIMITS: tuple[Explain, ...] = (explain_few_ports, explain_short_queue, explain_small_buffers, explain_few_files)

"""What has run out: ports for outgoing connections, files of a process, files of the system. Pure."""

from __future__ import annotations

from homeport.doctor.checks.naming import holder
from homeport.doctor.facts import MachineFacts, PathFacts
from homeport.model.finding import Finding

_MANY = 0.9  # of the range in TIME_WAIT: then that is where the ports are


def explain_exhausted_ports(facts: PathFacts) -> Finding | None:
    """EADDRNOTAVAIL on an address that is here: the kernel found no port for our end."""
    if facts.connected or not any(one.outcome == "exhausted" for one in facts.reached):
        return None
    low, high = facts.machine.ephemeral
    count = high - low + 1
    waiting = facts.machine.time_wait
    if waiting is not None and waiting >= _MANY * count:
        return Finding(
            code="time-wait-exhausted",
            what=f"no port is left for a new connection: {waiting} closed ones still keep theirs in TIME_WAIT",
            why=f"Outgoing connections get the {count} ports from {low} to {high}, each for a minute after its end.",
            next="keep connections open and use them again (keep-alive, a pool), or wait a minute",
        )
    return Finding(
        code="ports-exhausted",
        what=f"no port is left for a new connection to port {facts.target.port}",
        why=f"Outgoing connections get the {count} ports from {low} to {high}, and all of them are in use.",
        next=f"ss -tn dport = :{facts.target.port}, and close what is not needed",
    )


def explain_open_files(facts: PathFacts) -> Finding | None:
    """A server without a file left cannot accept: it seems to hang."""
    is_stuck = facts.connected is None or (facts.answer is not None and facts.answer.end != "")
    for one in facts.listening:
        if is_stuck and one.files and one.files[0] >= one.files[1]:
            used, limit = one.files
            return Finding(
                code="files-exhausted",
                what=f"{holder(one)} has all of its {limit} files open, so it cannot accept a connection",
                why=f"Each connection takes one ({used} are open). It leaks them, or it needs a higher limit.",
                next="start it with a higher limit (ulimit -n), and see what stays open: "
                f"ls -l /proc/{one.socket.pids[0]}/fd",
            )
    return None


def explain_system_files(machine: MachineFacts) -> Finding | None:
    if machine.open_files and machine.open_files[0] >= 0.98 * machine.open_files[1]:
        used, limit = machine.open_files
        return Finding(
            code="system-files-exhausted",
            what=f"this computer has {used} of at most {limit} files open",
            why="Soon no program can open a file or a connection.",
            next="sudo sysctl fs.file-max, and find the program that keeps so many open",
        )
    return None


def explain_time_wait(machine: MachineFacts) -> Finding | None:
    low, high = machine.ephemeral
    if machine.time_wait is None or machine.time_wait < _MANY * (high - low + 1):
        return None
    return Finding(
        code="time-wait-many",
        level="warning",
        what=f"{machine.time_wait} closed connections keep their ports in TIME_WAIT",
        why=f"There are {high - low + 1} ports for outgoing connections ({low} to {high}); they can run out.",
        next="keep connections open and use them again (keep-alive, a pool)",
    )

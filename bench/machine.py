"""This machine: what it is, one CPU of it to measure on, and what processes have used. Linux only."""

from __future__ import annotations

import os
import platform
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROC = Path("/proc")


def describe() -> list[tuple[str, str]]:
    cpu = next((line.split(":")[1].strip() for line in _lines("cpuinfo") if line.startswith("model name")), "unknown")
    memory = next((int(line.split()[1]) for line in _lines("meminfo") if line.startswith("MemTotal")), 0)
    congestion = PROC / "sys/net/ipv4/tcp_congestion_control"
    return [
        ("CPU", f"{os.cpu_count()} x {cpu}"),
        ("memory", f"{memory / 1024 / 1024:.0f} GiB"),
        ("system", f"{platform.system()} {platform.release()} {platform.machine()}"),
        ("virtual", "yes" if any("hypervisor" in line for line in _lines("cpuinfo")) else "no"),
        ("TCP congestion control", congestion.read_text().strip() if congestion.exists() else "unknown"),
        ("Python", platform.python_version()),
    ]


def pin(cpu: int | None) -> int:
    """Put this process, and whatever it starts, on one CPU: wake-ups across CPUs cost an erratic 100-300 µs."""
    chosen = max(os.sched_getaffinity(0)) if cpu is None else cpu
    os.sched_setaffinity(0, {chosen})
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 20_000)), hard))
    return chosen


@contextmanager
def all_cpus() -> Iterator[None]:
    """For what is started in here; then only the chosen one again."""
    chosen = os.sched_getaffinity(0)
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    try:
        yield
    finally:
        os.sched_setaffinity(0, chosen)


def load() -> float:
    return os.getloadavg()[0]


def family(pid: int) -> list[int]:
    """A process and all its descendants."""
    children: dict[int, list[int]] = {}
    for stat in PROC.glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        found.append(one)
        waiting.extend(children.get(one, []))
    return found


def cpu_s(pids: list[int]) -> float:
    """CPU time used so far. From schedstat, in nanoseconds; /proc/PID/stat counts in steps of 10 ms."""
    return sum(_cpu_of(pid) for pid in pids)


def _cpu_of(pid: int) -> float:
    try:
        tasks = list((PROC / str(pid) / "task").iterdir())
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9
    except OSError:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pss_mib(pids: list[int]) -> float:
    """Proportional resident memory: pages that several processes share are counted once."""
    total = 0
    for pid in pids:
        for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total / 1024


def _lines(name: str) -> list[str]:
    try:
        return (PROC / name).read_text().splitlines()
    except OSError:
        return []

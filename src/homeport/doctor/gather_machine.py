"""The facts of this computer that a path to loopback depends on. Quick, apart from a resolver that does not answer."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from homeport.doctor.facts import MachineFacts
from homeport.doctor.gather_names import ask_system, hosts_lines
from homeport.doctor.gather_proxy import proxies
from homeport.machine.network import Network
from homeport.machine.ports import Ports


def machine_facts(ports: Ports, network: Network, environment: Mapping[str, str]) -> MachineFacts:
    return MachineFacts(
        loopback=network.loopback(),
        localhost=ask_system("localhost"),
        hosts=hosts_lines(network.hosts_file()),
        ephemeral=ports.ephemeral_range(),
        time_wait=network.time_wait(),
        open_files=network.open_files(),
        proxies=proxies(environment, "http", "localhost"),
        is_clock_synchronised=network.is_clock_synchronised(),
        clock_behind_s=_behind_s(),
    )


def _behind_s() -> float:
    """A file of ours cannot be from tomorrow: where it seems so, the clock is behind."""
    try:
        return max(0.0, Path(__file__).stat().st_mtime - time.time())
    except OSError:
        return 0.0

"""The limits of this computer that servers and clients meet, each beside what is normal. Pure: facts in, rows out."""

from __future__ import annotations

from typing import Literal

import msgspec

from homeport.doctor.checks.loopback import LEAST_BUFFER, LEAST_FILES, LEAST_MTU, LEAST_PORTS, LEAST_QUEUE, MTU
from homeport.doctor.loopback_facts import LoopbackFacts


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """One row. `here` goes into the places of `words`; None in it: not known on this system."""

    name: str
    here: tuple[int | None, ...]
    words: str = "{}"
    unit: Literal["count", "bytes"] = "count"
    normal: str


def limits_of(facts: LoopbackFacts) -> tuple[Limit, ...]:
    tuning = facts.tuning
    low, high = facts.ephemeral
    used, most = tuning.system_files or (None, None)
    usual = f"{MTU[facts.system]:,}" if facts.system in MTU else f"{LEAST_MTU:,} or more"
    queue = f"{LEAST_QUEUE} or more"
    buffer = f"{LEAST_BUFFER // 1024} KiB or more (rmem_max, wmem_max)"
    return (
        Limit(name="MTU", here=(tuning.mtu,), normal=usual),
        Limit(
            name="outgoing ports",
            here=(facts.ephemeral_count,),
            words=f"{{}} ({low}-{high})",
            normal=f"{LEAST_PORTS:,} or more",
        ),
        Limit(name="TIME_WAIT", here=(facts.time_wait,), normal=f"below {round(facts.ephemeral_count * 0.9):,}"),
        Limit(name="accept queue", here=(tuning.accept_queue,), normal=f"{queue} (somaxconn)"),
        Limit(name="half-open connections", here=(tuning.syn_queue,), normal=f"{queue} (tcp_max_syn_backlog)"),
        Limit(
            name="socket buffers",
            here=(tuning.receive_buffer, tuning.send_buffer),
            words="{} in, {} out",
            unit="bytes",
            normal="a few kB; they grow by themselves",
        ),
        Limit(
            name="largest buffers",
            here=(tuning.receive_buffer_max, tuning.send_buffer_max),
            words="{} in, {} out",
            unit="bytes",
            normal=buffer,
        ),
        Limit(
            name="open files, a process",
            here=(tuning.files_soft, tuning.files_hard),
            words="{}, up to {}",
            normal=f"{LEAST_FILES} or more (ulimit -n)",
        ),
        Limit(name="open files, system", here=(used, most), words="{} of {}", normal="below 98 %"),
    )

"""The loopback self-test: this computer's facts, the measurement, the findings. Takes a second, and needs no root."""

from __future__ import annotations

import sys
import time

import msgspec

from homeport.doctor.checks.loopback import explain_loopback
from homeport.doctor.loopback import measure
from homeport.doctor.loopback_facts import Echoed as Echoed
from homeport.doctor.loopback_facts import LoopbackFacts as LoopbackFacts
from homeport.doctor.loopback_facts import Times as Times
from homeport.doctor.loopback_limits import Limit as Limit
from homeport.doctor.loopback_limits import limits_of
from homeport.machine.loopback import this_tuning
from homeport.machine.network import this_network
from homeport.machine.ports import this_computer
from homeport.model.finding import Finding


class LoopbackReport(msgspec.Struct, frozen=True, kw_only=True):
    """What `homeport doctor --loopback` tells. No findings: everything is normal."""

    facts: LoopbackFacts
    limits: tuple[Limit, ...]
    findings: tuple[Finding, ...]
    took_ms: float


def loopback_report() -> LoopbackReport:
    start = time.perf_counter()
    network = this_network()
    facts = LoopbackFacts(
        system=sys.platform,
        loopback=network.loopback(),
        time_wait=network.time_wait(),  # before our own connections are among them
        tuning=this_tuning(),
        ephemeral=this_computer().ephemeral_range(),
        echoed=measure(),
    )
    took_ms = (time.perf_counter() - start) * 1000
    findings = tuple(explain_loopback(facts))
    return LoopbackReport(facts=facts, limits=limits_of(facts), findings=findings, took_ms=took_ms)

"""What conditions mean, in plain words: a line for each direction, or one where both are alike."""

from __future__ import annotations

from homeport.conditions import settings as asked
from homeport.conditions.http import HttpFault
from homeport.conditions.settings import Condition, Conditions, Stack
from homeport.conditions.units import write_number, write_share

NOTHING = "as it is, nothing is changed"


def in_words(conditions: Conditions) -> list[str]:
    """Lines such as "each way: 50 ms later, 1% lost one by one"."""
    if conditions.up == conditions.down:
        lines = [f"each way: {stack_in_words(conditions.up)}"]
    else:
        lines = [f"up: {stack_in_words(conditions.up)}", f"down: {stack_in_words(conditions.down)}"]
    if (round_trip_ms := sum(_latency_ms(stack) for stack in (conditions.up, conditions.down))) > 0:
        lines.append(f"a round trip takes {_time(round_trip_ms)} longer, before jitter and bandwidth")
    lines += [f"requests: {_fault(fault)}" for fault in conditions.http]
    if conditions.share < 1:
        lines.append(f"for {write_share(conditions.share)} of the connections, the others feel nothing")
    return lines


def stack_in_words(stack: Stack) -> str:
    return ", ".join(map(_one, stack)) or NOTHING


def _latency_ms(stack: Stack) -> float:
    return sum(one.latency_ms for one in stack if isinstance(one, asked.Latency))


def _one(one: Condition) -> str:
    words = _words(one)
    return words if one.share == 1 else f"{words} (for {write_share(one.share)} of the connections)"


def _words(one: Condition) -> str:
    match one:
        case asked.Latency():
            return _latency(one)
        case asked.Bandwidth():
            return _bandwidth(one)
        case asked.RandomLoss():
            return f"{write_share(one.rate)} lost one by one"
        case asked.BurstLoss():
            return f"{write_share(one.rate)} lost, {write_number(one.burst)} in a row on average"
        case asked.NthLoss():
            return f"1 of every {one.every} lost"
        case asked.GilbertElliott():
            return _gilbert(one)
        case asked.Duplication():
            return f"{write_share(one.rate)} come {'twice' if one.copies == 1 else f'{one.copies + 1} times'}"
        case asked.Reordering():
            return f"{write_share(one.rate)} held back {_time(one.by_ms)}, so that others overtake"
        case asked.Corruption():
            return f"{write_share(one.rate)} with a wrong {one.unit}"
        case asked.Slicing():
            varied = f" ± {one.variation_bytes:,}" if one.variation_bytes else ""
            apart = f", {_time(one.delay_us / 1000)} apart" if one.delay_us else ""
            return f"cut into pieces of {one.size_bytes:,}{varied} bytes{apart}"
        case asked.DataLimit():
            return f"{'closed' if one.ending == 'close' else 'reset'} after {one.limit_bytes:,} bytes"
        case asked.Reset():
            return f"reset {_time(one.after_ms)} after the first bytes" if one.after_ms else "reset at the first bytes"
        case asked.SlowClose():
            return f"the close {_time(one.delay_ms)} later"
        case asked.Silence():
            return "nothing passes" + (f", closed after {_time(one.close_after_ms)}" if one.close_after_ms else "")
        case asked.Outage():
            return {"refuse": "connections refused", "hang": "connections hang", "drop": "connections dropped"}[one.how]


def _latency(one: asked.Latency) -> str:
    words = f"{_time(one.latency_ms)} later"
    if one.jitter_ms:
        spread = {"uniform": "±", "normal": "± (standard deviation)", "pareto": "+ on average (Pareto)"}
        sign = spread.get(one.distribution, "+ on average (exponential)")
        mark, _, how = sign.partition(" ")
        words = f"{_time(one.latency_ms)} {mark} {_time(one.jitter_ms)}{f' {how}' if how else ''} later"
        words += ", in any order" if one.reorders else ""
    return words


def _bandwidth(one: asked.Bandwidth) -> str:
    if not one.rate_bps:
        return "no bandwidth, nothing passes"
    burst = f" after the first {one.burst_bytes:,} bytes" if one.burst_bytes else ""
    return f"{_rate(one.rate_bps)}{burst}{' for all connections together' if one.shared else ''}"


def _fault(one: HttpFault) -> str:
    effects = [
        f"{_time(one.delay_ms)} later" if one.delay_ms else "",
        f"answered with {one.status}" if one.status else "",
        f"stalled after {one.stall_bytes:,} bytes" if one.stall_bytes is not None else "",
        f"cut after {one.truncate_bytes:,} bytes" if one.truncate_bytes is not None else "",
    ]
    which = [
        write_share(one.share) if one.share < 1 else "",
        f"1 of every {one.every}" if one.every else "",
        f"number {one.nth}" if one.nth else "",
        " or ".join(one.methods),
        one.path,
    ]
    who = " ".join(filter(None, which)) or "all"
    return f"{who}: {', '.join(filter(None, effects))}"


def _gilbert(one: asked.GilbertElliott) -> str:
    moves = one.p + one.r
    lost = (one.good_loss * one.r + one.bad_loss * one.p) / moves if moves else one.good_loss
    bad = f"bad spells of {write_number(round(1 / one.r, 2))} on average" if one.r else "bad spells that never end"
    return f"{write_share(round(lost, 6))} lost, in {bad}"


def _time(ms: float) -> str:
    return f"{write_number(round(ms / 1000, 6))} s" if ms >= 1000 else f"{write_number(round(ms, 6))} ms"


def _rate(bps: float) -> str:
    for name, factor in (("Gbit/s", 1e9), ("Mbit/s", 1e6), ("kbit/s", 1e3)):
        if bps >= factor:
            return f"{write_number(round(bps / factor, 3))} {name}"
    return f"{write_number(bps)} bit/s"

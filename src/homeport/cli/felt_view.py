"""What the network conditions decided about one exchange, as lines, and two such lists side by side.

Pure: what was recorded in, lines out.
"""

from __future__ import annotations

from homeport.cli.terminal import Paint
from homeport.cli.words import size, visible
from homeport.model.conditions_felt import ConditionsFelt, Decided

SHOWN = 40  # decisions on the screen; --json has all that were kept
_COUNTED = ("lost", "queue-full", "silence", "outage", "duplicated", "reordered", "corrupted", "retransmitted")


def felt_lines(felt: ConditionsFelt, paint: Paint) -> list[str]:
    for_client = f", for {visible(felt.client)}" if felt.client else ""
    changed = f", changed {felt.changes} times meanwhile" if felt.changes else ""
    which = f"number {felt.number}{for_client}{changed}"
    lines = [f"{paint('network', 'dim')}  {paint(visible(felt.text), 'bold')}  {paint(which, 'dim')}"]
    lines += [f"  {decided_line(one, paint)}" for one in felt.decisions[:SHOWN]]
    hidden = len(felt.decisions) - SHOWN + felt.more if len(felt.decisions) > SHOWN else felt.more
    if hidden:
        lines.append(paint(f"  … {hidden:,} more decisions: {_totals(felt)}", "dim"))
    if not felt.decisions:
        lines.append(paint("  nothing was changed", "dim"))
    return lines


def decided_line(one: Decided, paint: Paint) -> str:
    arrow = paint("→", "cyan") if one.from_client else paint("←", "green")
    which = f"{one.number} {size(one.bytes)}" if one.number else ""
    return f"{paint(f'{one.at_ms:>8.0f} ms', 'dim')} {arrow} {paint(which.ljust(12), 'dim')} {visible(one.words)}"


def _totals(felt: ConditionsFelt) -> str:
    """Both ways, of all that came."""
    counts = [(what, felt.up.get(what, 0) + felt.down.get(what, 0)) for what in _COUNTED]
    came = felt.up.get("came", 0) + felt.down.get("came", 0)
    seen = [f"{count:,} {what}" for what, count in counts if count]
    return f"of {came:,}, {', '.join(seen) or 'none lost or changed'}"

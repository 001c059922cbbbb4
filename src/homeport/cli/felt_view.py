"""What the network conditions decided about one exchange, as lines, and two such lists side by side.

Pure: what was recorded in, lines out. What was decided was written by the engine, and still passes through `visible`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from homeport.cli.terminal import Paint
from homeport.cli.words import size, visible
from homeport.conditions.repetition import Compared, Verdict
from homeport.model.conditions_felt import ConditionsFelt, Decided
from homeport.model.exchange import ExchangeDetail

SHOWN = 40  # decisions on the screen; --json has all that were kept
_VERDICTS: dict[Verdict, str] = {
    "same": "the same",
    "other input": "of another size",
    "only then": "only then",
    "only now": "only now",
    "differs": "decided otherwise",
}
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
    which = _chunk(one)
    return f"{paint(f'{one.at_ms:>8.0f} ms', 'dim')} {arrow} {paint(which.ljust(12), 'dim')} {visible(one.words)}"


def compared_lines(then: ExchangeDetail, now: ExchangeDetail, compared: Sequence[Compared], paint: Paint) -> list[str]:
    """What differs stands in full, what is the same as far as there is room."""
    width = max([len(_words(one.then)) for one in compared], default=4)
    shown = [one for place, one in enumerate(compared) if place < SHOWN or one.verdict != "same"][: 2 * SHOWN]
    head = f"{'':14}{f'then, #{then.summary.id}'.ljust(width)}  now, #{now.summary.id}"
    lines = [paint(head.rstrip(), "dim"), *(_compared_line(one, width, paint) for one in shown)]
    if len(shown) < len(compared):
        lines.append(paint(f"  … {len(compared) - len(shown):,} more", "dim"))
    return [*lines, _verdict(compared, paint)]


def _compared_line(one: Compared, width: int, paint: Paint) -> str:
    either = one.then or one.now
    assert either is not None
    arrow = paint("→", "cyan") if either.from_client else paint("←", "green")
    which = _chunk(either)
    now = paint("the same", "dim") if one.verdict == "same" else paint(_words(one.now), "red")
    more = f"  {size(one.now.bytes)} came" if one.verdict == "other input" and one.now else ""
    return f"{arrow} {paint(which.ljust(11), 'dim')} {_words(one.then).ljust(width)}  {now}{more}"


def _chunk(one: Decided) -> str:
    """Its number and size; "" for an end, or a request as a whole."""
    return f"{one.number}: {size(one.bytes)}" if one.number else ""


def _words(one: Decided | None) -> str:
    return "nothing" if one is None else visible(one.words)


def _verdict(compared: Sequence[Compared], paint: Paint) -> str:
    if not compared:
        return "nothing was decided by chance, then or now"
    counts = Counter(one.verdict for one in compared)
    if set(counts) == {"same"}:
        return paint(f"the same decisions: {len(compared):,} of {len(compared):,}", "green")
    told = ", ".join(f"{counts[verdict]:,} {words}" for verdict, words in _VERDICTS.items() if counts[verdict])
    if not counts["differs"]:
        return paint(f"the input was another one: {told}", "yellow")
    return paint(f"not the same: {told}", "red")


def _totals(felt: ConditionsFelt) -> str:
    """Both ways, of all that came."""
    counts = [(what, felt.up.get(what, 0) + felt.down.get(what, 0)) for what in _COUNTED]
    came = felt.up.get("came", 0) + felt.down.get("came", 0)
    seen = [f"{count:,} {what}" for what, count in counts if count]
    return f"of {came:,}, {', '.join(seen) or 'none lost or changed'}"

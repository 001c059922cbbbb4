"""Network conditions as lines: how routes stand, the profiles, and the keys. It prints nothing itself."""

from __future__ import annotations

TYPE_CHECKING = False  # see homeport.cli
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from homeport.cli.terminal import Paint
    from homeport.model.network import ConditionsState, ProfileState

_COUNTED = ("lost", "queue-full", "silence", "outage", "duplicated", "reordered", "corrupted", "retransmitted")


def state_lines(state: ConditionsState, paint: Paint) -> list[str]:
    who = f" for {state.client}" if state.client else ""
    named = f"  {state.profile}" if state.profile else ""
    until = f"  until {state.ends}" if state.ends else ""
    until += f", by {state.timeline}" if state.timeline else ""
    lines = [f"{paint(state.route, 'bold')}{who}{named}{until}", *(f"  {line}" for line in state.words)]
    if state.text and state.text != state.profile:
        lines.append(paint(f"  {state.text}", "dim"))
    if seen := [f"{count:,} {what}" for what in _COUNTED if (count := state.counts.get(what))]:
        lines.append(f"  of {state.counts.get('came', 0):,}: {', '.join(seen)}")
    return lines


def profile_lines(states: Sequence[ProfileState], paint: Paint) -> list[str]:
    """By source, so that numbers of one table stand together."""
    lines: list[str] = []
    width, source = max(len(state.name) for state in states), ""
    for state in states:
        if state.source != source:
            source = state.source
            lines += [*([""] if lines else []), paint(source, "dim")]
        means = "; ".join(state.words[:2] if state.words[0].startswith("up:") else state.words[:1])
        lines.append(f"{paint(state.name.ljust(width), 'bold')}  {means.removeprefix('each way: ')}")
    return lines


def key_lines(about: Mapping[str, str], paint: Paint) -> list[str]:
    width = max(map(len, about))
    return [f"{paint(key.ljust(width), 'bold')}  {words}" for key, words in about.items()]

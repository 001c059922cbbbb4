"""The next command after the story of a port. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from homeport.model.ports import Link, PortStory, ProcessFact, ProcessStory
from homeport.model.ports_why import keeper


def next_step(story: PortStory) -> str:
    """A command where there is one, else what to do in words."""
    if story.elsewhere and story.bindable.get(story.host) == "free":
        return f"a client gets there by {story.elsewhere[0].endpoint}; to bind, nothing is in the way"
    if story.listening or story.elsewhere:
        return _end(story)
    if story.inside:
        return _reach(story)
    if story.is_privileged:
        return "sudo, or a port from 1024 on"
    if "taken" not in story.bindable.values():
        waits = [one for one in story.occupants if one.kind == "time-wait"]
        return "nothing is in the way: a server that sets SO_REUSEADDR can take it now" if waits else ""
    for occupant in story.occupants:
        if occupant.pids and occupant.kind != "time-wait":
            return f"end pid {occupant.pids[0]}, or use another port"
    return f"wait {left}, or use another port" if (left := time_wait_left(story)) else "use another port"


def time_wait_left(story: PortStory) -> str:
    """`41 s`, `up to a minute`; "" where something else than closed connections is in the way, or nothing."""
    waiting = [one for one in story.occupants if one.kind == "time-wait"]
    if not waiting or len(waiting) < len(story.occupants):
        return ""
    left = max(one.seconds_left or 0 for one in waiting)
    return f"{left:.0f} s" if left else "up to a minute"


def time_wait_blocks(story: PortStory) -> str:
    """Whom a closed connection keeps away. Linux lets a server past it that sets SO_REUSEADDR, if the socket that was
    closed had set it too (tried on Linux 6.18, both ends); the bind that was tried sets it."""
    if "taken" in story.bindable.values():
        return "in the way even of servers that set SO_REUSEADDR, since the socket that was closed had not"
    return "in the way only of servers that do not set SO_REUSEADDR"


def leading_holders(holders: Sequence[ProcessStory]) -> list[tuple[ProcessStory, list[ProcessFact]]]:
    """Those that no other holder made, each with the workers below it, which hold the port as well."""
    parents = {holder.process.pid: holder.process.parent for holder in holders}
    workers: dict[int, list[ProcessFact]] = {}
    for holder in holders:
        top = holder.process.pid
        while parents[top] in parents:
            top = parents[top]
        workers.setdefault(top, []).extend([holder.process] if top != holder.process.pid else [])
    return [(holder, workers[holder.process.pid]) for holder in holders if holder.process.parent not in parents]


def is_taken(story: PortStory) -> bool:
    """Whether a server that wants the port may meet somebody, or something, in its way."""
    if story.listening or story.elsewhere or time_wait_left(story):
        return True
    return not {"free", "absent"}.issuperset(story.bindable.values())


def own_tool(link: Link) -> str:
    """The command that stops what a keeper keeps; '' where that is not known."""
    import shlex

    return shlex.join(link.tool)


def _reach(story: PortStory) -> str:
    """How to get at a listener in another network namespace."""
    inside = story.inside[0]
    for engine in ("docker", "podman"):
        if engine.capitalize() in inside.label:
            return f"publish it: {engine} run -p 127.0.0.1:{story.port}:{story.port} …"
    if inside.label.startswith("the network namespace "):
        return f"ip netns exec {inside.label.rpartition(' ')[2]} COMMAND reaches it"
    return f"nsenter -t {inside.socket.pids[0]} -n COMMAND reaches it" if inside.socket.pids else ""


def _end(story: PortStory) -> str:
    if not story.holders:
        return "look outside of this container" if story.sees_all else f"sudo homeport who {story.port}"
    link = keeper(story.holders[0].why)
    return (own_tool(link) if link else "") or f"homeport free {story.port}"

"""The next command after the story of a port. Pure."""

from __future__ import annotations

from homeport.model.ports import Link, PortStory
from homeport.model.ports_why import keeper


def next_step(story: PortStory) -> str:
    """A command where there is one, else what to do in words."""
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
    return "use another port"


def is_taken(story: PortStory) -> bool:
    """Whether a server that wants the port may meet somebody, or something, in its way."""
    return bool(story.listening or story.elsewhere) or not {"free", "absent"}.issuperset(story.bindable.values())


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
        return f"sudo homeport who {story.port}"
    link = keeper(story.holders[0].why)
    return (own_tool(link) if link else "") or f"homeport free {story.port}"

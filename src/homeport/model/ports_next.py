"""The next command after the story of a port. Pure."""

from __future__ import annotations

from homeport.model.ports import Link, PortStory
from homeport.model.ports_why import keeper


def next_step(story: PortStory) -> str:
    """A command where there is one, else what to do in words."""
    if story.listening or story.elsewhere:
        return _end(story)
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
    if link.kind == "homeport":
        return f"homeport stop {link.name}"
    if link.kind == "unit":
        return f"systemctl {'stop ' + link.name if '--user' not in link.name else _users(link.name)}"
    if link.kind == "container" and link.name:
        return f"podman stop {link.name}" if "Podman" in link.text else f"docker stop {link.name}"
    return {"pm2": "pm2 stop NAME", "supervisord": "supervisorctl stop NAME"}.get(link.name, "")


def _users(name: str) -> str:
    return f"--user stop {name.removeprefix('--user ')}"


def _end(story: PortStory) -> str:
    if not story.holders:
        return f"sudo homeport who {story.port}"
    link = keeper(story.holders[0].why)
    return (own_tool(link) if link else "") or f"homeport free {story.port}"

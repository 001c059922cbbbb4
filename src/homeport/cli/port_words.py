"""Who holds sockets, in half a sentence, for the errors of commands that met them. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from homeport.cli.words import visible
from homeport.model.ports import ProcessStory, SocketFact


def told(stories: Sequence[ProcessStory], sockets: Sequence[SocketFact]) -> str:
    """`node (pid 4121) from /code/shop`; `a process of root` where no more may be seen."""
    names = []
    for story in stories[:2]:
        process = story.process
        place = f" from {visible(process.folder)}" if process.folder else ""
        names.append(f"{visible(process.name)} (pid {process.pid}){place}")
    if names:
        return " and ".join(names)
    users = sorted({socket.user for socket in sockets if socket.user})
    return f"a process of {', '.join(users)}" if users else "another process"

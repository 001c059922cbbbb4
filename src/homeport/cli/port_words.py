"""Who holds a port, in half a sentence, for the errors of commands that met it. Looks; never changes anything."""

from __future__ import annotations

from collections.abc import Sequence

from homeport.cli.words import visible
from homeport.model.ports import ProcessStory, SocketFact


def holders(port: int) -> str:
    """`node (pid 4121) from /code/shop`; `another process` where nothing may be seen."""
    from homeport.app.ports import who
    from homeport.machine.ports import this_computer

    story = who(this_computer(), port)
    return told(story.holders, story.listening)


def told(stories: Sequence[ProcessStory], sockets: Sequence[SocketFact]) -> str:
    names = []
    for story in stories[:2]:
        process = story.process
        place = f" from {visible(process.folder)}" if process.folder else ""
        names.append(f"{visible(process.name)} (pid {process.pid}){place}")
    if names:
        return " and ".join(names)
    users = sorted({socket.user for socket in sockets if socket.user})
    return f"a process of {', '.join(users)}" if users else "another process"

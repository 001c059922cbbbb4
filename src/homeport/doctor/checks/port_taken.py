"""Why a port cannot be had: the story of the port in, one finding out. Pure.

The same finding stands wherever homeport meets a taken port: a failed start, `homeport route --listen`, the door, the
Python API. Every code here has its entry in docs/findings.md.
"""

from __future__ import annotations

from homeport.model.endpoint import Endpoint
from homeport.model.finding import Finding
from homeport.model.ports import Occupant, PortStory, ProcessStory, SocketFact
from homeport.model.ports_free import named
from homeport.model.ports_next import leading_holders, time_wait_blocks, time_wait_left

_NAMED = 3  # holders that are named; a pool of workers may have hundreds


def explain_taken(story: PortStory) -> Finding:
    """Who or what is in the way of a server that wants this port."""
    if story.listening or story.elsewhere:
        return _listened(story)
    if story.is_reserved and "denied" in story.bindable.values():
        return _excluded(story)
    if story.is_privileged:
        return _privileged(story)
    for occupant in story.occupants:
        if occupant.kind == "connection":
            return _connected(story, occupant)
    for occupant in story.occupants:
        if occupant.kind == "bound":
            return _bound(story, occupant)
    if story.occupants:
        return _waiting(story)
    if "taken" in story.bindable.values():
        return _unseen(story)
    return Finding(
        code="port-taken",
        what=f"{_wanted(story)} was taken a moment ago",
        why="Nobody holds it any more.",
        next="try again",
    )


def _listened(story: PortStory) -> Finding:
    sockets = story.listening or story.elsewhere
    hidden = [socket for socket in sockets if not socket.pids]
    names = [_holder(holder) for holder, _ in leading_holders(story.holders)]
    if not names:
        users = sorted({socket.user for socket in hidden if socket.user})
        names = [f"a process of {' and '.join(users)}" if users else "a process that may not be seen"]
    shown = names[:_NAMED] + ([f"{len(names) - _NAMED} more"] if len(names) > _NAMED else [])
    link = story.holders[0].why[:1] if story.holders else ()
    reason = ""
    if link and link[0].kind != "init":  # everything has a first process above it
        is_told = link[0].kind in ("shell", "script", "parent", "unit")
        reason = f"; it was {link[0].text}" if is_told else f"; why it runs: {link[0].text}"
    return Finding(
        code="port-taken",
        what=f"{_wanted(story)} is taken by {' and '.join(dict.fromkeys(shown))}",
        why=f"{'They listen' if len(names) > 1 else 'It listens'} on {_places(sockets)}{reason}.",
        next=story.next or f"homeport who {story.port}",
    )


def explain_receiver(story: PortStory) -> Finding:
    """Who has the port for UDP, which `homeport free` leaves alone: it ends listeners only."""
    pids = {pid for one in story.datagrams for pid in one.pids}
    known = [process for process in story.others if process.pid in pids]
    users = sorted({one.user for one in story.datagrams if one.user})
    hidden = f"a process of {' and '.join(users)}" if users else "a process that may not be seen"
    return Finding(
        code="port-taken",
        what=f"{_wanted(story)} is taken for UDP by {' and '.join(map(named, known)) or hidden}",
        why=f"It receives on {_places(story.datagrams)}.",
        next=f"end pid {known[0].pid}, or use another port" if known else "use another port",
    )


def _excluded(story: PortStory) -> Finding:
    return Finding(
        code="port-excluded",
        what=f"{_wanted(story)} may not be opened, although nobody listens on it",
        why="It lies in a range that the system has excluded, as Hyper-V, WSL and Docker make Windows do at each boot.",
        next="netsh int ipv4 show excludedportrange protocol=tcp, and take a port outside of these ranges",
    )


def _privileged(story: PortStory) -> Finding:
    return Finding(
        code="port-privileged",
        what=f"{_wanted(story)} may not be opened by this user",
        why="Ports below 1024 are for root, or for a program with CAP_NET_BIND_SERVICE.",
        next="take a port from 1024 on",
    )


def _connected(story: PortStory, occupant: Occupant) -> Finding:
    low, high = story.ephemeral
    chance = (
        f"The system gives ports from {low} to {high} to outgoing connections, and gave this one."
        if story.is_ephemeral
        else "Its program chose this port as the near end of a connection."
    )
    return Finding(
        code="port-in-use-by-connection",
        what=f"{_wanted(story)} is used by a connection of {_user_of(story, occupant)} to {occupant.peer}",
        why=f"{chance} Nobody listens there.",
        next=f"end pid {occupant.pids[0]}, or use another port" if occupant.pids else "use another port",
    )


def _bound(story: PortStory, occupant: Occupant) -> Finding:
    return Finding(
        code="port-bound",
        what=f"{_wanted(story)} is kept by {_user_of(story, occupant)}, which does not listen on it",
        why=f"A socket is bound to {occupant.endpoint}: a lease, perhaps, or a server that is about to start.",
        next=story.next or "use another port",
    )


def _waiting(story: PortStory) -> Finding:
    left = time_wait_left(story)
    rest = left if left.startswith("up") else f"another {left}"
    is_free = "taken" not in story.bindable.values()
    count = len(story.occupants)
    whose = "a closed connection" if count == 1 else f"{count} closed connections"
    return Finding(
        code="port-time-wait",
        what=f"{_wanted(story)} is kept for {rest} by {whose} in TIME_WAIT",
        why=f"That is {time_wait_blocks(story)}.",
        next=f"wait {left}, or {'set SO_REUSEADDR' if is_free else 'use another port'}",
    )


def _unseen(story: PortStory) -> Finding:
    taken = [host for host, result in story.bindable.items() if result == "taken"]
    return Finding(
        code="port-taken",
        what=f"{_wanted(story)} is taken by somebody who may not be seen",
        why=f"Nobody listens, and yet it cannot be bound on {', '.join(taken)}.",
        next=story.next or "use another port",
    )


def _wanted(story: PortStory) -> str:
    return str(Endpoint(story.host, story.port)) if story.host else f"port {story.port}"


def _holder(holder: ProcessStory) -> str:
    process = holder.process
    place = f", started from {process.folder}" if process.folder else ""
    app = f"the app {process.app}: " if process.app else ""
    return f"{app}{named(process)}{place}"


def _user_of(story: PortStory, occupant: Occupant) -> str:
    known = [process for process in story.others if process.pid in occupant.pids]
    if known:
        return " and ".join(map(named, known))
    return f"a process of {occupant.user}" if occupant.user else "a process that may not be seen"


def _places(sockets: tuple[SocketFact, ...]) -> str:
    """`127.0.0.1:3000`, `[::]:3000 (IPv6 only)`, each once."""
    return " and ".join(dict.fromkeys(map(_place, sockets)))


def _place(socket: SocketFact) -> str:
    if socket.endpoint.host != "::":
        return str(socket.endpoint)
    return f"{socket.endpoint} ({'IPv6 only' if socket.v6only else 'IPv6 and IPv4'})"

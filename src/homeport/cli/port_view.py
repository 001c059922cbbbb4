"""The story of a port in sentences: what `homeport who` prints. Pure: a story in, lines out."""

from __future__ import annotations

from collections import Counter

from homeport.cli.terminal import Paint
from homeport.cli.words import plural, visible
from homeport.model.ports import Inside, Occupant, PortStory, ProcessFact, ProcessStory, SocketFact
from homeport.model.ports_next import leading_holders, time_wait_blocks

_SHOWN = 4  # holders that are told in full; a pool of workers may have hundreds
_BINDABLE = {"free": "free", "taken": "taken", "denied": "not allowed", "absent": "no such address"}


def story_lines(story: PortStory, paint: Paint, now_s: float) -> list[str]:
    lines = [_headline(story, paint), f"  {_about(story)}"]
    sockets = [_socket_line(one, paint, sees_all=story.sees_all) for one in (*story.listening, *story.elsewhere)]
    lines += [f"  {text}{f'  {n} sockets, SO_REUSEPORT' if n > 1 else ''}" for text, n in Counter(sockets).items()]
    lines += [f"  {paint('elsewhere:', 'dim')} {_inside_line(one)}" for one in story.inside[:_SHOWN]]
    leading = leading_holders(story.holders)
    for holder, workers in leading[:_SHOWN]:
        lines += ["", *_holder_lines(holder, workers, paint, now_s)]
    if len(leading) > _SHOWN:
        rest = ", ".join(str(holder.process.pid) for holder, _ in leading[_SHOWN:])
        lines += ["", f"and {len(leading) - _SHOWN} more: pid {rest}"]
    if blockers := _blockers(story):
        lines += ["", *(f"{paint('also:', 'dim')} {sentence}" for sentence in blockers)]
    binds = ", ".join(f"{host} {_BINDABLE[result]}" for host, result in story.bindable.items())
    lines += ["", f"{paint('bind:', 'dim')} {binds}"]
    if story.next:
        lines.append(f"{paint('next:', 'cyan')} {visible(story.next)}")
    return lines


def _headline(story: PortStory, paint: Paint) -> str:
    place = f"{'[' + story.host + ']' if ':' in story.host else story.host}:{story.port}" if story.host else ""
    place = place or f"port {story.port}"
    if not story.listening:
        where = f"; port {story.port} is used on another address" if story.elsewhere else ""
        where = where or ("; it is used in another network namespace" if story.inside else "")
        return paint(f"nobody listens on {place}{where}", "bold")
    names = sorted({visible(holder.process.name) for holder in story.holders})
    users = sorted({socket.user for socket in story.listening if socket.user})
    hidden = f"a process of {', '.join(users)} that may not be seen" if users else "a process that may not be seen"
    verb = "listens" if len(names) < 2 else "listen"
    return paint(f"{' and '.join(names) or hidden} {verb} on {place}", "bold")


def _about(story: PortStory) -> str:
    low, high = story.ephemeral
    inside = "inside" if story.is_ephemeral else "outside"
    service = f" ({story.service})" if story.service else ""
    return f"{story.kind}{service}, {inside} the range of outgoing connections ({low}-{high})"


def _socket_line(socket: SocketFact, paint: Paint, *, sees_all: bool) -> str:
    notes = []
    if socket.v6only:
        notes.append("IPv6 only")
    elif socket.endpoint.host == "::":
        notes.append("IPv6 and IPv4")
    if len(socket.pids) > 1:
        notes.append(f"shared by {len(socket.pids)} processes")
    if not socket.pids:
        where = " outside of this container, or the kernel" if sees_all else "; root would see which"
        notes.append(f"a process of {socket.user or 'another user'}{where}")
    exposed = paint("  reachable from other computers", "red") if socket.exposed else ""
    return f"{socket.endpoint}{'  ' + ', '.join(notes) if notes else ''}{exposed}"


def _inside_line(inside: Inside) -> str:
    socket = inside.socket
    pids = f", pid {', '.join(map(str, socket.pids))}" if socket.pids else ""
    owner = f", of {socket.user}" if socket.user else ""
    return f"{socket.endpoint} in {visible(inside.label)}{owner}{pids}"


def _holder_lines(holder: ProcessStory, workers: list[ProcessFact], paint: Paint, now_s: float) -> list[str]:
    process = holder.process
    lines = [f"{paint(visible(process.name), 'bold')} (pid {process.pid}) of {process.user or 'an unknown user'}"]
    if process.command and process.command != ("",):
        lines.append(f"  command  {visible(' '.join(process.command))}")
    if process.started_s:
        lines.append(f"  since    {_moment(process.started_s)} ({ago(now_s - process.started_s)})")
    if process.folder:
        branch = f" (git branch {visible(holder.branch)})" if holder.branch else ""
        lines.append(f"  folder   {visible(process.folder)}{branch}")
    if workers:
        users = {worker.user for worker in workers} - {process.user, ""}
        pids = ", ".join(str(worker.pid) for worker in workers)
        lines.append(f"  workers  pid {pids}{' of ' * bool(users)}{', '.join(sorted(users))}")
    for number, link in enumerate(holder.why):
        lines.append(f"  {'why' if not number else '':8} {'' if not number else '← '}{visible(link.text)}")
    if process.login and process.login != process.user:
        lines.append(f"  login    {visible(process.login)}, who became {process.user}")
    if process.is_deleted:
        lines.append("  note     its program was deleted or replaced since it started")
    return lines


def _blockers(story: PortStory) -> list[str]:
    found = []
    if story.is_reserved:
        found.append("reserved (ip_local_reserved_ports): never given to outgoing connections, free to bind")
    if story.is_privileged:
        found.append("privileged: only root, or a program with CAP_NET_BIND_SERVICE, may bind it")
    waiting = [one for one in story.occupants if one.kind == "time-wait"]
    if waiting:
        left = max(one.seconds_left or 0 for one in waiting)
        about = f"about {left:.0f} s left" if left else "for up to a minute"
        found.append(f"{plural(len(waiting), 'closed connection')} in TIME_WAIT, {about}: {time_wait_blocks(story)}")
    others = {process.pid: process for process in story.others}
    found += [_occupant_line(one, others) for one in story.occupants if one.kind != "time-wait"]
    return found + [f"UDP on {one.endpoint} is received by {_owner(one, others)}" for one in story.datagrams]


def _owner(one: Occupant | SocketFact, others: dict[int, ProcessFact]) -> str:
    known = [others[pid] for pid in one.pids if pid in others]
    owner = ", ".join(f"{visible(process.name)} (pid {process.pid})" for process in known)
    return owner or (f"a process of {one.user}" if one.user else "nobody any more")


def _occupant_line(occupant: Occupant, others: dict[int, ProcessFact]) -> str:
    owner = _owner(occupant, others)
    if occupant.kind == "bound":
        return f"{occupant.endpoint} is bound and not listened on, by {owner}"
    return f"a connection from {occupant.endpoint} to {occupant.peer} uses it, of {owner}"


def ago(seconds: float) -> str:
    """`12 s`, `5 min`, `3 h`, `4 days`."""
    if seconds < 100:
        return f"{max(0, seconds):.0f} s ago"
    for size, unit in ((60, "min"), (3600, "h")):
        if seconds < 100 * size or (unit == "h" and seconds < 48 * size):
            return f"{seconds / size:.0f} {unit} ago"
    return f"{seconds / 86400:.0f} days ago"


def _moment(seconds: float) -> str:
    import time

    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))

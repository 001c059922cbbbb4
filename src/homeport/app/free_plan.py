"""The plan for freeing a port: who will end, in which way, and who is left alone and why. It looks and decides; nothing
ends here. Only listening sockets count, never clients.
"""

from __future__ import annotations

from collections.abc import Mapping

from homeport.app.port_reasons import publishing, reasons
from homeport.machine.ports import Ports
from homeport.model.fact import replace
from homeport.model.ports import Link, ProcessFact, SocketFact
from homeport.model.ports_free import Ending, Plan, Refusal, named
from homeport.model.ports_next import own_tool
from homeport.model.ports_why import is_engine, is_wrapper, keeper


def plan(ports: Ports, port: int, apps: Mapping[str, str], *, user: str, force: bool = False) -> Plan:
    """`apps`: address -> route of the apps of our engine. `user`: who we are, "root" may end everybody."""
    sockets = ports.sockets(port)
    holders = {pid: process for one in sockets for pid in one.pids if (process := ports.process(pid))}
    endings: list[Ending] = []
    refusals: list[Refusal] = []
    if hidden := [one for one in sockets if not one.pids]:
        link = publishing(ports, port)
        endings += [_by_tool(ProcessFact(pid=0, user=hidden[0].user), link)] if link else []
        refusals += [] if link else [_hidden(one, user) for one in hidden]
    lines = {pid: ports.parents(process) for pid, process in holders.items()}
    tops = {pid: next((one.pid for one in reversed(above) if one.pid in holders), pid) for pid, above in lines.items()}
    for process in holders.values():
        if tops[process.pid] != process.pid:
            continue  # a worker: most end with their parent
        parents = lines[process.pid]
        address = next(str(one.endpoint) for one in sockets if process.pid in one.pids)
        route = apps.get(address, "")
        if route:
            known = route in (ending.app for ending in endings)
            endings += [] if known else [Ending(how="app", listener=process, target=process, app=route)]
            continue
        link = _told_by(user, process, keeper(reasons(ports, process)))
        if refusal := _refusal(ports, process, link, user, force):
            refusals.append(refusal)
        elif link and _may_be_told(ports, link):
            known = link.tool in (ending.tool for ending in endings)
            endings += [] if known else [_by_tool(process, link)]
        else:
            workers = tuple(holders[pid] for pid, top in tops.items() if top == process.pid != pid)
            endings.append(_ending(ports, process, parents, workers))
    return Plan(port=port, holders=tuple(holders.values()), endings=tuple(endings), refusals=tuple(refusals))


def _ending(ports: Ports, process: ProcessFact, parents: list[ProcessFact], workers: tuple[ProcessFact, ...]) -> Ending:
    leader = next((one for one in (process, *parents) if one.pid == process.group), None)
    members = ports.group(process.group) if leader else []
    reason = _unsafe(ports, process, parents, leader, members)
    if leader is None or reason:
        return Ending(how="process", listener=process, target=process, pids=(process.pid,), workers=workers, why=reason)
    whose = "which it leads" if leader.pid == process.pid else f"which {named(leader)} leads that was started for it"
    return Ending(how="group", listener=process, target=leader, pids=tuple(members), workers=workers, why=whose)


def _unsafe(
    ports: Ports, process: ProcessFact, parents: list[ProcessFact], leader: ProcessFact | None, members: list[int]
) -> str:
    """Why its process group is not signalled; '' where that is safe."""
    if leader is None:
        return "since the leader of its process group is gone or not its parent"
    if set(members) & ports.protected():
        return "since its process group is ours"
    if leader.pid == process.pid:
        return ""
    if not is_wrapper(leader) or (leader.session == leader.pid and leader.terminal):
        return f"since its process group is led by {named(leader)}"
    above = {process.pid, *(parent.pid for parent in parents)}
    facts = (ports.process(pid) for pid in members if pid not in above)
    if any(fact and process.pid not in (one.pid for one in ports.parents(fact)) for fact in facts):
        return "since its process group holds other programs"
    return ""


def _refusal(ports: Ports, process: ProcessFact, link: Link | None, user: str, force: bool) -> Refusal | None:
    if process.pid in ports.protected():
        whose = "the first process" if process.pid == 1 else "homeport itself or one of its ancestors"
        # What systemd keeps open for a service that is not started yet (systemd.socket(5)) is pid 1's.
        sockets = "systemctl list-sockets" if process.pid == 1 and process.name == "systemd" else ""
        return Refusal(what=f"{named(process)} is {whose}", next=sockets)
    if is_engine(process):
        return Refusal(
            what=f"{named(process)} is homeport's engine, with all its apps and routes", next="homeport down"
        )
    if link and link.kind == "container" and _may_be_told(ports, link):
        return None  # whoever may speak to the engine of the containers may stop them
    if user not in ("root", "", process.user):
        return Refusal(what=f"{named(process)} belongs to {process.user}", next="sudo homeport free")
    if link is None or force or _may_be_told(ports, link):
        return None
    if link.kind in ("unit", "container"):
        return Refusal(what=f"{named(process)}, {link.text}, may be started again", next=own_tool(link))
    return None


def _may_be_told(ports: Ports, link: Link) -> bool:
    """Whether its tool is here, and knows what it is told to stop."""
    return bool(link.tool) and "NAME" not in link.tool and link.kind != "homeport" and ports.has_tool(link.tool[0])


def _told_by(user: str, process: ProcessFact, link: Link | None) -> Link | None:
    """Root reaches a user's own systemd and pm2 only in the name of that user."""
    if link is None or user != "root" or process.user == "root" or not link.tool:
        return link
    if link.tool[:2] == ("systemctl", "--user"):
        return replace(link, tool=(*link.tool[:2], "--machine", f"{process.user}@", *link.tool[2:]))
    return replace(link, tool=("sudo", "-u", process.user, *link.tool)) if link.tool[0] == "pm2" else link


def _by_tool(process: ProcessFact, link: Link) -> Ending:
    return Ending(
        how="tool",
        listener=process,
        target=process,
        pids=(process.pid,) if process.pid else (),
        tool=link.tool,
        again=link.again,
        why=link.text,
    )


def _hidden(one: SocketFact, user: str) -> Refusal:
    owner = f"a process of {one.user}" if one.user else "a process"
    if user == "root":
        where = "outside of this container, or by the kernel"
        return Refusal(what=f"{one.endpoint} is held by {owner} {where}", next=f"homeport who {one.endpoint.port}")
    return Refusal(what=f"{one.endpoint} is held by {owner} that may not be seen", next="sudo homeport free")

"""Why a process runs, with the names that only other tools know: containers, tmux sessions, the timers of units.

Asks the tools where the kernel's answer says that they have one; changes nothing.
"""

from __future__ import annotations

import os

from homeport.machine.ports import Ports
from homeport.model.fact import replace
from homeport.model.ports import Link, ProcessFact
from homeport.model.ports_why import why

_INSPECT = (
    '{{.Name}}\t{{index .Config.Labels "com.docker.compose.project"}}'
    '\t{{index .Config.Labels "com.docker.compose.service"}}'
)
_PUBLISHED = "{{.ID}}\t{{.Names}}"
ENGINES = ("docker", "podman")


def reasons(ports: Ports, process: ProcessFact) -> tuple[Link, ...]:
    """The chain, nearest first."""
    links = why(process, lineage(ports, process), ports.environment(process.pid))
    return tuple(_named(ports, link, process) for link in links)


def lineage(ports: Ports, process: ProcessFact) -> list[ProcessFact]:
    """Its ancestors, nearest first; for one whose parent has left, also the shell whose session it is still in."""
    parents = ports.parents(process)
    leader = ports.process(process.session) if process.session > 1 else None
    if leader is None or leader.start > process.start or leader.pid in (process.pid, *(one.pid for one in parents)):
        return parents
    above = [leader, *ports.parents(leader)]
    return [*(one for one in parents if one.pid not in {other.pid for other in above}), *above]


def publishing(ports: Ports, port: int, engines: tuple[str, ...] = ENGINES) -> Link | None:
    """The container that publishes a port, whoever holds the socket."""
    for engine in engines:
        if not ports.has_tool(engine):
            continue
        said = ports.ask((engine, "ps", "--filter", f"publish={port}", "--format", _PUBLISHED))
        number, _, name = (said.splitlines() or [""])[0].partition("\t")
        if number:
            text = f"for the container {name or number}, which publishes this port ({engine.capitalize()})"
            return Link(kind="container", text=text, name=name or number, tool=(engine, "stop", name or number))
    return None


def docker_container(ports: Ports, port: int) -> str:
    """The name of the Docker container that publishes a port, or ''. Podman's ports are those of ordinary processes."""
    link = publishing(ports, port, ("docker",))
    return link.name if link else ""


def container_names(ports: Ports) -> dict[str, str]:
    """The first 12 digits of a container's number -> its name, for all that run."""
    found = {}
    for engine in ENGINES:
        said = ports.ask((engine, "ps", "--format", _PUBLISHED)) if ports.has_tool(engine) else ""
        for line in said.splitlines():
            number, _, name = line.partition("\t")
            found[number[:12]] = name
    return found


def _named(ports: Ports, link: Link, process: ProcessFact) -> Link:
    if link.kind == "container" and link.tool:
        return _container(ports, link)
    if link.kind == "container" and not link.name:
        return publishing(ports, _published_port(process)) or link
    if link.kind == "unit":
        return _timer(ports, link)
    if link.kind == "tmux":
        return _tmux(ports, link, process)
    return link


def _container(ports: Ports, link: Link) -> Link:
    engine, *_ = link.tool
    said = ports.ask((engine, "inspect", "--format", _INSPECT, link.name)).strip("\n")
    name, project, service = (*said.split("\t"), "", "")[:3]
    name = name.strip().removeprefix("/")
    if not name:
        return link
    compose = f", service {service} of the compose project {project}" if project.strip() and service.strip() else ""
    text = f"in the container {name} ({engine.capitalize()}{compose})"
    return replace(link, text=text, name=name, tool=(engine, "stop", name))


def _published_port(proxy: ProcessFact) -> int:
    """docker-proxy is told it on its command line: `-host-port 8080`."""
    words = proxy.command
    at = words.index("-host-port") + 1 if "-host-port" in words else len(words)
    return int(words[at]) if at < len(words) and words[at].isdigit() else 0


def _timer(ports: Ports, link: Link) -> Link:
    scope = ("--user",) if link.name.startswith("--user ") else ()
    unit = link.name.rpartition(" ")[2]
    said = ports.ask(("systemctl", *scope, "show", "--property=TriggeredBy", "--value", unit)).split()
    return replace(link, again=said[0], text=f"{link.text}, started by {said[0]}") if said else link


def _tmux(ports: Ports, link: Link, process: ProcessFact) -> Link:
    """Only of our own processes: a tmux client runs whatever the server behind the socket tells it to."""
    me = ports.process(os.getpid())
    environment = ports.environment(process.pid)
    socket, pane = environment.get("TMUX", "").partition(",")[0], environment.get("TMUX_PANE", "")
    if not socket or not pane or me is None or me.user != process.user:
        return link
    name = ports.ask(("tmux", "-S", socket, "display-message", "-p", "-t", pane, "#{session_name}")).strip()
    if not name:
        return link
    return replace(link, text=link.text.replace("in tmux", f"in the tmux session {name}"), name=name)

"""The story of a port and the table of all ports: facts of the computer put together. Needs no engine and no root.

Imports little: `homeport who` is typed while somebody waits for a server. It never changes anything.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from homeport.app.port_reasons import container_names, reasons
from homeport.machine.ports import Ports
from homeport.model.errors import HomeportError
from homeport.model.fact import Fact, replace
from homeport.model.ports import (
    Inside,
    PortClass,
    PortStory,
    ProcessFact,
    ProcessStory,
    SocketFact,
    answering,
    port_class,
    usual_use,
)
from homeport.model.ports_cgroup import container_of
from homeport.model.ports_next import next_step

_EXAMPLE = "homeport who 3000"


class PortRow(Fact):
    """A listening socket with one of its holders; `processes` counts all of them."""

    protocol: str
    address: str
    port: int
    kind: PortClass
    service: str = ""
    user: str = ""
    pid: int = 0
    processes: int = 0
    process: str = ""
    folder: str = ""
    app: str = ""
    container: str = ""  # its name, or its number where no tool tells the name
    is_exposed: bool = False
    is_ephemeral: bool = False
    pids: tuple[int, ...] = ()


def parse_place(text: str) -> tuple[str, int]:
    """`3000`, `:3000`, `[::1]:3000`, `localhost:3000` or a URL as a host ("" for any) and a port.

    Raises HomeportError("bad-usage").
    """
    from homeport.model.endpoint import parse_endpoint

    wrong = HomeportError("bad-usage", f"{text!r} is not a port from 1 to 65535, or an address with one", _EXAMPLE)
    scheme, has_scheme, rest = text.strip().partition("://")
    place = rest.partition("/")[0] if has_scheme else text
    if has_scheme and not place.rpartition("]")[2].rpartition(":")[2].isdigit():
        place += {"https": ":443"}.get(scheme, ":80")
    try:
        endpoint = parse_endpoint(place, default_host="*")
    except HomeportError as error:
        raise (error if "[" in error.hint else wrong) from None  # brackets that are missing are told as such
    if endpoint.path or not endpoint.port:
        raise wrong
    host = endpoint.host.lower()
    return "" if host == "*" else _checked(host, text), endpoint.port


def who(ports: Ports, port: int, host: str = "") -> PortStory:
    """Everything about one port, now. With a host only who answers there counts as listening."""
    found = ports.sockets(port, udp=True)
    every = [socket for socket in found if socket.protocol == "tcp"]
    datagrams = [socket for socket in found if socket.protocol == "udp"]
    listening = answering(every, host)
    elsewhere = [socket for socket in every if socket not in listening]
    # Connections to a listener belong to it.
    occupants = [one for one in ports.occupants(port) if not answering(every, one.endpoint.host)]
    low, high = ports.ephemeral_range()
    binds = ports.bindable(port)
    story = PortStory(
        port=port,
        host=host,
        kind=port_class(port),
        service=service_of(port),
        ephemeral=(low, high),
        is_ephemeral=low <= port <= high,
        is_reserved=any(first <= port <= last for first, last in ports.reserved()),
        is_privileged=port < ports.unprivileged_from() and "denied" in binds.values(),
        listening=tuple(listening),
        elsewhere=tuple(elsewhere),
        inside=() if every else _inside(ports, port),
        holders=tuple(story_of(ports, process) for process in _processes(ports, listening or elsewhere)),
        datagrams=tuple(datagrams),
        sees_all=_is_root(ports),
        occupants=tuple(occupants),
        others=_others(ports, [*(one.pids for one in occupants), *(one.pids for one in datagrams)]),
        bindable=binds,
    )
    return replace(story, next=next_step(story))


def _others(ports: Ports, holders: list[tuple[int, ...]]) -> tuple[ProcessFact, ...]:
    return tuple(filter(None, map(ports.process, sorted({pid for pids in holders for pid in pids}))))


def _inside(ports: Ports, port: int) -> tuple[Inside, ...]:
    return tuple(Inside(label=label, socket=socket) for label, socket in ports.namespaces_sockets(port))


def story_of(ports: Ports, process: ProcessFact) -> ProcessStory:
    repository, branch = ports.repository(process.folder)
    return ProcessStory(process=process, repository=repository, branch=branch, why=reasons(ports, process))


def listing(ports: Ports, *, udp: bool = False) -> list[PortRow]:
    """A row for each listening socket, by port and address."""
    low, high = ports.ephemeral_range()
    known: dict[int, ProcessFact | None] = {}
    names: dict[str, str] | None = None
    rows = []
    for socket in ports.sockets(udp=udp):
        for pid in socket.pids[:1]:
            known[pid] = known[pid] if pid in known else ports.process(pid)
        first = known.get(socket.pids[0]) if socket.pids else None
        container = first and container_of(first.cgroup)[1]
        if container and names is None:
            names = container_names(ports)
        port = socket.endpoint.port
        rows.append(
            PortRow(
                protocol=socket.protocol,
                address=socket.endpoint.host,
                port=port,
                kind=port_class(port),
                service=service_of(port, socket.protocol),
                user=socket.user or (first.user if first else ""),
                pid=socket.pids[0] if socket.pids else 0,
                processes=len(socket.pids),
                process=first.name if first else "",
                folder=first.folder if first else "",
                app=first.app if first else "",
                container=(names or {}).get(container, container) if container else "",
                is_exposed=socket.exposed,
                is_ephemeral=low <= port <= high,
                pids=socket.pids,
            )
        )
    return sorted(rows, key=lambda row: (row.port, row.protocol, row.address, row.pid))


def own(rows: Sequence[PortRow], ports: Ports) -> list[PortRow]:
    """Those of the user that we run as; root's are everybody's."""
    me = ports.process(os.getpid())
    if me is None or not me.user or me.user == "root":
        return list(rows)
    return [row for row in rows if row.user == me.user]


def _is_root(ports: Ports) -> bool:
    me = ports.process(os.getpid())
    return me is not None and me.user == "root"


def matching(rows: Sequence[PortRow], words: Sequence[str]) -> list[PortRow]:
    """Those in which every word occurs; a number is a port or a pid and nothing less."""
    return [row for row in rows if all(_matches(row, word.lower()) for word in words)]


def _matches(row: PortRow, word: str) -> bool:
    if word.isdigit():
        return int(word) == row.port or int(word) in row.pids
    if word == "exposed":
        return row.is_exposed
    texts = (
        row.protocol,
        row.address,
        row.kind,
        row.service,
        row.user,
        row.process,
        row.folder,
        row.app,
        row.container,
    )
    return any(word in text.lower() for text in texts)


def service_of(port: int, protocol: str = "tcp") -> str:
    """The registered name, or what developers mostly meet there."""
    import socket

    try:
        return socket.getservbyport(port, protocol)
    except OSError:
        return usual_use(port)


def _processes(ports: Ports, sockets: list[SocketFact]) -> list[ProcessFact]:
    """All holders once, parents before the workers they made."""
    pids = sorted({pid for socket in sockets for pid in socket.pids})
    found = [process for pid in pids if (process := ports.process(pid))]
    return sorted(found, key=lambda process: (process.parent in pids, process.start, process.pid))


def _checked(host: str, text: str) -> str:
    """An address or a name of this computer; other names are not ours to look at."""
    import ipaddress

    if host == "localhost" or host.endswith(".localhost"):
        return host
    try:
        return str(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:
        raise HomeportError(
            "bad-usage", f"{text!r} is not an address of this computer", "homeport who 127.0.0.1:3000"
        ) from None

"""What is said about a port that cannot be had: for each situation the whole finding."""

from __future__ import annotations

from typing import Any

import pytest

from homeport.doctor.checks.port_taken import explain_taken
from homeport.model.endpoint import Endpoint
from homeport.model.finding import Finding
from homeport.model.ports import Link, Occupant, PortStory, ProcessFact, ProcessStory, SocketFact
from homeport.model.ports_next import is_taken

NODE = ProcessFact(pid=4121, name="node", folder="/home/ann/shop", parent=99)
HERE = Endpoint("127.0.0.1", 3000)


def story(*sockets: SocketFact, holders: tuple[ProcessStory, ...] = (), **more: Any) -> PortStory:
    known: dict[str, Any] = {"port": 3000, "kind": "registered", "ephemeral": (32768, 60999), **more}
    return PortStory(listening=sockets, holders=holders, **known)


def listener(host: str = "127.0.0.1", **more: Any) -> SocketFact:
    return SocketFact(endpoint=Endpoint(host, 3000), **{"pids": (4121,), "user": "ann", **more})


INIT = Link(kind="init", text="systemd (pid 1)", pid=1)
STORY = story(listener(), holders=(ProcessStory(process=NODE, why=(INIT,)),), next="homeport free 3000")
TAKEN = {"127.0.0.1": "taken", "::1": "free", "0.0.0.0": "taken", "::": "free"}

TOLD = [
    (
        STORY,
        "port-taken",
        "port 3000 is taken by node (pid 4121), started from /home/ann/shop",
        "It listens on 127.0.0.1:3000.",
        "homeport free 3000",
    ),
    (
        story(
            listener("::", v6only=True),
            holders=(ProcessStory(process=NODE, why=(Link(kind="shell", text="started in a shell on pts/3"),)),),
            host="::1",
        ),
        "port-taken",
        "[::1]:3000 is taken by node (pid 4121), started from /home/ann/shop",
        "It listens on [::]:3000 (IPv6 only); it was started in a shell on pts/3.",
        "homeport who 3000",
    ),
    (
        story(
            listener(),
            listener("::"),
            holders=(
                ProcessStory(process=NODE, why=(Link(kind="unit", text="run by the systemd unit shop.service"),)),
                ProcessStory(process=ProcessFact(pid=4122, name="node", parent=4121)),
                ProcessStory(process=ProcessFact(pid=9, name="nginx", app="web")),
            ),
            next="systemctl stop shop.service",
        ),
        "port-taken",
        "port 3000 is taken by node (pid 4121), started from /home/ann/shop and the app web: nginx (pid 9)",
        "They listen on 127.0.0.1:3000 and [::]:3000 (IPv6 and IPv4); it was run by the systemd unit shop.service.",
        "systemctl stop shop.service",
    ),
    (
        story(listener(pids=(), user="postgres"), next="sudo homeport who 3000"),
        "port-taken",
        "port 3000 is taken by a process of postgres",
        "It listens on 127.0.0.1:3000.",
        "sudo homeport who 3000",
    ),
    (
        story(bindable=TAKEN, occupants=(Occupant(kind="time-wait", endpoint=HERE, seconds_left=41.2),)),
        "port-time-wait",
        "port 3000 is kept for another 41 s by a closed connection in TIME_WAIT",
        "That is in the way even of servers that set SO_REUSEADDR, since the socket that was closed had not.",
        "wait 41 s, or use another port",
    ),
    (
        story(bindable={"127.0.0.1": "free"}, occupants=(Occupant(kind="time-wait", endpoint=HERE),)),
        "port-time-wait",
        "port 3000 is kept for up to a minute by a closed connection in TIME_WAIT",
        "That is in the way only of servers that do not set SO_REUSEADDR.",
        "wait up to a minute, or set SO_REUSEADDR",
    ),
    (
        story(
            port=40000,
            is_ephemeral=True,
            bindable=TAKEN,
            occupants=(
                Occupant(
                    kind="connection",
                    endpoint=Endpoint("127.0.0.1", 40000),
                    peer=Endpoint("127.0.0.1", 5432),
                    pids=(4121,),
                ),
            ),
            others=(NODE,),
        ),
        "port-in-use-by-connection",
        "port 40000 is used by a connection of node (pid 4121) to 127.0.0.1:5432",
        "The system gives ports from 32768 to 60999 to outgoing connections, and gave this one. Nobody listens there.",
        "end pid 4121, or use another port",
    ),
    (
        story(bindable=TAKEN, occupants=(Occupant(kind="bound", endpoint=HERE, user="bob"),)),
        "port-bound",
        "port 3000 is kept by a process of bob, which does not listen on it",
        "A socket is bound to 127.0.0.1:3000: a lease, perhaps, or a server that is about to start.",
        "use another port",
    ),
    (
        story(port=80, is_privileged=True, bindable=dict.fromkeys(TAKEN, "denied")),
        "port-privileged",
        "port 80 may not be opened by this user",
        "Ports below 1024 are for root, or for a program with CAP_NET_BIND_SERVICE.",
        "take a port from 1024 on",
    ),
    (
        story(port=50001, is_reserved=True, bindable=dict.fromkeys(TAKEN, "denied")),
        "port-excluded",
        "port 50001 may not be opened, although nobody listens on it",
        "It lies in a range that the system has excluded, as Hyper-V, WSL and Docker make Windows do at each boot.",
        "netsh int ipv4 show excludedportrange protocol=tcp, and take a port outside of these ranges",
    ),
    (
        story(bindable=TAKEN),
        "port-taken",
        "port 3000 is taken by somebody who may not be seen",
        "Nobody listens, and yet it cannot be bound on 127.0.0.1, 0.0.0.0.",
        "use another port",
    ),
]


@pytest.mark.parametrize(("known", "code", "what", "why", "following"), TOLD)
def test_what_is_in_the_way(known: PortStory, code: str, what: str, why: str, following: str) -> None:
    assert explain_taken(known) == Finding(code=code, what=what, why=why, next=following)
    assert is_taken(known)


def test_a_port_that_is_free_again() -> None:
    free = story(bindable=dict.fromkeys(TAKEN, "free"))
    assert explain_taken(free).next == "try again"
    assert not is_taken(free)


def test_the_many_are_counted() -> None:
    pool = tuple(ProcessStory(process=ProcessFact(pid=pid, name="worker")) for pid in range(10, 16))
    finding = explain_taken(story(listener(), holders=pool))
    assert finding.what.endswith("worker (pid 10) and worker (pid 11) and worker (pid 12) and 3 more")

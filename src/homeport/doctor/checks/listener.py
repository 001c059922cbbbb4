"""Who listens: nobody, somebody elsewhere, two at once, or for the whole network. Pure."""

from __future__ import annotations

from homeport.doctor.checks.firewall import explain_docker_past_ufw
from homeport.doctor.checks.naming import are_one_app, holder, listed, place, url
from homeport.doctor.checks.port_taken import explain_taken
from homeport.doctor.facts import Client, Listening, PathFacts
from homeport.model.finding import Finding

_LOOPBACK = ("127.0.0.1", "::1")
_PROGRAMS: dict[Client, str] = {
    "browser": "browsers",
    "curl": "curl",
    "getaddrinfo": "programs that ask the system (Python, Java)",
    "node": "Node",
}


def explain_listener(facts: PathFacts) -> Finding | None:
    """Why nobody answers at an address that refused."""
    if facts.connected or not any(one.outcome in ("refused", "no-address") for one in facts.reached):
        return None
    if facts.target.unix:
        return Finding(
            code="nobody-listens",
            what=f"nobody listens on the socket {facts.target.unix}",
            why="The file is missing, or was left behind by a server that ended.",
            next="start the server",
        )
    if any(facts.listeners_at(one.endpoint.host) for one in facts.reached):
        return None  # somebody does, and yet it was refused: see firewall.py
    return _elsewhere(facts) or _in_namespace(facts) or _nobody(facts)


def explain_unreached(facts: PathFacts) -> Finding | None:
    """What no other check has explained: another computer, or an address that means nothing here."""
    if facts.connected or not facts.reached:
        return None
    reach = facts.reached[0]
    said = {"timeout": "Nothing came back in time.", "refused": "It refused the connection."}
    return Finding(
        code="not-reached",
        what=f"{reach.endpoint} could not be reached",
        why=said.get(reach.outcome, f"The system said {reach.error or 'nothing more'}."),
        next="homeport doctor says whether this computer's own network is well",
    )


def explain_two_servers(facts: PathFacts) -> Finding | None:
    """[::1] and 127.0.0.1 are different sockets: who gets which server depends on the client."""
    if facts.connected is None or facts.target.unix:
        return None
    six, four = facts.listeners_at("::1"), facts.listeners_at("127.0.0.1")
    if not six or not four or are_one_app(six[0], four[0]):
        return None
    by_name = (
        f"Browsers take [::1] first for {facts.target.host}; "
        if facts.names
        else "Browsers take [::1] first for localhost; "
    )
    return Finding(
        code="different-servers",
        level="problem" if facts.names else "warning",
        what=f"two servers share port {facts.target.port}: {holder(six[0])} on {six[0].socket.endpoint}, "
        f"and {holder(four[0])} on {four[0].socket.endpoint}",
        why=f"{by_name}others take 127.0.0.1, so the wrong one may answer.",
        next=f"end one of them, or name the address: {url(facts, '127.0.0.1')}",
    )


def explain_one_family(facts: PathFacts) -> Finding | None:
    """Works in one tool and not in another: clients that never try the address where it answers."""
    if facts.connected is None:
        return None
    answers = {one.endpoint.host for one in facts.reached if one.outcome == "connected"}
    at_home = [one for one in facts.names if one.is_known and one.addresses and set(one.addresses) <= set(_LOOPBACK)]
    missing = [one for one in at_home if not answers & set(one.addresses)]
    if missing:
        return Finding(
            code="one-family",
            level="warning",
            what=f"{place(facts)} answers on {listed(sorted(answers))} only, "
            f"where {listed(_PROGRAMS[one.client] for one in missing)} never look",
            why=f"To them {facts.target.host} is {listed(missing[0].addresses)} alone.",
            next=f"let the server listen on {missing[0].addresses[0]} as well, "
            f"or add `{min(answers)} {facts.target.host}` to /etc/hosts",
        )
    first = [one for one in at_home if not one.tries_all and one.addresses[0] not in answers]
    if first:
        return Finding(
            code="one-family",
            level="note",
            what=f"{place(facts)} answers on {listed(sorted(answers))}, not on {first[0].addresses[0]}",
            why="Node 17 to 19, and programs that try one address only, take that one first and are refused.",
            next=f"use {url(facts, min(answers))} in such programs",
        )
    return None


def explain_exposed(facts: PathFacts) -> Finding | None:
    connected = [one.endpoint for one in facts.reached if one.outcome == "connected"]
    hosts = [one.host for one in connected if one.is_loopback or one.host in ("0.0.0.0", "::")]
    open_to_all = [one for host in hosts for one in facts.listeners_at(host) if one.socket.exposed]
    if not open_to_all:
        return None
    one, port = open_to_all[0], facts.target.port
    who = f"Docker, for the container {facts.container}," if facts.container else holder(one)
    is_docker = one.is_docker or bool(facts.container)
    return Finding(
        code="exposed",
        level="warning",
        what=f"{who} listens on {one.socket.endpoint}: other computers can reach it",
        why="An address for all interfaces takes connections from the whole network, unless a firewall is in between.",
        next=f"publish it as -p 127.0.0.1:{port}:{port}" if is_docker else "let it listen on 127.0.0.1",
    )


def explain_docker(facts: PathFacts) -> Finding | None:
    open_to_all = [one for one in facts.listening if one.socket.exposed]
    published = [one for one in open_to_all if one.is_docker or facts.container]
    if not published:
        return None
    return explain_docker_past_ufw(str(published[0].socket.endpoint), facts.firewalls, is_docker=True)


def _elsewhere(facts: PathFacts) -> Finding | None:
    others = [one.socket for one in facts.listening]
    if others:
        one: Listening = facts.listening[0]
        host = one.socket.endpoint.host
        return Finding(
            code="listens-elsewhere",
            what=f"nothing listens on {place(facts)}, but {holder(one)} listens on "
            f"{listed(str(socket.endpoint) for socket in others)}",
            why=_difference(host, facts),
            next=f"open {url(facts, host)}, or let it listen on {_wanted(facts)}",
        )
    if facts.siblings:
        return Finding(
            code="listens-elsewhere",
            what=f"nothing listens on {place(facts)}, but the app there listens on {listed(facts.siblings)}",
            why="It chose a port of its own, or was given another one.",
            next=f"open http://{facts.siblings[0]}{facts.target.path}",
        )
    return None


def _in_namespace(facts: PathFacts) -> Finding | None:
    if not facts.namespaces:
        return None
    label, socket = facts.namespaces[0]
    return Finding(
        code="listens-in-namespace",
        what=f"nothing listens on {place(facts)} here, but in {label} something listens on {socket.endpoint}",
        why="A container or a network namespace has a 127.0.0.1 of its own, which cannot be reached from here.",
        next=f"publish the port (docker run -p 127.0.0.1:{facts.target.port}:{facts.target.port}, "
        "with the server on 0.0.0.0 inside)",
    )


def _nobody(facts: PathFacts) -> Finding:
    """Somebody else's use of the port may be why the server could not start."""
    story = facts.story
    if story and any(one.kind in ("connection", "bound") for one in story.occupants):
        taken = explain_taken(story)
        return Finding(code=taken.code, what=taken.what, why=taken.why, next=taken.next)  # its code is documented there
    return Finding(
        code="nobody-listens",
        what=f"nobody listens on {place(facts)}",
        why="The server does not run, or runs on another port.",
        next="start it; `homeport ports` lists what runs",
    )


def _difference(host: str, facts: PathFacts) -> str:
    wanted = _wanted(facts)
    if (":" in host) != (":" in wanted):
        return "IPv4 and IPv6 are different sockets: a client of the one never meets the other."
    if host.startswith("127."):
        return f"Every address in 127.0.0.0/8 is one of its own: {host} is not {wanted}."
    return f"{host} is an address of one network interface, and loopback is another."


def _wanted(facts: PathFacts) -> str:
    return facts.target.host if not facts.names else "127.0.0.1"

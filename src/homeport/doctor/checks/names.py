"""Names that lead nowhere, or elsewhere: the hosts file, the resolver, and clients that disagree. Pure."""

from __future__ import annotations

from homeport.doctor.checks.naming import listed, url
from homeport.doctor.facts import MachineFacts, PathFacts, Resolved
from homeport.model.finding import Finding

_HOSTS = "/etc/hosts"


def explain_localhost(machine: MachineFacts) -> Finding | None:
    """`localhost` itself: programs that ask the system depend on it."""
    found = machine.localhost
    if found is None:
        return None
    if not found.is_known:
        return Finding(
            code="resolver-silent",
            what="the system does not resolve localhost in time",
            why=f"{_begun(found.why)}. The hosts file has no line for it that counts, so a server was asked.",
            next=f"add `127.0.0.1 localhost` and `::1 localhost` to {_HOSTS}",
        )
    wrong = [address for address in found.addresses if not _is_loopback(address)]
    if wrong:
        lines = [f"{address} {name}" for address, name in machine.hosts if not _is_loopback(address)]
        why = (
            f"The hosts file says `{'`, `'.join(lines)}`."
            if lines
            else "No line of the hosts file says so: a resolver does."
        )
        return Finding(
            code="hosts-file",
            what=f"localhost leads to {listed(wrong)}, which is not this computer's loopback",
            why=why,
            next=f"correct {_HOSTS}: `127.0.0.1 localhost` and `::1 localhost`",
        )
    if not found.addresses:
        lines = [f"{address} {name}" for address, name in machine.hosts if name == "localhost"]
        why = f"The hosts file has `{'`, `'.join(lines)}`." if lines else "The hosts file has no line for it."
        return Finding(
            code="hosts-file",
            what=f"the system does not know localhost: {found.why}",
            why=f"{why} Browsers and curl know it by themselves; Node, Python, Java and databases do not.",
            next=f"add `127.0.0.1 localhost` and `::1 localhost` to {_HOSTS}",
        )
    return None


def explain_names(facts: PathFacts) -> Finding | None:
    """The name of this path."""
    if not facts.names:
        return None
    host = facts.target.host
    if host == "localhost":
        return explain_localhost(facts.machine)
    system = _system(facts.names)
    if facts.target.is_local_name:
        return _below_localhost(facts, host, system)
    if system.is_known and not system.addresses:
        if meant := _meant(host):
            return Finding(
                code="name-not-found",
                what=f"{host} is not found; it is written like {meant}",
                why=f"The system's resolver says: {system.why}.",
                next=f"open {url(facts, meant)}",
            )
        return Finding(
            code="name-not-found",
            what=f"{host} is not found",
            why=f"The system's resolver says: {system.why}. Only localhost and what is below it works without help.",
            next=f"use a name below localhost, or add `127.0.0.1 {host}` to {_HOSTS}",
        )
    if not system.is_known:
        return Finding(
            code="resolver-silent",
            what=f"{host} was not resolved in time",
            why=f"{_begun(system.why)}.",
            next="look at the servers in /etc/resolv.conf, or use an address",
        )
    return None


def _below_localhost(facts: PathFacts, host: str, system: Resolved) -> Finding | None:
    wrong = [address for address in system.addresses if not _is_loopback(address)]
    if wrong:
        from_hosts = [f"{address} {name}" for address, name in facts.machine.hosts if name == host]
        why = f"The hosts file says `{from_hosts[0]}`." if from_hosts else "A resolver says so."
        return Finding(
            code="name-leads-away",
            what=f"{host} leads to {listed(wrong)} for programs that ask the system, and to loopback for browsers",
            why=f"{why} RFC 6761 keeps every name below localhost for loopback.",
            next=f"correct {_HOSTS}, or the resolver that answers",
        )
    if system.addresses:
        return None
    said = system.why if system.is_known else f"not known, because {system.why}"
    return Finding(
        code="name-only-in-browsers",
        level="note",
        what=f"{host} is known to browsers and curl, not to programs that ask the system (Node, Python, Java)",
        why=f"The system says: {said}. Names below localhost are built into browsers, and into few resolvers.",
        next=f"use {facts.target.everywhere} there"
        if facts.target.everywhere
        else f"use {url(facts, '127.0.0.1')} there, with the Host header {host} where the name counts",
    )


def _meant(host: str) -> str:
    """A name whose last part is a slip of the pen for localhost, as it was meant; else ''."""
    import difflib

    before, dot, last = host.rpartition(".")
    return f"{before}{dot}localhost" if difflib.get_close_matches(last, ["localhost"], cutoff=0.75) else ""


def _system(names: tuple[Resolved, ...]) -> Resolved:
    return next((one for one in names if one.client == "getaddrinfo"), Resolved(client="getaddrinfo", is_known=False))


def _is_loopback(address: str) -> bool:
    return address.startswith("127.") or address == "::1"


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]

"""The error for a port that could not be had, with the doctor's finding for what is in the way. Only looks."""

from __future__ import annotations

from collections.abc import Callable

from homeport.app.ports import who
from homeport.doctor.checks.port_taken import explain_receiver, explain_taken
from homeport.machine.ports import Ports
from homeport.model.endpoint import Endpoint
from homeport.model.errors import HomeportError
from homeport.model.finding import Finding
from homeport.model.ports_next import is_taken

FindTaken = Callable[[Endpoint], Finding | None]


def find_taken(ports: Ports, wanted: Endpoint, *, udp: bool = False) -> Finding | None:
    """None where nothing is in the way (any more). With `udp` it was wanted for datagrams, too or alone."""
    story = who(ports, wanted.port, wanted.host)
    if udp and story.datagrams and not story.listening:
        return explain_receiver(story)
    return explain_taken(story) if is_taken(story) else None


def told(error: HomeportError, wanted: Endpoint, find: FindTaken) -> HomeportError:
    """`error`, or the better one where it is about a taken port and somebody is found there."""
    finding = find(wanted) if error.code == "port-taken" and wanted.port else None
    if finding is None:
        return error
    return HomeportError("port-taken", f"{finding.what}. {finding.why}".strip().rstrip("."), finding.next)

"""An app that accepts no more: its queue is full, and the system drops whoever else asks. Pure."""

from __future__ import annotations

from homeport.doctor.checks.naming import holder
from homeport.doctor.facts import PathFacts
from homeport.model.finding import Finding


def explain_accept_queue(facts: PathFacts) -> Finding | None:
    for reach in facts.reached if facts.connected is None else ():
        for one in facts.listeners_at(reach.endpoint.host) if reach.outcome == "timeout" else ():
            if one.queue and one.queue.is_full:
                limit = one.queue.limit
                return Finding(
                    code="accept-queue-full",
                    what=f"{holder(one)} listens on {one.socket.endpoint}, but accepts no connection: it hangs",
                    why=f"{one.queue.waiting} connections wait to be accepted, and its queue holds {limit}. "
                    "It is stopped in a debugger, busy in its only thread, or waits for something itself.",
                    next=f"homeport who {facts.target.port}, and start it anew",
                )
    return None

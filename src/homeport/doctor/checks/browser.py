"""What browsers do of their own accord: ports that they refuse, whatever listens there. Pure."""

from __future__ import annotations

from homeport.doctor.facts import PathFacts
from homeport.model.finding import Finding

# The "bad ports" of the Fetch standard (fetch.spec.whatwg.org, port blocking) from 1024 on, and those below it that
# developers meet.
UNSAFE = frozenset(
    {1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110,
     111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532,
     540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061,
     6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080}
)  # fmt: skip


def explain_unsafe_port(facts: PathFacts) -> Finding | None:
    if not facts.target.scheme or facts.target.port not in UNSAFE:
        return None
    return Finding(
        code="unsafe-port",
        level="warning",
        what=f"no browser opens port {facts.target.port}: it shows ERR_UNSAFE_PORT and sends nothing",
        why="The Fetch standard keeps a list of ports of other protocols, so that no page can talk to those.",
        next="give the server another port, such as 3000",
    )

"""What the doctor needs from others, as small protocols. `app/doctor.py` hands over the real parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, Protocol

import msgspec

from homeport.doctor.facts import OwnAuthority
from homeport.machine.network import Network
from homeport.machine.ports import Ports
from homeport.model.endpoint import Endpoint
from homeport.model.firewall import Deciding, FirewallState
from homeport.model.ports import PortStory, SocketFact


class Firewall(Protocol):
    """What a walk asks of homeport.machine.firewall."""

    def states(self) -> list[FirewallState]: ...

    def deciding(
        self, endpoint: Endpoint, protocol: Literal["tcp", "udp"] = "tcp", uid: int | None = None
    ) -> Deciding | None: ...


class Hands(msgspec.Struct, frozen=True, kw_only=True):
    """What a walk looks with. `story` tells all about a port, `namespaces` who listens on it in other networks,
    `container` the name of the Docker container that publishes it. `authority` tells, by the issuer of a certificate,
    whether it is of homeport's CA and who trusts that.

    `uid`: whose connections are tried, where that is not us (under sudo: whoever called it).
    """

    ports: Ports
    network: Network
    firewall: Firewall
    environment: Mapping[str, str]
    story: Callable[[int], PortStory]
    namespaces: Callable[[int], list[tuple[str, SocketFact]]]
    container: Callable[[int], str]
    authority: Callable[[str], OwnAuthority | None]
    uid: int | None = None

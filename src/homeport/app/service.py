"""The service: every use case, grouped by noun, once. `homeport.control.client.Client` is the same bundle over HTTP."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from homeport.app.apps import AppsUseCases
from homeport.app.clients import ClientsUseCases
from homeport.app.conditions import ConditionsUseCases
from homeport.app.engine import EngineUseCases
from homeport.app.events import Hub, Subscription
from homeport.app.leases import LeasesUseCases
from homeport.app.logs import LogsUseCases
from homeport.app.routes import RoutesUseCases
from homeport.app.tokens import TokensUseCases
from homeport.app.traffic import TrafficUseCases


@dataclass(frozen=True, slots=True)
class Service:
    apps: AppsUseCases
    routes: RoutesUseCases
    traffic: TrafficUseCases
    logs: LogsUseCases
    leases: LeasesUseCases
    tokens: TokensUseCases
    conditions: ConditionsUseCases
    clients: ClientsUseCases
    engine: EngineUseCases
    hub: Hub

    def events(self, filter: str = "", apps: Collection[str] = (), kinds: Collection[str] = ()) -> Subscription:  # noqa: A002
        """Watch what changes: see homeport.app.events."""
        return self.hub.subscribe(filter, apps, kinds)

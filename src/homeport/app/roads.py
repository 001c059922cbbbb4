"""The table of routes as the use cases see it: extra routes with their targets, and the routes of apps.

It plugs targets into the gateway and describes what stands there; it carries no byte.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from homeport.app.rules import control_rule, make_rule, why_not_connect
from homeport.app.taken import FindTaken, told
from homeport.app.upstream_tls import upstream_context
from homeport.app.urls import Urls
from homeport.gateway.access import Rule
from homeport.gateway.door import Door
from homeport.gateway.routes import CONTROL, Route
from homeport.gateway.seams import Target
from homeport.gateway.secure import SecureUpstream
from homeport.gateway.stream_relay import StreamRelay
from homeport.gateway.tcp import TcpRelay
from homeport.gateway.udp import UdpRelay
from homeport.model.access import ANYONE_LOCAL
from homeport.model.endpoint import Endpoint, parse_endpoint
from homeport.model.errors import HomeportError
from homeport.model.route import Https, RouteSpec, RouteState, Tls
from homeport.targets.upstream import ExplainUpstream, Upstream, parse_target

if TYPE_CHECKING:
    from homeport.gateway.h2_upstream import H2Upstream


class Roads:
    """`changed` hears of every route that comes or goes; `taken` says who is in the way on a port, `taken_udp` for
    datagrams.

    `authority` is the folder of our CA, which upstreams over https are believed by.
    """

    def __init__(
        self,
        door: Door,
        tcp: TcpRelay,
        streams: StreamRelay,
        udp: UdpRelay,
        urls: Urls,
        explain: ExplainUpstream,
        changed: Callable[[RouteState], None],
        taken: FindTaken,
        taken_udp: FindTaken,
        authority: str = "",
    ) -> None:
        self._door, self._tcp, self._urls, self._explain, self._changed = door, tcp, urls, explain, changed
        self._streams, self._udp = streams, udp
        self._taken, self._taken_udp = taken, taken_udp
        self._authority = authority

    async def add(self, spec: RouteSpec) -> RouteState:
        """An extra route. Raises HomeportError: "name-taken", "port-taken", "bad-usage"."""
        rule = make_rule(spec.name, spec.access, spec.cross_site)
        kind, endpoint = parse_target(spec.target)
        if spec.h2 and kind in ("tcp", "udp"):
            raise HomeportError("bad-usage", f"{spec.target} is passed on as it comes: h2 is for http(s) and unix")
        target = Upstream(endpoint, self._explain)
        if kind == "tcp" or kind == "udp":
            route = Route(spec.name, target, kind, listen=spec.listen)
        else:
            route = Route(spec.name, target, kind, default=spec.default, https=spec.https)
            route.subdomains = spec.subdomains
            route.h2 = _h2_upstream() if spec.h2 else None
            if kind == "https":
                context = upstream_context(spec.verify, self._authority)
                route.secure = SecureUpstream(context, endpoint.host)
                if spec.h2:
                    context = upstream_context(spec.verify, self._authority, h2=True)
                    route.h2 = _h2_upstream(context, endpoint.host)
        route.rule = rule
        self._door.routes.add(route)
        try:
            await self._listen(route, spec)
        except BaseException:
            self._door.routes.remove(spec.name)
            raise
        return self._told(route)

    async def remove(self, name: str) -> RouteState:
        route = self._door.routes.remove(name)
        if route.exposure is not None:
            self._door.close_exposure(route.exposure)
        state = self._state(route)
        state.gone = True
        if route.secure is not None:
            route.secure.pool.close()
        if route.conditions is not None:
            route.conditions.close()
        if route.h2 is not None:
            route.h2.leave()
        if route.kind == "udp":
            self._udp.close(name)
        else:
            self._tcp.close(name) if route.kind == "tcp" else self._door.close_for(name)
            self._streams.close(name)
        self._changed(state)
        return state

    def add_app(
        self,
        name: str,
        target: Target,
        *,
        default: bool,
        https: Https = "also",
        h2: bool = False,
        rule: Rule | None = None,
        subdomains: bool = False,
    ) -> None:
        """The route of an app; one that stands there already now leads to `target`."""
        found = self._door.routes.get(name)
        if found is not None and found.kind == "app":
            found.target, found.default, found.https, found.rule = target, default, https, rule
            found.subdomains = subdomains
            self._door.routes.changed()
            if found.h2 is not None and not h2:
                found.h2.leave()
            found.h2 = (found.h2 or _h2_upstream()) if h2 else None
            return
        route = Route(name, target, "app", default=default, https=https)
        route.rule, route.subdomains = rule, subdomains
        route.h2 = _h2_upstream() if h2 else None
        self._told_after_adding(route)

    def check_free_for_app(self, name: str) -> None:
        """Raises HomeportError("name-taken") where an extra route has that name."""
        found = self._door.routes.get(name)
        if found is not None and found.kind != "app":
            raise HomeportError(
                "name-taken", f"there is a route {name!r} to {_text(found)} already", f"homeport route --remove {name}"
            )

    def has_default(self) -> bool:
        """Whether an extra route asked for the plain address."""
        return any(route.default and route.kind != "app" for route in self._door.routes)

    def activity_of(self, name: str) -> tuple[int, float]:
        """Visits under way, and the seconds since the last one came or went (infinity: never one)."""
        route = self._door.routes.get(name)
        if route is None or not route.visits:
            return 0, float("inf")
        return route.active, time.perf_counter() - route.last_s

    def add_control(self, target: Target) -> None:
        """The dashboard, under the name that nobody else may have."""
        route = Route(CONTROL, target, "control")
        route.rule = control_rule()
        self._door.routes.add(route)

    def enter_link(self, name: str) -> str:
        """Where a browser goes to use the route; with a key that works once where it asks for a token."""
        route = self._door.routes.get(name)
        if route is None or route.rule is None or not route.rule.takes_token:
            state = next(state for state in self.states() if state.name == name)
            return state.url
        named = self._urls.all(name, False, route.https)[0]  # by name: no cookie is ever set on a plain host
        return named.removesuffix("/") + self._door.gate.entering.path_for(name)

    def tell(self, route: Route) -> None:
        """It was opened to other computers, or closed."""
        self._changed(self._state(route))

    def states(self) -> list[RouteState]:
        return [self._state(route) for route in self._door.routes]

    def has_extra(self) -> bool:
        """Whether there is a route that no app brought along."""
        return any(route.kind not in ("app", "control") for route in self._door.routes)

    async def _listen(self, route: Route, spec: RouteSpec) -> None:
        if not spec.listen:
            return
        wanted = parse_endpoint(spec.listen)
        try:
            if route.kind == "tcp" and spec.tls:
                why_not = why_not_connect(route.rule)
                bound = await self._streams.open(route, wanted, spec.tls, client_ca=spec.client_ca, why_not=why_not)
            elif route.kind == "tcp":
                bound = self._tcp.open(route.name, wanted, route.target, why_not_connect(route.rule))
            elif route.kind == "udp":
                if route.rule is not None:
                    raise HomeportError("bad-usage", "a udp route is for every local process", "leave --access away")
                bound = self._udp.open(route.name, wanted, route.target)
            else:
                bound = (await self._door.open_for(route, wanted))[0]
        except HomeportError as error:
            raise told(error, wanted, self._taken_udp if route.kind == "udp" else self._taken) from error
        route.listen = str(bound)

    def _told_after_adding(self, route: Route) -> None:
        self._door.routes.add(route)
        self._told(route)

    def _told(self, route: Route) -> RouteState:
        state = self._state(route)
        self._changed(state)
        return state

    def _state(self, route: Route) -> RouteState:
        active, visits = route.active, route.visits
        if route.kind == "tcp" and route.name in self._tcp.names():
            activity = self._tcp.activity(route.name)
            active, visits = activity.active, activity.visits
        udp = self._udp.state(route.name) if route.kind == "udp" and route.name in self._udp.names() else None
        if udp is not None:
            active, visits = udp.active, udp.visits
        default = route is self._door.routes.default()
        stream = self._streams.find(route.name)
        urls = self._urls_of(route, default, stream.tls if stream else "")
        return RouteState(
            name=route.name,
            kind=route.kind,
            target=_text(route),
            url=urls[0] if urls else "",
            urls=urls,
            listen=route.listen,
            default=default,
            access=route.rule.words if route.rule else ANYONE_LOCAL,
            https=route.https,
            cross_site="deny" if route.rule and route.rule.denies_cross_site else "allow",
            tls=stream.tls if stream else "",
            client_ca=stream.client_ca if stream else "",
            active=active,
            visits=visits,
            udp=udp,
            subdomains=route.subdomains,
            exposed=route.exposure.state if route.exposure else None,
        )

    def _urls_of(self, route: Route, default: bool, tls: Tls) -> list[str]:
        if tls:
            named = f"tls://{route.name}.localhost:{parse_endpoint(route.listen).port}"
            is_alone = tls == "terminate" and self._streams.is_alone(route.name)
            return [f"tls://{route.listen}", named] if is_alone else [named]
        if route.kind in ("tcp", "udp"):
            return [f"{route.kind}://{route.listen}"]
        if route.kind == "control":
            return [f"{self._urls.named(route.name)}/"]
        own = [f"http://{route.listen}/"] if route.listen else []
        return [*self._urls.all(route.name, default, route.https), *own]


def _h2_upstream(*tls: Any) -> H2Upstream:
    from homeport.gateway.h2_upstream import H2Upstream  # an engine starts sooner without

    return H2Upstream(*tls)


def _text(route: Route) -> str:
    address: Endpoint | None = route.target.address()
    if address is None:
        return ""
    scheme = {"tcp": "tcp:", "udp": "udp:", "http": "http://", "https": "https://"}.get(route.kind, "")
    return f"{scheme}{address}"

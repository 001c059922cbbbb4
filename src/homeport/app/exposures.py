"""Opening a route to other computers, and closing it again: with an address, TLS, and a rule that asks for something.

The one place from which anything beyond loopback is bound. What stands open is nowhere written down: an engine that
starts again opens nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from homeport.app.exposed_certificates import ExposedCertificates
from homeport.app.rules import exposed_rule, make_rule
from homeport.gateway.access import Rule
from homeport.gateway.door import Door
from homeport.gateway.exposure import Exposure
from homeport.gateway.routes import Route
from homeport.model.app import AppState
from homeport.model.endpoint import Endpoint
from homeport.model.errors import HomeportError
from homeport.model.exposure import Exposed, ExposeSpec
from homeport.model.settings import DOOR_PORT
from homeport.streams.listen import bind_beyond
from homeport.wire.credentials import COOKIE

TRIES = 20  # ports above the door's, where none was asked for
LINK_LIFE_S = 300.0  # a phone is found, unlocked, and told to go on in spite of the certificate
LONGEST_S = 30 * 86400.0
_KINDS = ("app", "http", "https", "unix")


@dataclass(frozen=True, slots=True)
class Prepared:
    """Checked and bound, not listening yet."""

    sock: socket.socket
    host: str
    rule: Rule
    lasts_s: float | None


class Exposures:
    """`own_addresses` are this computer's; `changed` hears of every route that is opened or closed."""

    def __init__(
        self,
        door: Door,
        certificates: ExposedCertificates,
        own_addresses: Callable[[], list[str]],
        changed: Callable[[Route], None],
    ) -> None:
        self._door, self._certificates, self._own, self._changed = door, certificates, own_addresses, changed

    async def open(self, name: str, spec: ExposeSpec) -> Exposed:
        """Raises HomeportError: "not-found", "bad-usage", "port-taken"."""
        route = self._route(name)
        if route.kind not in _KINDS:
            raise HomeportError(
                "bad-usage", f"{name} cannot be exposed: a {route.kind} route has no rule and no TLS of the door's"
            )
        return await self.open_prepared(name, await self.prepare(name, spec, route.rule))

    async def prepare(self, name: str, spec: ExposeSpec, rule: Rule | None) -> Prepared:
        """Everything that may fail, before anything is open. `rule` is the route's own. What stood open is closed."""
        host, port = self._read(name, spec.address)
        if spec.access is not None:
            rule = make_rule(name, spec.access, "deny" if rule is not None and rule.denies_cross_site else "allow")
        if spec.lasts_s is not None and not 0 < spec.lasts_s <= LONGEST_S:
            raise HomeportError("bad-usage", "an exposure lasts more than 0 seconds and at most 30 days", "--for 30m")
        rule = exposed_rule(name, rule, host, f"{name}@{host}#{secrets.token_hex(8)}")
        self.close(name)
        sock = self._bind(name, host, port)
        try:
            await self._certificates.prepare(host)
        except BaseException:
            sock.close()
            raise
        # Cookies ignore ports: two exposures on one address must not take each other's place.
        rule = replace(rule, cookie=f"{COOKIE}-{sock.getsockname()[1]}")
        return Prepared(sock, host, rule, spec.lasts_s)

    async def open_prepared(self, name: str, prepared: Prepared) -> Exposed:
        host, now, loop = prepared.host, datetime.now(UTC), asyncio.get_running_loop()
        root, lasts_s = self._certificates.root(host), prepared.lasts_s
        address = str(Endpoint(host, prepared.sock.getsockname()[1]))
        state = Exposed(
            address=address,
            url=f"https://{address}/",
            access=prepared.rule.words,
            since=_text(now),
            ends="" if lasts_s is None else _text(now + timedelta(seconds=lasts_s)),
            root=root.path,
            fingerprint=root.fingerprint,
        )
        exposure = Exposure(self._route(name), prepared.rule, host, self._certificates, state)
        await self._door.open_exposure(exposure, prepared.sock)
        if lasts_s is not None:
            loop.call_later(lasts_s, self._close, exposure)
        self._changed(exposure.route)
        return state

    def close(self, name: str) -> Exposed | None:
        """What stood open; None where nothing did."""
        route = self._door.routes.get(name)
        exposure = route.exposure if route is not None else None
        if exposure is not None:
            self._close(exposure)
        return exposure.state if exposure is not None else None

    def follow(self, state: AppState) -> AppState:
        """An app that has ended by itself has nothing to show any more. Answers with what it was told."""
        if state.state in ("exited", "failed"):
            self.close(state.route)
        return state

    def link(self, name: str) -> str:
        """The address for a device; with a key that works once where a token is asked for."""
        exposure = self._route(name).exposure
        if exposure is None:
            raise HomeportError("not-found", f"{name} is not exposed", f"homeport expose {name} ADDRESS --access token")
        if not exposure.rule.takes_token:
            return exposure.state.url
        path = self._door.gate.entering.path_for(exposure.rule.own_realm, LINK_LIFE_S)
        return exposure.state.url.removesuffix("/") + path

    def _close(self, exposure: Exposure) -> None:
        if not exposure.is_closed:
            self._door.close_exposure(exposure)
            self._changed(exposure.route)

    def _route(self, name: str) -> Route:
        route = self._door.routes.get(name)
        if route is None or route.kind == "control":
            raise HomeportError("not-found", f"no route is called {name!r}", "homeport status")
        return route

    def _read(self, name: str, text: str) -> tuple[str, int]:
        """The address and its port, 0 for none."""
        host, port = _parts(text)
        if not host:
            raise HomeportError(
                "bad-usage", f"{name} needs an address: this computer has {self._list()}", self._hint(name)
            )
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            raise HomeportError(
                "bad-usage", f"{text!r} is no address of this computer; it has {self._list()}", self._hint(name)
            ) from None
        if address.is_unspecified:
            message = f"{host} would be every network that this computer is ever in; name one of {self._list()}"
            raise HomeportError("bad-usage", message, self._hint(name))
        if address.is_loopback:
            message = f"{host} is loopback, where the door is; other computers reach {self._list()}"
            raise HomeportError("bad-usage", message, self._hint(name))
        if address.is_multicast or (address.version == 6 and address.is_link_local):
            raise HomeportError("bad-usage", f"browsers cannot open {host}; there is {self._list()}", self._hint(name))
        return str(address), port

    def _bind(self, name: str, host: str, port: int) -> socket.socket:
        first = self._door.endpoints[0].port if self._door.endpoints else DOOR_PORT
        ports = [port] if port else range(first, min(first + TRIES, 65535) + 1)
        own = self._own()
        if own and host not in own:
            raise HomeportError(
                "bad-usage", f"this computer does not have the address {host}; it has {self._list()}", self._hint(name)
            )
        error: OSError | None = None
        for one in ports:
            try:
                return bind_beyond(host, one)
            except OSError as failed:
                error = failed
        why = error.strerror if error else "no port is left"
        raise HomeportError("port-taken", f"cannot listen on {Endpoint(host, ports[0])}: {why}", self._hint(name))

    def _list(self) -> str:
        return ", ".join(self._own()) or "none that is known"

    def _hint(self, name: str) -> str:
        return f"homeport expose {name} {next(iter(self._own()), 'ADDRESS')} --access token"


def _parts(text: str) -> tuple[str, int]:
    """`192.168.1.20`, `192.168.1.20:8443`, `fd00::2`, `[fd00::2]:8443`. The address is not looked at."""
    host, colon, port = text.rpartition(":")
    if text.startswith("["):
        if text.endswith("]"):
            return text[1:-1], 0
        host = host.removeprefix("[").removesuffix("]")
    elif not colon or text.count(":") > 1:
        return text, 0
    if not (port.isascii() and port.isdigit() and 0 < int(port) <= 65535):
        raise HomeportError("bad-usage", f"{text!r} has no port between 1 and 65535", "192.168.1.20:8443")
    return host, int(port)


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")

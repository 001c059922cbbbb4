"""Toxiproxy's proxies and their toxics, over our TCP relay: what its HTTP API asks for, without HTTP.

Errors are those of the original, word for word: clients compare them.
"""

from __future__ import annotations

import builtins
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from homeport.app.toxics import ATTRIBUTES, Toxic, attributes, conditions
from homeport.doctor.checks.upstream import explain_upstream
from homeport.gateway.tcp import TcpRelay
from homeport.model.endpoint import Endpoint, parse_endpoint
from homeport.model.errors import HomeportError
from homeport.model.exchange import Exchange
from homeport.targets.upstream import Upstream


class Unrecorded:
    """A tap that keeps nothing (homeport.gateway.seams.Tap)."""

    body_limit_bytes = 0

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def next_id(self) -> int:
        return next(self._numbers)

    def opened(self, exchange: Exchange) -> None: ...

    def seen(self, exchange: Exchange, from_client: bool, data: bytes, at_s: float | None = None) -> None: ...

    def closed(self, exchange: Exchange) -> None: ...


def new_relay() -> TcpRelay:
    """A relay of its own, on the running loop. It records nothing; `stop` ends it."""
    relay = TcpRelay(Unrecorded())
    relay.start()
    return relay


class Refused(Exception):  # noqa: N818 - an answer, with its HTTP status
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Proxy(msgspec.Struct, kw_only=True):
    """`listen` is the address that is really bound, once it is enabled."""

    name: str
    listen: str
    upstream: str
    enabled: bool
    toxics: list[Toxic] = []


class Toxiproxy:
    """All proxies of one server. `seed` makes what they decide repeatable."""

    def __init__(self, relay: TcpRelay, seed: int = 0) -> None:
        self._relay, self._seed = relay, seed
        self._proxies: dict[str, Proxy] = {}

    def list(self) -> dict[str, Proxy]:
        return dict(self._proxies)

    def get(self, name: str) -> Proxy:
        if name not in self._proxies:
            raise Refused(404, "proxy not found")
        return self._proxies[name]

    def create(self, asked: Mapping[str, Any]) -> Proxy:
        proxy = _proxy(asked)
        if proxy.name in self._proxies:
            raise Refused(409, "proxy already exists")
        self._open(proxy)
        self._proxies[proxy.name] = proxy
        return proxy

    def populate(self, asked: Sequence[Mapping[str, Any]]) -> tuple[builtins.list[Proxy], Refused | None]:
        """All are looked at before the first is made; a proxy that is there already as asked for is left alone."""
        for number, one in enumerate(asked, 1):
            for field in ("name", "upstream"):
                if not one.get(field):
                    raise Refused(400, f"missing required field: {field} at proxy {number}")
        made: builtins.list[Proxy] = []
        try:
            made.extend(self._populated(_proxy(one)) for one in asked)
        except Refused as refused:
            return made, refused
        return made, None

    def update(self, name: str, asked: Mapping[str, Any]) -> Proxy:
        """Another address drops the connections; the name never changes."""
        proxy = self.get(name)
        wanted = _proxy(
            {"listen": proxy.listen, "upstream": proxy.upstream, "enabled": proxy.enabled, **asked, "name": name}
        )
        wanted.toxics = proxy.toxics
        if (wanted.listen, wanted.upstream) != (proxy.listen, proxy.upstream) or not wanted.enabled:
            self._relay.close(name)
            proxy.enabled = False
        if wanted.enabled and not proxy.enabled:
            self._open(wanted)
        self._proxies[name] = wanted
        return wanted

    def delete(self, name: str) -> None:
        self.get(name)
        self._relay.close(name)
        del self._proxies[name]

    def reset(self) -> None:
        """Every proxy enabled, no toxics."""
        for proxy in self._proxies.values():
            proxy.toxics = []
            self._apply(proxy)
            if not proxy.enabled:
                proxy.enabled = True
                self._open(proxy)

    def toxic(self, name: str, toxic: str) -> Toxic:
        found = next((one for one in self.get(name).toxics if one.name == toxic), None)
        if found is None:
            raise Refused(404, "toxic not found")
        return found

    def add_toxic(self, name: str, asked: Mapping[str, Any]) -> Toxic:
        proxy = self.get(name)
        made = _toxic(asked)
        if any(one.name == made.name for one in proxy.toxics):
            raise Refused(409, "toxic already exists")
        proxy.toxics = sorted([*proxy.toxics, made], key=lambda one: one.stream != "upstream")
        self._apply(proxy)
        return made

    def update_toxic(self, name: str, toxic: str, asked: Mapping[str, Any]) -> Toxic:
        proxy, before = self.get(name), self.toxic(name, toxic)
        made = msgspec.structs.replace(
            before,
            attributes=_attributes(before.type, asked, before.attributes),
            toxicity=_toxicity(asked, before.toxicity),
        )
        proxy.toxics = [made if one is before else one for one in proxy.toxics]
        self._apply(proxy)
        return made

    def remove_toxic(self, name: str, toxic: str) -> None:
        proxy, gone = self.get(name), self.toxic(name, toxic)
        proxy.toxics = [one for one in proxy.toxics if one is not gone]
        self._apply(proxy)

    def _populated(self, wanted: Proxy) -> Proxy:
        there = self._proxies.get(wanted.name)
        if there is not None:
            if (there.listen, there.upstream) == (wanted.listen, wanted.upstream):
                return there
            self.delete(wanted.name)
        self._open(wanted)
        self._proxies[wanted.name] = wanted
        return wanted

    def _open(self, proxy: Proxy) -> None:
        if not proxy.enabled:
            return
        listen, upstream = _place(proxy.listen), _place(proxy.upstream)
        try:
            bound = self._relay.open(
                proxy.name,
                listen,
                Upstream(upstream, explain_upstream),
                conditions=conditions(proxy.toxics, self._seed),
            )
        except HomeportError as error:
            what = "bind: address already in use" if error.code == "port-taken" else error.message
            raise Refused(500, f"listen tcp {listen}: {what}") from error
        proxy.listen = str(bound)

    def _apply(self, proxy: Proxy) -> None:
        if proxy.enabled:
            self._relay.condition(proxy.name, conditions(proxy.toxics, self._seed))


def _proxy(asked: Mapping[str, Any]) -> Proxy:
    for field in ("name", "upstream"):
        if not asked.get(field):
            raise Refused(400, f"missing required field: {field}")
    for field, kind in (("name", str), ("upstream", str), ("listen", str), ("enabled", bool)):
        if not isinstance(asked.get(field, kind()), kind):
            raise Refused(400, f"bad request body: {field} has the wrong type")
    listen = asked.get("listen", "") or "127.0.0.1:0"
    return Proxy(
        name=asked["name"], listen=str(_place(listen)), upstream=asked["upstream"], enabled=asked.get("enabled", True)
    )


def _place(text: str) -> Endpoint:
    """Loopback only: `:3310` and the wildcard addresses are 127.0.0.1 here."""
    try:
        endpoint = parse_endpoint(text)
    except HomeportError as error:
        raise Refused(500, f"listen tcp: address {text}: {error.message}") from error
    host = "127.0.0.1" if endpoint.host in ("", "0.0.0.0", "::", "localhost") else endpoint.host
    return Endpoint(host, endpoint.port)


def _toxic(asked: Mapping[str, Any]) -> Toxic:
    stream = str(asked.get("stream") or "downstream").lower()
    if stream not in ("upstream", "downstream"):
        raise Refused(400, "stream was invalid, can be either upstream or downstream")
    kind = str(asked.get("type", ""))
    if kind not in ATTRIBUTES:
        raise Refused(400, "invalid toxic type")
    return Toxic(
        attributes=_attributes(kind, asked),
        name=str(asked.get("name") or f"{kind}_{stream}"),
        type=kind,
        stream=stream,  # type: ignore[arg-type]  # looked at above
        toxicity=_toxicity(asked, 1.0),
    )


def _attributes(kind: str, asked: Mapping[str, Any], before: Mapping[str, int] | None = None) -> dict[str, int]:
    given = asked.get("attributes") or {}
    if not isinstance(given, dict):
        raise Refused(400, "bad request body: attributes is no object")
    try:
        return attributes(kind, given, before)
    except ValueError as error:
        raise Refused(400, f"bad request body: {error}") from error


def _toxicity(asked: Mapping[str, Any], before: float) -> float:
    value = asked.get("toxicity", before)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise Refused(400, "bad request body: toxicity must be a number from 0 to 1")
    return float(value)

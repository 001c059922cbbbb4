"""Walks the path that a client takes to an endpoint, and notes each step with its time. Every step has a limit.

It gathers and judges nothing: what is wrong is said by `doctor/diagnosis.py`. Nothing on the path is changed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from homeport.doctor import gather_http, gather_proxy, gather_reach
from homeport.doctor.diagnosis import diagnose
from homeport.doctor.facts import Answer, MachineFacts, PathFacts, Phase, Reach, State, Target, Tls, Walk
from homeport.doctor.gather_listeners import listening
from homeport.doctor.gather_names import is_address, resolve
from homeport.doctor.gather_tls import handshake
from homeport.doctor.seams import Hands
from homeport.doctor.telling import answer_text, reach_text, resolved_text, tls_text
from homeport.model.endpoint import Endpoint
from homeport.model.finding import Finding

T = TypeVar("T")
_PLAIN = {"http": 80, "https": 443}


class Walker:
    """One walk. `machine` is looked at once for all of them."""

    def __init__(self, hands: Hands, machine: MachineFacts, target: Target) -> None:
        self._hands, self._target = hands, target
        self._known: dict[str, Any] = {"target": target, "machine": machine}
        self._phases: list[Phase] = []
        self._began = time.perf_counter()

    def walk(self, title: str = "", *, app_finding: Finding | None = None, siblings: tuple[str, ...] = ()) -> Walk:
        self._known |= {"app_finding": app_finding, "siblings": siblings}
        addresses = self._resolve()
        self._connect(addresses)
        reached = self.facts.connected
        if reached is not None:
            self._look_past_docker()
            self._talk(reached.endpoint)
            self._ask_proxies()
        else:
            self._look_closer()
        facts = self.facts
        return Walk(title=title or self._target.text, phases=tuple(self._phases), facts=facts, findings=diagnose(facts))

    @property
    def facts(self) -> PathFacts:
        return PathFacts(**self._known)

    def _timed(self, name: str, do: Callable[[], T], tell: Callable[[T], tuple[State, str]]) -> T:
        started = time.perf_counter()
        found = do()
        ms = (time.perf_counter() - started) * 1000
        state, text = tell(found)
        begun = (started - self._began) * 1000
        self._phases.append(Phase(name=name, text=text, state=state, start_ms=begun, ms=ms))
        return found

    def _resolve(self) -> list[str]:
        """Every address that some client would take, the browser's first."""
        host = self._target.host
        if self._target.unix or is_address(host):
            return [host]
        names = self._timed("name", lambda: resolve(host), resolved_text)
        self._known["names"] = names
        return list(dict.fromkeys(address for one in names for address in one.addresses))

    def _connect(self, addresses: list[str]) -> None:
        hands, target = self._hands, self._target
        if not target.unix:
            self._known["listening"] = listening(hands.ports, hands.network, target.port)
        tried: list[Reach] = []
        for address in addresses:
            endpoint = Endpoint(path=target.unix) if target.unix else Endpoint(address, target.port)
            tried.append(self._timed("connect", lambda: self._reach(endpoint), reach_text))  # noqa: B023 - called at once
        self._known["reached"] = tuple(tried)
        if any(one.outcome == "connected" for one in tried):  # then the others are no trouble
            self._phases = [_as_extra(phase) for phase in self._phases]

    def _reach(self, endpoint: Endpoint) -> Reach:
        reach = gather_reach.reach(endpoint, uid=self._hands.uid)
        own = self.facts.machine.loopback.addresses
        if reach.outcome == "exhausted" and endpoint.host == "::1" and own and "::1" not in own:
            return msgspec.structs.replace(reach, outcome="no-address")
        return reach

    def _look_closer(self) -> None:
        """Why nothing answered: whom the queue keeps, other users, firewalls, other networks."""
        hands, facts = self._hands, self.facts
        if facts.target.unix or not facts.reached:
            return
        self._known["listening"] = listening(hands.ports, hands.network, facts.target.port)
        at = facts.reached[-1] if not facts.listeners_at(facts.reached[0].endpoint.host) else facts.reached[0]
        listener = next(iter(self.facts.listeners_at(at.endpoint.host)), None)
        if listener is None:
            self._known["story"] = hands.story(facts.target.port)
            self._known["namespaces"] = tuple(hands.namespaces(facts.target.port))
        if (listener or at.outcome in ("timeout", "unreachable", "forbidden")) and at.endpoint.is_loopback:
            users = gather_reach.other_users(listener.socket.user if listener else "", hands.uid)
            others = (gather_reach.reach_as(at.endpoint, uid) for uid in users)
            self._known["as_others"] = tuple(other for other in others if other)
            self._known["deciding"] = hands.firewall.deciding(at.endpoint, uid=hands.uid)
            self._known["firewalls"] = tuple(hands.firewall.states())

    def _look_past_docker(self) -> None:
        """What Docker publishes goes past ufw: only then it matters what firewalls there are."""
        open_to_all = [one for one in self.facts.listening if one.socket.exposed]
        if any(one.may_be_docker for one in open_to_all):
            self._known["container"] = self._hands.container(self._target.port)
        if self.facts.container or any(one.is_docker for one in open_to_all):
            self._known["firewalls"] = tuple(self._hands.firewall.states())

    def _talk(self, endpoint: Endpoint) -> None:
        target = self._target
        is_tls = target.scheme == "https"
        if is_tls and not self._shake(endpoint):
            return
        if not target.scheme and (target.port in gather_http.NOT_HTTP or target.unix):
            return
        tell = answer_text if target.scheme else _as_asked_besides
        answer = self._timed("http", lambda: self._get(endpoint, self._host(), is_tls), tell)
        self._known |= {"answer": answer, "answers": tuple(self._ask_again(endpoint, is_tls, answer))}
        if answer.end in ("closed", "reset") and not is_tls:  # as OpenSSL and Node do with plain http on a TLS port
            uid, name = self._hands.uid, target.host or "localhost"
            self._known["speaks_tls"] = bool(handshake(endpoint, name, is_clock_synchronised=None, uid=uid).version)

    def _shake(self, endpoint: Endpoint) -> bool:
        """Whether it is worth to go on."""
        import ssl  # noqa: F401 - takes longer than the handshake, and shall not count as one

        synchronised = self.facts.machine.is_clock_synchronised
        name = self._target.host
        uid = self._hands.uid
        tls: Tls = self._timed(
            "tls", lambda: handshake(endpoint, name, is_clock_synchronised=synchronised, uid=uid), tls_text
        )
        self._known |= {"tls": tls, "authority": self._hands.authority(tls.issuer)}
        if tls.trouble == "not-tls":
            self._known["answers"] = (self._get(endpoint, self._host(), False),)
        return tls.trouble not in ("not-tls", "failed")

    def _get(self, endpoint: Endpoint, host: str, is_tls: bool, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return gather_http.get(endpoint, host, self._target.path, is_tls=is_tls, headers=named, uid=self._hands.uid)

    def _ask_again(self, endpoint: Endpoint, is_tls: bool, answer: Answer) -> list[Answer]:
        """Refused for its Host? Then it answers differently to localhost. Next asks only for its own files."""
        if self._target.unix:
            return []
        if answer.status in (400, 403) or "Invalid Host" in answer.body:
            return [self._get(endpoint, f"localhost:{self._target.port}", is_tls)]
        if "Next.js" in answer.server and answer.status < 400:
            origin = f"{self._target.scheme or 'http'}://{self._host()}"
            path = "/_next/static/chunks/homeport-doctor.js"
            headers, uid = {"Origin": origin}, self._hands.uid
            return [gather_http.get(endpoint, self._host(), path, is_tls=is_tls, headers=headers, uid=uid)]
        return []

    def _host(self) -> str:
        target = self._target
        if target.asks_host:
            return target.asks_host
        if target.unix:
            return "localhost"
        return target.host if _PLAIN.get(target.scheme) == target.port else str(Endpoint(target.host, target.port))

    def _ask_proxies(self) -> None:
        target = self._target
        answer = self.facts.answer
        if target.unix or answer is None or not answer.status:
            return
        found = gather_proxy.proxies(self._hands.environment, target.scheme, target.host)
        asked = [one for one in found if not one.is_bypassed]
        if asked:
            found = (
                *(one for one in found if one.is_bypassed),
                *(gather_proxy.ask(one, target, uid=self._hands.uid) for one in asked),
            )
        self._known["proxies"] = found


def _as_asked_besides(answer: Answer) -> tuple[State, str]:
    """An endpoint alone need not speak HTTP."""
    state, text = answer_text(answer)
    return "skipped" if state == "bad" else state, text


def _as_extra(phase: Phase) -> Phase:
    is_extra = phase.name == "connect" and phase.state == "bad"
    return msgspec.structs.replace(phase, state="skipped") if is_extra else phase

"""The doctor's use cases: examine an endpoint, a URL or a name; look at everything; explain a pasted message.

Needs no engine: where one runs, its apps and routes are known by name. Changes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from homeport.app.doctor_firewall import Traced, asking_user
from homeport.app.doctor_network import explain_networks, walk_datagrams
from homeport.app.doctor_routes import door_url, everywhere, explain_exposures, name_behind
from homeport.app.doctor_trust import TrustInStores
from homeport.app.port_reasons import docker_container
from homeport.app.ports import who
from homeport.doctor import said
from homeport.doctor.checks.app import explain_app
from homeport.doctor.checks.names import explain_names
from homeport.doctor.checks.port_taken import explain_taken
from homeport.doctor.diagnosis import diagnose_machine
from homeport.doctor.facts import Listening as Listening
from homeport.doctor.facts import MachineFacts, PathFacts, Target
from homeport.doctor.facts import OwnAuthority as OwnAuthority
from homeport.doctor.facts import Phase as Phase
from homeport.doctor.facts import Report as Report
from homeport.doctor.facts import Resolved as Resolved
from homeport.doctor.facts import Walk as Walk
from homeport.doctor.gather_machine import machine_facts
from homeport.doctor.gather_names import resolve
from homeport.doctor.seams import Hands
from homeport.doctor.target import parse_target
from homeport.doctor.walk import Walker
from homeport.machine.firewall import is_root, this_firewall
from homeport.machine.home import Home
from homeport.machine.network import this_network
from homeport.machine.ports import this_computer
from homeport.model.app import AppFacts, AppState
from homeport.model.errors import HomeportError
from homeport.model.finding import Finding
from homeport.model.network import ConditionsState
from homeport.model.status import Status

_NAMED = 6  # names that a mistyped one may have meant
_AT_ONCE = 8  # walks side by side, where everything is looked at


class Doctor:
    """`status` is what the engine says of itself, where one runs, `networks` which conditions are set there."""

    def __init__(self, hands: Hands, status: Status | None = None, networks: Sequence[ConditionsState] = ()) -> None:
        self._hands = hands
        self._status = status or Status()
        self._networks = networks

    def examine(self, text: str) -> Report:
        """Raises HomeportError("bad-usage", "not-found") for what names nothing."""
        name = self._name_in(text)
        if name is not None:
            return self._route(name)
        target = parse_target(_with_port(text))
        name = name_behind(target, self._status)
        return self._route(name, target) if name else Report(walks=(self._walk(target),))

    def everything(self) -> Report:
        """The machine, and every app and route of the engine that leads somewhere now."""
        from concurrent.futures import ThreadPoolExecutor

        machine = self._machine()
        apps = [app for app in self._status.apps if app.state not in ("stopped", "idle")]
        routes = [route for route in self._status.routes if route.kind in ("http", "unix", "tcp")]
        datagrams = [route for route in self._status.routes if route.kind == "udp"]
        targets: list[tuple[str, str, AppState | None]] = [(app.route, app.address, app) for app in apps if app.address]
        targets += [(route.name, route.target, None) for route in routes]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            walks = [pool.submit(self._walk_target, name, address, app, machine) for name, address, app in targets]
            done = tuple(walk.result() for walk in walks)
        done += tuple(walk_datagrams(route.name, route.target, machine) for route in datagrams)
        told = tuple(app.finding for app in apps if app.finding and not app.address)
        return Report(
            findings=(
                *explain_exposures(self._status.routes),
                *explain_networks(self._networks),
                *diagnose_machine(machine),
                *told,
            ),
            walks=done,
            machine=machine,
            looked_at=len(apps) + len(routes) + len(datagrams),
        )

    def explain(self, text: str, place: str = "") -> Report:
        """What a pasted message means, and what is so on this machine now."""
        saying = said.recognise(text)
        named = place or said.place_in(text)
        if saying is None:
            if not named:
                raise HomeportError(
                    "bad-usage", "that message is not known, and it names no address", "homeport doctor 3000"
                )
            return self.examine(named)
        if not named or saying.look == "nothing":
            return Report(said=saying.means, findings=(said.finding_of(saying),))
        if saying.look == "taken":
            return Report(said=saying.means, findings=(self._taken(named, saying),))
        if saying.look == "name":
            return Report(said=saying.means, findings=(self._named(named),))
        if saying.look == "tls" and "://" not in named:
            named = f"https://{named if ':' in named else 'localhost:' + named}/"
        report = self.examine(named)
        if any(finding.level == "problem" for finding in report.every):
            return Report(said=saying.means, walks=report.walks, findings=report.findings)
        return Report(said=saying.means, walks=report.walks, findings=(_works_now(named), *report.findings))

    def _taken(self, place: str, saying: said.Saying) -> Finding:
        port = parse_target(_with_port(place)).port
        story = self._hands.story(port)
        if not story.listening and not story.occupants and set(story.bindable.values()) <= {"free", "absent"}:
            if saying.code != "port-taken":
                return said.finding_of(saying)  # we may do what whoever wrote the message may not
            return Finding(
                code="port-free-now",
                level="note",
                what=f"port {port} is free now",
                why="Nobody listens on it, and every address could be bound.",
                next="start your server again",
            )
        return explain_taken(story)

    def _named(self, place: str) -> Finding:
        """How the name is resolved; whether somebody listens there is another question."""
        target = parse_target(_with_port(place))
        facts = PathFacts(target=target, names=resolve(target.host), machine=self._machine())
        return explain_names(facts) or _works_now(target.host, "is resolved")

    def _name_in(self, text: str) -> str | None:
        """The route or app that the text names."""
        known = {route.name for route in self._status.routes} | {app.route for app in self._status.apps}
        bare = text.removesuffix(".localhost")
        if bare in known:
            return bare
        if any(char in text for char in ".:/[") or text.isdigit() or text == "localhost" or not text:
            return None
        engine = "no route or app has that name" if self._status.engine else "no engine runs that could know it"
        engine += f" (there are {', '.join(sorted(known)[:_NAMED])})" if known else ""
        raise HomeportError("not-found", f"{text!r} is not an endpoint, and {engine}", "homeport doctor 3000")

    def _route(self, name: str, asked: Target | None = None) -> Report:
        """Where it leads to, and, when that answers, the way through the door (to what was asked for)."""
        route = next((one for one in self._status.routes if one.name == name), None)
        app = next((one for one in self._status.apps if one.route == name), None)
        address = app.address if app else route.target if route else ""
        machine = self._machine()
        known = (*explain_exposures(self._status.routes, name), *explain_networks(self._networks, name))
        if not address:
            return Report(findings=(*known, _told(app)) if app else known)
        if route is not None and route.kind == "udp":
            return Report(findings=known, walks=(walk_datagrams(name, address, machine),))
        own = self._walk_target(name, address, app, machine, scheme="http")
        url = door_url(route)
        if not url or any(finding.level == "problem" for finding in own.findings):
            return Report(findings=known, walks=(own,))
        through = replace(asked or parse_target(url), everywhere=everywhere(route))
        walk = Walker(self._hands, machine, through).walk(f"{name} through the door: {through.text}")
        return Report(findings=known, walks=(own, walk))

    def _walk_target(
        self, name: str, address: str, app: AppState | None, machine: MachineFacts, *, scheme: str = ""
    ) -> Walk:
        is_tcp = address.startswith("tcp:")
        target = parse_target(address.replace("tcp://", "tcp:", 1))
        if scheme == "http" and not is_tcp and not target.scheme:
            target = replace(target, scheme="http")
        siblings = tuple(place for place in app.listens if place != address) if app else ()
        walker = Walker(self._hands, machine, target)
        return walker.walk(f"{name}: {address}", app_finding=app.finding if app else None, siblings=siblings)

    def _walk(self, target: Target) -> Walk:
        return Walker(self._hands, self._machine(), target).walk(siblings=self._siblings(target))

    def _siblings(self, target: Target) -> tuple[str, ...]:
        """Where an app really listens that was given this port."""
        given = [app for app in self._status.apps if target.port and app.port == target.port]
        return tuple(place for app in given for place in app.listens if not place.endswith(f":{target.port}"))

    def _machine(self) -> MachineFacts:
        return machine_facts(self._hands.ports, self._hands.network, self._hands.environment)


def this_doctor(
    status: Status | None = None,
    environment: Mapping[str, str] | None = None,
    *,
    trace: bool = False,
    networks: Sequence[ConditionsState] = (),
) -> Doctor:
    """`trace`: firewalls are asked by tracing. Raises HomeportError("needs-root")."""
    ports, firewall = this_computer(), this_firewall()
    if trace and not is_root():
        raise HomeportError("needs-root", "tracing packets needs root", "sudo homeport doctor --trace 127.0.0.1:3000")
    environment = os.environ if environment is None else environment
    hands = Hands(
        ports=ports,
        network=this_network(),
        firewall=Traced(firewall) if trace else firewall,
        environment=environment,
        uid=asking_user(environment),
        story=lambda port: who(ports, port),
        namespaces=ports.namespaces_sockets,
        authority=TrustInStores(Home.find()),
        container=lambda port: docker_container(ports, port),
    )
    return Doctor(hands, status, networks)


def _with_port(text: str) -> str:
    """`localhost` and `api.localhost` alone are URLs, as they are typed into a browser."""
    return f"http://{text}/" if text and not any(char in text for char in ":/") and not text.isdigit() else text


def _told(app: AppState) -> Finding:
    """An app that listens nowhere: what the engine says of it, or how it stands."""
    return app.finding or explain_app(AppFacts(name=app.name, route=app.route, state=app.state, listens=app.listens))


def _works_now(place: str, verb: str = "answers") -> Finding:
    return Finding(
        code="works-now",
        level="note",
        what=f"{place} {verb} now",
        why="The message is from another moment, from another client, or from inside a container.",
        next="try again where the message came from",
    )

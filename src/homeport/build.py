"""Makes every part of the engine and plugs it together. Nothing is decided here: only who is given what, and in which
order the parts open and close.

`python -m homeport.build` is the engine's process: in the background when a command starts it, with --foreground for
service managers.
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from homeport.app.settings import load_settings
from homeport.control import daemon
from homeport.control.daemon import Word
from homeport.machine import this_machine
from homeport.machine.home import Home, private_file
from homeport.model.endpoint import parse_endpoint
from homeport.model.errors import HomeportError
from homeport.model.settings import Settings

if TYPE_CHECKING:
    from homeport.machine.interface import Machine


async def run_engine(home: Home, settings: Settings, machine: Machine, word: Word, *, foreground: bool) -> None:
    """One engine, from opening its parts to closing them. The caller holds the lock of the home."""
    from homeport.app.doors import Doors, free_near
    from homeport.app.ports import who
    from homeport.app.taken import find_taken
    from homeport.machine.ports import this_computer
    from homeport.recorder import ENTRY
    from homeport.recording.command import recorder_command
    from homeport.recording.feed import Recording

    ending = asyncio.Event()
    daemon.on_signals(ending.set, foreground=foreground)
    wanted = parse_endpoint(settings.door)
    ports = this_computer()
    taken = partial(find_taken, ports)
    free = free_near(wanted, taken)
    told = msgspec.structs.replace(settings, door=str(free))  # it finds processes by the door's real port
    async with AsyncExitStack() as parts:  # closes them from the last to the first
        recording = Recording(settings, recorder_command(Path(home.store), told, ENTRY))
        recorder = await daemon.begin(recording.start())
        parts.push_async_callback(recording.close)

        # The recorder is a process of its own: it starts while this one imports the rest, 150 ms.
        from homeport.app.apps import AppsUseCases
        from homeport.app.carried import Carried
        from homeport.app.client_book import ClientBook
        from homeport.app.clients import ClientsUseCases
        from homeport.app.conditions import ConditionsUseCases
        from homeport.app.door_certificates import DoorCertificates
        from homeport.app.engine import EngineUseCases
        from homeport.app.engine_journal import EngineJournal
        from homeport.app.events import Hub
        from homeport.app.exposed_certificates import ExposedCertificates
        from homeport.app.exposures import Exposures
        from homeport.app.idle import Idle
        from homeport.app.lease_table import Kept, LeaseTable
        from homeport.app.leases import LeasesUseCases
        from homeport.app.leftovers import clean_up
        from homeport.app.logs import LogsUseCases
        from homeport.app.meter import Meter
        from homeport.app.networks import Networks
        from homeport.app.roads import Roads
        from homeport.app.routes import RoutesUseCases
        from homeport.app.running import RunningApps
        from homeport.app.service import Service
        from homeport.app.sinks import Activity, LogSink, Watching
        from homeport.app.token_book import TokenBook
        from homeport.app.tokens import TokensUseCases
        from homeport.app.traffic import TrafficUseCases
        from homeport.app.urls import Urls
        from homeport.certs.environment import child_environment
        from homeport.control.auth import Auth
        from homeport.control.entrance import Entrance
        from homeport.control.portserver import Portserver
        from homeport.doctor.checks.app import explain_app
        from homeport.doctor.checks.upstream import explain_upstream
        from homeport.doctor.lookout import Lookout
        from homeport.gateway.door import Door
        from homeport.gateway.gate import Gate
        from homeport.gateway.routes import Routes
        from homeport.gateway.stream_relay import StreamRelay
        from homeport.gateway.tcp import TcpRelay
        from homeport.gateway.udp import UdpRelay
        from homeport.machine.addresses import own_addresses
        from homeport.machine.client_owner import ClientOwners
        from homeport.machine.leases import Leases
        from homeport.machine.peers import own_uid, peer_of
        from homeport.machine.receivers import receives_datagrams
        from homeport.model.route import RouteSpec
        from homeport.model.secret import new_secret
        from homeport.targets.directory import Directories
        from homeport.targets.journal import Journal
        from homeport.targets.seams import Surroundings
        from homeport.targets.supervisor import Supervisor
        from homeport.targets.upstream import Upstream

        token = new_secret()
        auth, entrance = Auth(token), Entrance(home.socket)
        entrance.load()
        notices = await clean_up(home, machine)
        await recorder

        certificates = DoorCertificates(home.authority, daemon.say, settings.tls_keylog)
        tokens = TokenBook(home.tokens)
        owners = ClientOwners(home.key)
        gate = Gate(peer_of, tokens, own_uid())
        door = Door(Routes(), recording.tap, machine.client_is_gone, certificates, gate, owners)
        doors = Doors(door, taken)
        await doors.open(wanted, free)
        parts.push_async_callback(door.close)
        tcp = TcpRelay(recording.tap, owners=owners)
        tcp.start()
        parts.callback(tcp.stop)
        streams = StreamRelay(recording.tap, certificates, machine.client_is_gone, owners)
        parts.push_async_callback(streams.stop)
        udp = UdpRelay(recording.tap, settings.udp_idle_s, is_bound=receives_datagrams, owners=owners)
        udp.start()
        parts.callback(udp.stop)
        urls = Urls(doors.first, lambda: os.path.exists(home.authority))
        roads = Roads(
            door,
            tcp,
            streams,
            udp,
            urls,
            Lookout(ports).explain,
            lambda state: hub.publish("route", state),
            taken,
            partial(find_taken, ports, udp=True),
            home.authority,
        )

        exposed = ExposedCertificates(home.exposed_authorities, daemon.say)
        exposures = Exposures(door, exposed, own_addresses, roads.tell)
        clients = ClientBook()
        networks = Networks(door, tcp, streams, udp, clients)

        leases = Leases(machine.ephemeral_range())
        parts.callback(leases.close)
        boot_id = machine.boot_id()
        journal = EngineJournal(home.leases, boot_id, Kept)
        table = LeaseTable(leases, machine, journal, lambda: supervisor.states(), lambda: idle.touch())
        table.restore()
        parts.callback(table.close)
        portserver = Portserver(home.socket_for("portserver"), table.take)
        directories = Directories(home.socket_for)
        parts.push_async_callback(directories.close_all)
        machine.adopt_orphans()
        supervisor = Supervisor(
            Surroundings(
                machine=machine,
                leases=leases,
                journal=Journal(home.children, machine),
                log=LogSink(recording.tap, lambda line: hub.publish("log", line)),
                explain=explain_app,
                story_of=partial(who, ports),
                changed=lambda state: hub.app_changed(exposures.follow(state)),
                urls=urls,
                marker_key=home.key,
                socket_for=home.socket_for,
                activity=Activity(roads),
                directories=directories,
                trust=lambda environ: child_environment(home.authority, environ),
                portserver=portserver.address,
            )
        )
        apps = RunningApps(supervisor, roads, networks, exposures, ending.is_set)

        engine = EngineUseCases(home.root, apps, roads, recording, doors, auth, entrance, ending.set)
        idle = Idle(
            None if foreground else settings.idle_exit_s,
            lambda: supervisor.is_needed() or roads.has_extra() or table.is_needed or hub.watchers > 0,
            ending.set,
        )
        conditions = ConditionsUseCases(
            roads, networks, changed=lambda state: hub.publish("conditions", state), recording=recording
        )
        hub = Hub(
            Watching(recording),
            lambda: [*engine.current(), *(("conditions", state) for state in conditions.current())],
            idle.touch,
            Meter(recording, Carried(door, tcp, streams, udp)).watch,
        )
        routes = RoutesUseCases(roads, networks, exposures, EngineJournal(home.routes, boot_id, RouteSpec))
        parts.callback(routes.close)
        notices += await routes.restore()
        service = Service(
            AppsUseCases(apps),
            routes,
            TrafficUseCases(recording),
            LogsUseCases(recording),
            LeasesUseCases(table, portserver.address),
            TokensUseCases(tokens, door.revoke),
            conditions,
            ClientsUseCases(clients, conditions, networks),
            engine,
            hub,
        )
        engine.begin(doors.warnings, notices, certificates.warnings)

        private_file(home.token_file, token.encode())
        await portserver.open()
        parts.push_async_callback(portserver.close)
        await entrance.open(service, auth, idle.touch)
        roads.add_control(Upstream(entrance.endpoint, explain_upstream))
        # The end, read upwards: nobody new finds the socket, the apps end, who waits for that is told, who watches has
        # seen it, and only then the last connection is closed.
        parts.push_async_callback(entrance.close)
        parts.callback(hub.close)
        parts.callback(engine.apps_stopped)
        parts.push_async_callback(supervisor.close)
        parts.callback(entrance.unlink)
        parts.callback(idle.close)
        word.ready(engine.sentences())
        idle.touch()
        daemon.settle()
        await ending.wait()


def main(words: list[str] | None = None) -> int:
    """The engine's process, and its exit status."""
    arguments = daemon.arguments(sys.argv[1:] if words is None else words)
    word = Word(arguments.ready_fd)
    try:
        home = Home(arguments.home) if arguments.home else Home.find()
        home.prepare()
        machine = this_machine()
        lock = daemon.own(home, machine.lock_file)
        settings = load_settings(home.settings_file, os.environ)
        daemon.leave_parents()
        daemon.name_process("homeport")
        daemon.allow_many_connections()
        daemon.run(lambda: run_engine(home, settings, machine, word, foreground=arguments.foreground))
    except HomeportError as error:
        word.failed(error)
        daemon.say(error)
        return error.exit_status
    except OSError as error:  # where the disk is full, the log below cannot say it
        where = f"{error.filename}: " if error.filename else ""
        word.failed(HomeportError("engine-failed", f"the engine could not start: {where}{error.strerror or error}"))
        raise
    lock.release()
    return 0


if __name__ == "__main__":
    sys.exit(main())

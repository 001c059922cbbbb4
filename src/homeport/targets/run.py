"""One run of a command: from its start until nothing of it is left, and what was seen of it meanwhile.

It looks at the process tree in short intervals, since neither a new listener nor a daemon announces itself. It never
starts anything twice and explains nothing.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping

from homeport.machine.interface import Listener
from homeport.model.app import AppSpec
from homeport.model.endpoint import Endpoint
from homeport.targets import follow
from homeport.targets.child import Child
from homeport.targets.command import Given, shown
from homeport.targets.journal import Entry
from homeport.targets.lines import plain
from homeport.targets.ports import Ports
from homeport.targets.readiness import ReadyCheck
from homeport.targets.seams import Surroundings
from homeport.targets.tree import Orphans, Tree

# What servers say when bind() fails: libc's words, Node's, and those of frameworks that say it themselves.
_PORT_IN_USE = re.compile(r"EADDRINUSE|address (?:is )?already in use|port \d+ is (?:already )?in use", re.IGNORECASE)
# Where they name it: `:::3000`, `127.0.0.1:3000`, `port 3000`, `('127.0.0.1', 8000)`.
_TRIED = re.compile(r"(?::|\bport |, )(\d{2,5})\b", re.IGNORECASE)

_SLOW_LOOKS_AFTER_S = 5.0  # what takes longer to start will not be missed for a fifth of a second
_SLOW_LOOK_FACTOR = 4
_KERNEL_FIRST_S = 1.0  # the kernel knows an end a moment before we do; a look may also fail, where files have run out
_DRAIN_S = 0.5  # for the last lines of a child that ended
_MENTIONED = 8  # ports in a log; dev servers name theirs among the first


class Run:
    """`heard` gets every line of output, without terminal sequences."""

    def __init__(
        self,
        spec: AppSpec,
        route: str,
        given: Given,
        ports: Ports,
        around: Surroundings,
        orphans: Orphans,
        heard: Callable[[str], None],
    ) -> None:
        self.given = given
        self.listeners: list[Listener] = []
        self.endpoint: Endpoint | None = None
        self.bind_failed = False  # it said that its address is in use while we held its port
        self.said_in_use = False
        self.tried: list[int] = []  # the ports that it said to be in use
        self._spec = spec
        self._route = route
        self._ports = ports
        self._around = around
        self._orphans = orphans
        self._heard = heard
        self._loop = asyncio.get_running_loop()
        self._began_s = self._loop.time()
        self._since_s = self._began_s  # when it began to start: with the run, or when it stopped listening
        self._ended_s = 0.0
        self._left_behind_s: float | None = None  # when the command ended with 0, and processes stayed
        self._daemon_code: int | None = None
        self._mentioned: list[int] = []
        self._had_endpoint = False
        self._look_now = asyncio.Event()
        self._spawn: asyncio.Future[Child] | None = None
        self._child: Child | None = None
        self._tree: Tree | None = None
        self._check: ReadyCheck | None = None

    async def start(self, words: str | list[str], cwd: str, env: Mapping[str, str]) -> None:
        """Raises OSError, or HomeportError for a mistake in the spec.

        A child that is being started when we are cancelled is ended by `end`.
        """
        self._check = ReadyCheck(self._spec.ready, self._around.pace, cwd, env, self._look_now.set, self._kill)
        self._orphans.spawn_begins()
        self._spawn = asyncio.ensure_future(Child.start(words, cwd, env, self._hear, self._look_now.set))
        self._spawn.add_done_callback(self._note_failure)
        await asyncio.wait([self._spawn])
        self._adopt(self._spawn.result())

    @property
    def pid(self) -> int | None:
        """Of the command, or of what it left behind."""
        if self._tree is None or not self._tree.members:
            return None
        root = self._tree.root
        return root if root in self._tree.members else min(self._tree.members)

    @property
    def exit_code(self) -> int | None:
        """Of the command; of the daemon, where it left one behind that ended by itself."""
        if self._daemon_code is not None:
            return self._daemon_code
        return self._child.exit_code if self._child else None

    @property
    def ran_s(self) -> float:
        return (self._ended_s or self._loop.time()) - self._began_s

    @property
    def starting_s(self) -> float:
        return self._loop.time() - self._since_s

    @property
    def ready_seen(self) -> str:
        return self._check.seen if self._check else ""

    @property
    def is_ready(self) -> bool:
        listens = self._spec.listens
        if self._check and self._check.is_wanted:
            return self._check.is_met
        if self.endpoint is not None or listens == "no":
            return True
        return listens == "maybe" and self.ran_s >= self._around.pace.worker_after_s

    def look_soon(self) -> None:
        self._look_now.set()

    async def follow(self, seen: Callable[[], bool]) -> None:
        """Look until it has ended, or until `seen`, called after every look, says that it is enough."""
        while self._child and self._tree:
            self._look_now.clear()
            self._look(self._tree)
            if not self._tree.members:
                await self._child.has_ended(_KERNEL_FIRST_S)
                await self._tree.is_over()
            if self._has_ended(self._child, self._tree) or seen():
                break
            try:
                async with asyncio.timeout(self._pause_s()):  # wait_for of Python 3.11 may swallow our cancellation
                    await self._look_now.wait()
            except TimeoutError:
                pass

    async def end(self) -> None:
        """End what still runs, close all that is open. May be called again, after it was cancelled too."""
        if self._check:
            await self._check.close()
        if self._spawn and self._child is None:
            await asyncio.wait([self._spawn])  # we were cancelled while it was being started
            if not self._spawn.exception():
                self._adopt(self._spawn.result())
        pace, grace_s = self._around.pace, self._spec.stop_timeout_s
        if self._tree:
            await self._tree.end(grace_s, pace.kill_limit_s, lambda: self._say_killed(grace_s))
        if self._child:
            await self._child.drained(_DRAIN_S)
            await self._child.close()
        if self._tree:
            self._tree.close()  # only now: until its end was heard of, the child must not be taken for an orphan
        self._ended_s = self._ended_s or self._loop.time()
        self.listeners, self.endpoint = [], None

    def _adopt(self, child: Child) -> None:
        self._child = child
        entry = Entry(route=self._route, command=shown(self._spec.command), folder=self._spec.folder)
        self._tree = Tree(self._around, self._orphans, entry, child.pid)
        self._tree.look()
        self._orphans.spawn_ends()

    def _note_failure(self, spawn: asyncio.Future[Child]) -> None:
        if spawn.cancelled() or spawn.exception():
            self._orphans.spawn_ends()

    def _look(self, tree: Tree) -> None:
        tree.look()
        self.listeners = self._around.machine.listeners(list(tree.members))
        self._ports.yield_listened({listener.endpoint.port for listener in self.listeners})
        self.endpoint = follow.choose(self.listeners, self.given, mentioned=self._mentioned, current=self.endpoint)
        if self.endpoint is None and self._had_endpoint:
            self._since_s = self._loop.time()  # a dev server that starts itself anew
            if self._check:
                self._check.begin_again()
        self._had_endpoint = self.endpoint is not None
        if self._check:
            self._check.look(self.endpoint)

    def _has_ended(self, child: Child, tree: Tree) -> bool:
        if not child.ended.is_set():
            return False
        if not tree.members and not child.exit_code:
            self._daemon_code = tree.exit_code
        if not tree.members or child.exit_code:
            return True
        now_s = self._loop.time()
        self._left_behind_s = self._left_behind_s or now_s
        return not self.listeners and now_s - self._left_behind_s > self._around.pace.leftover_grace_s

    def _pause_s(self) -> float:
        pace = self._around.pace
        if self.is_ready:
            return pace.look_steady_s
        slow = self.starting_s > _SLOW_LOOKS_AFTER_S
        return min(pace.look_starting_s * (_SLOW_LOOK_FACTOR if slow else 1), pace.look_steady_s)

    def _hear(self, stream: str, text: str, continues: bool) -> None:
        self._around.log.line(self._route, stream, text, continues)
        line = plain(text)
        self._heard(line)
        if self.is_ready:
            return
        new = [port for port in follow.mentioned_ports(line) if port not in self._mentioned]
        self._mentioned = [*self._mentioned, *new][:_MENTIONED]
        if self._check:
            self._check.hear(line)
        if _says_port_in_use(line):
            self.said_in_use = True
            self.tried += [int(port) for port in _TRIED.findall(line)]
            self.bind_failed = self._ports.yield_holds() or self.bind_failed

    def _kill(self, pid: int) -> None:
        machine = self._around.machine
        times = {member: machine.start_time(member) for member in machine.tree([pid], "")}
        machine.signal_processes({key: time for key, time in times.items() if time is not None}, force=True)

    def _say_killed(self, grace_s: float) -> None:
        self._around.log.line(self._route, "homeport", f"did not end within {grace_s:g} s: killed", False)


def _says_port_in_use(line: str) -> bool:
    """The pattern alone takes 80 ns a character, a third of the loop while an app floods its log."""
    lower = line.lower()
    return ("in use" in lower or "eaddrinuse" in lower) and bool(_PORT_IN_USE.search(line))

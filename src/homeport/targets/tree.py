"""The processes of one app: the child, its descendants, and those that left it behind (daemons).

It remembers every process with its start time, writes them into the journal, and ends them all. What the processes
listen on and what that means is for others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from homeport.targets.journal import Entry
from homeport.targets.seams import Surroundings

_LOOK_ENDING_S = 0.02


class Tree:
    """`members` are the processes seen at the last look, with their start times."""

    def __init__(self, around: Surroundings, orphans: Orphans, entry: Entry, pid: int) -> None:
        self.members: dict[int, float] = {}
        self.before: dict[int, float] = {}  # the members before they last changed
        self.root = pid
        self.marker = f"{around.marker_key}/{entry.route}"
        self.started = around.machine.start_time(pid) or 0.0
        self.exit_code: int | None = None  # of the last adopted process that ended, once the child itself had
        self._has_lost_its_root = False
        self._around = around
        self._orphans = orphans
        self._entry = entry
        orphans.trees.append(self)

    def look(self) -> None:
        """See who lives, and write down who is new. Ended orphans are collected."""
        machine = self._around.machine
        self._orphans.collect()
        known = [pid for pid, started in self.members.items() if machine.start_time(pid) == started]
        root = [self.root] if machine.start_time(self.root) == self.started else self._left_behind()
        roots = {*root, *known, *self._orphans.claimed_by(self)}
        times = {pid: machine.start_time(pid) for pid in machine.tree(roots, self.marker)}
        members = {pid: started for pid, started in times.items() if started is not None}
        if members != self.members:
            self.members, self.before = members, self.members
            self._around.journal.put(msgspec.structs.replace(self._entry, processes=members))

    async def is_over(self) -> bool:
        """Whether nobody is left, which is believed at the third look only.

        A look reads one process after the other; a daemon whose parent ends meanwhile is in neither place, and daemons
        are given away twice. While any child is being started, orphans without a name are not claimed.
        """
        if not self.members:
            await self._orphans.all_spawned()
        for _ in range(2):
            if not self.members:
                self.look()
        return not self.members

    async def end(self, grace_s: float, kill_limit_s: float, on_force: Callable[[], None]) -> None:
        """Ask all of them to end, force what is left after the grace time, and wait until nothing is left."""
        loop = asyncio.get_running_loop()
        self._has_lost_its_root = False  # so that its session is looked at once more
        self.look()
        for force, limit_s in ((False, grace_s), (True, kill_limit_s)):
            deadline_s = loop.time() + limit_s
            signalled: set[int] = set()
            if force and self.members:
                on_force()
            while not await self.is_over() and loop.time() < deadline_s:
                if new := {pid: started for pid, started in self.members.items() if pid not in signalled}:
                    # Also those that were forked while the others were told.
                    self._around.machine.signal_processes(new, force=force)
                    signalled |= new.keys()
                await asyncio.sleep(_LOOK_ENDING_S)
                self.look()

    def _left_behind(self) -> list[int]:
        """Who stays in the session that the child began, looked for once: it finds them where nobody adopts orphans."""
        if self._has_lost_its_root:
            return []
        self._has_lost_its_root = True
        return self._around.machine.session(self.root)

    def close(self) -> None:
        self._orphans.forget(self)
        self._around.journal.remove(self._entry.route)


class Orphans:
    """Processes that lost their parent and became our children: whose they are, and what they ended with."""

    def __init__(self, around: Surroundings) -> None:
        self.trees: list[Tree] = []
        self._spawning = 0  # children that are being started: they are not orphans, though no tree has them yet
        self._all_spawned = asyncio.Event()
        self._all_spawned.set()
        self._around = around
        self._claims: dict[tuple[int, float], Tree] = {}

    def claimed_by(self, tree: Tree) -> list[int]:
        """Orphans whose environment names nobody (nginx writes its title over it) and that are most likely this tree's.

        An orphan is taken for one of the youngest tree that is older than it and whose first process has ended.
        """
        machine = self._around.machine
        nameless = [pid for pid, marker in machine.strays().items() if not marker] if self._lost_its_root(tree) else []
        for pid in nameless:
            started = machine.start_time(pid)
            if started is None or self._spawning or self._is_known(pid, started):
                continue
            owners = [other for other in self.trees if other.started <= started and self._lost_its_root(other)]
            if owners:
                self._claims[pid, started] = max(owners, key=lambda owner: owner.started)
        return [
            pid
            for (pid, started), owner in self._claims.items()
            if owner is tree and machine.start_time(pid) == started
        ]

    def collect(self) -> None:
        """Reap orphans that ended. Children that we started ourselves are reaped by whoever started them."""
        machine = self._around.machine
        if self._spawning:
            return
        roots = {tree.root for tree in self.trees}
        for pid in machine.strays():
            if pid in roots or machine.start_time(pid) is not None:
                continue
            code = machine.reap(pid)
            # It may have ended in the middle of the last look: then that look has left it out.
            owner = next((tree for tree in self.trees if pid in tree.members or pid in tree.before), None)
            if owner and code is not None and self._lost_its_root(owner):
                owner.exit_code = code

    def spawn_begins(self) -> None:
        self._spawning += 1
        self._all_spawned.clear()

    def spawn_ends(self) -> None:
        """The child has its tree, or could not be started."""
        self._spawning -= 1
        if not self._spawning:
            self._all_spawned.set()

    async def all_spawned(self) -> None:
        await self._all_spawned.wait()

    def forget(self, tree: Tree) -> None:
        if tree in self.trees:
            self.trees.remove(tree)
        self._claims = {key: owner for key, owner in self._claims.items() if owner is not tree}

    def _is_known(self, pid: int, started: float) -> bool:
        in_trees = any(tree.members.get(pid) == started or tree.root == pid for tree in self.trees)
        return in_trees or (pid, started) in self._claims

    def _lost_its_root(self, tree: Tree) -> bool:
        return self._around.machine.start_time(tree.root) != tree.started

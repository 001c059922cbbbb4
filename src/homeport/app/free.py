"""Freeing a port: a plan of what ends (see free_plan.py) carried out, and a look at what became of it.

Nobody is signalled who is protected, who was not in the plan, or whose pid meanwhile belongs to another process.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Collection, Mapping

import msgspec

from homeport.app.port_reasons import reasons
from homeport.app.ports import story_of
from homeport.machine.ports import Ports
from homeport.model.ports import Link, ProcessFact
from homeport.model.ports_free import Ending, Freed, Plan, named
from homeport.model.ports_next import own_tool
from homeport.model.ports_why import keeper

GRACE_S = 10.0  # from SIGTERM on, as for apps
KILLED_S = 5.0  # what SIGKILL may take while the kernel writes something out
RESTART_S = 1.0  # how long to look whether somebody starts it again, …
SUPERVISED_S = 3.0  # … and where a supervisor stands above it
_LOOK_AGAIN_S = 0.05

StopApp = Callable[[str], None]
Progress = Callable[[str], None]


class Freeing:
    """One plan, carried out. The clock and the pause are a seam for tests."""

    def __init__(
        self,
        ports: Ports,
        progress: Progress = lambda text: None,
        *,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._ports, self._progress, self._clock, self._pause = ports, progress, clock, pause

    def free(self, planned: Plan, stop_app: StopApp, *, force: bool = False) -> Freed:
        """Signals, waits, and looks again."""
        port = planned.port
        problems = [refusal.what for refusal in planned.refusals]
        before = {process.pid: process for process in planned.holders}
        supervised = self._is_supervised(planned)
        asked = []
        for ending in planned.endings:
            problem = self._end(port, ending, stop_app)
            problems += [problem] if problem else []
            asked += [] if problem else [ending]
        left = self._wait(port, before, GRACE_S, asked)
        if left and force and not problems:
            for ending in asked:
                if ending.how != "app" and ending.listener.pid:
                    self._kill(ending)
            left = self._wait(port, before, KILLED_S, asked)
        ended = tuple(pid for pid, process in before.items() if not self._is(process))
        if problems or left:
            return _failed(planned, ended, problems, [before[pid] for pid in left], force)
        freed = self._look_again(port, ended, SUPERVISED_S if supervised else RESTART_S)
        timer = next((ending.again for ending in asked if ending.again), "")
        if not freed.is_free or not timer:
            return freed
        scope = "--user " if "--user" in asked[0].tool else ""
        warning = f"{timer} will start it again"
        return msgspec.structs.replace(freed, warning=warning, next=f"systemctl {scope}stop {timer}")

    def _end(self, port: int, ending: Ending, stop_app: StopApp) -> str:
        pid = ending.listener.pid
        if pid and (self._ports.process(pid) is None or pid not in self._holders(port)):
            return ""  # it has ended, or does not listen any more
        if pid and not self._is(ending.listener):
            return f"pid {pid} is not the same process any more"
        if ending.how == "app":
            stop_app(ending.app)
            return ""
        if ending.how == "tool":
            told = shlex.join(ending.tool)
            return self._ports.run(ending.tool, lambda waited: self._progress(f"waiting for `{told}`: {waited:.0f} s"))
        return self._ports.end(ending.target, group=ending.how == "group")

    def _kill(self, ending: Ending) -> None:
        """The group, as long as its leader lives; the listener in any case."""
        left = [process for process in (ending.listener, *ending.workers) if self._is(process)]
        self._progress(f"{named((left or [ending.listener])[0])} does not end: SIGKILL")
        if ending.how == "tool":
            self._ports.end(ending.listener, force=True)
            return
        self._ports.end(ending.target, group=ending.how == "group", force=True)
        for process in left:
            if process.pid != ending.target.pid:
                self._ports.end(process, force=True)

    def _wait(
        self, port: int, before: Mapping[int, ProcessFact], limit_s: float, endings: Collection[Ending]
    ) -> list[int]:
        """Until none of them listens any more; who still does."""
        start, told = self._clock(), 1.0
        outlived: set[int] = set()
        while True:
            left = [pid for pid in self._holders(port) if pid in before and self._is(before[pid])]
            self._end_workers(endings, left, outlived)
            waited = self._clock() - start
            if not left or not endings or waited >= limit_s:
                return left
            if waited >= told:
                self._progress(f"waiting for {named(before[left[0]])} to end: {told:.0f} of {limit_s:.0f} s")
                told += 1
            self._pause(_LOOK_AGAIN_S)

    def _end_workers(self, endings: Collection[Ending], left: list[int], told: set[int]) -> None:
        """Those whose parent went without them, once each; most end with it."""
        for ending in endings:
            if ending.workers and not self._is(ending.listener):
                for worker in ending.workers:
                    if worker.pid in left and worker.pid not in told:
                        told.add(worker.pid)
                        self._ports.end(worker)

    def _look_again(self, port: int, ended: tuple[int, ...], limit_s: float) -> Freed:
        start = self._clock()
        while self._clock() - start < limit_s:
            for pid in self._holders(port):
                if process := self._ports.process(pid):
                    return self._again(port, ended, process)
            self._pause(_LOOK_AGAIN_S)
        return Freed(port=port, is_free=not self._ports.sockets(port), ended=ended)

    def _again(self, port: int, ended: tuple[int, ...], process: ProcessFact) -> Freed:
        story = story_of(self._ports, process)
        link = keeper(story.why) or (story.why[0] if story.why else None)
        cause = f": {link.text}" if link else ""
        problem = f"{named(process)} listens there now{cause}"
        return Freed(port=port, is_free=False, ended=ended, problem=problem, next=_stop_first(link, port), again=story)

    def _is_supervised(self, planned: Plan) -> bool:
        chains = (reasons(self._ports, ending.listener) for ending in planned.endings if ending.listener.pid)
        return any(link.kind in ("supervisor", "unit", "container") for chain in chains for link in chain)

    def _holders(self, port: int) -> list[int]:
        return sorted({pid for one in self._ports.sockets(port) for pid in one.pids})

    def _is(self, process: ProcessFact) -> bool:
        now = self._ports.process(process.pid)
        return now is not None and now.start == process.start


def _failed(planned: Plan, ended: tuple[int, ...], problems: list[str], left: list[ProcessFact], force: bool) -> Freed:
    if not problems:
        names = " and ".join(map(named, left)) + (" still listens" if len(left) == 1 else " still listen")
        problems = [names if force else f"{names} {GRACE_S:.0f} s after SIGTERM"]
        following = f"homeport who {planned.port}" if force else f"homeport free {planned.port} --force"
    else:
        following = next((one.next for one in planned.refusals if one.next), f"homeport who {planned.port}")
    return Freed(port=planned.port, is_free=False, ended=ended, problem="; ".join(problems), next=following)


def _stop_first(link: Link | None, port: int) -> str:
    if link is None:
        return f"homeport who {port}"
    return own_tool(link) or (f"end pid {link.pid} first" if link.pid > 1 else f"homeport who {port}")

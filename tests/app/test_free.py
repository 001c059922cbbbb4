"""What is ended for a port, what is not, and what is said when that was not enough: on a computer made of lists."""

from __future__ import annotations

from homeport.app.free import Freeing
from homeport.app.free_plan import plan
from homeport.machine.ports_fake import FakePorts
from homeport.model.endpoint import Endpoint
from homeport.model.ports import ProcessFact, SocketFact
from homeport.model.ports_free import Freed, Plan, sentence

PORT = 3000


def nobody_is_stopped(route: str) -> None:
    raise AssertionError(route)


class Computer(FakePorts):
    """A node on port 3000, and a clock that moves when somebody waits."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.said: list[str] = []
        self.add(1, "systemd")

    def add(self, pid: int, name: str, *command: str, parent: int = 1, group: int = 0, **more: str) -> None:
        self.processes[pid] = ProcessFact(
            pid=pid,
            start=float(pid),
            name=name,
            command=command or (name,),
            parent=0 if pid == 1 else parent,
            group=group or pid,
            user=more.get("user", "ann"),
            cgroup=more.get("cgroup", ""),
        )

    def listen(self, *pids: int, user: str = "ann") -> None:
        self.listening.append(SocketFact(endpoint=Endpoint("127.0.0.1", PORT), pids=pids, user=user))

    def pause(self, seconds: float) -> None:
        self.now += seconds

    def planned(self, *, user: str = "ann", force: bool = False, **apps: str) -> Plan:
        return plan(self, PORT, {f"127.0.0.1:{PORT}": route for route in apps.values()}, user=user, force=force)

    def freed(self, planned: Plan, *, force: bool = False) -> Freed:
        freeing = Freeing(self, self.said.append, clock=lambda: self.now, pause=self.pause)
        return freeing.free(planned, nobody_is_stopped, force=force)


def test_a_leader_gets_the_signal_with_its_group() -> None:
    computer = Computer()
    computer.add(12, "node")
    computer.add(13, "esbuild", parent=12, group=12)
    computer.listen(12)
    planned = computer.planned()
    assert planned.endings[0].pids == (12, 13)
    assert computer.freed(planned) == Freed(port=PORT, is_free=True, ended=(12,))
    assert computer.signalled == [(12, True, False)]


def test_a_wrapper_started_for_it_gets_the_signal() -> None:
    computer = Computer()
    computer.add(10, "sh", "sh", "-c", "npm run dev")
    computer.add(11, "node", "node", "npm", parent=10, group=10)
    computer.add(12, "node", parent=11, group=10)
    computer.listen(12)
    assert computer.planned().endings[0].target.pid == 10
    computer.add(14, "postgres", parent=10, group=10)
    ending = computer.planned().endings[0]
    assert (ending.how, ending.pids) == ("process", (12,))
    assert ending.why == "since its process group holds other programs"


def test_a_group_that_a_person_types_into_is_left_alone() -> None:
    computer = Computer()
    computer.add(10, "bash", "-bash")
    computer.add(12, "node", parent=10, group=10)
    computer.listen(12)
    assert computer.planned().endings[0].how == "process"
    computer.add(12, "node", parent=10)
    computer.ours |= {12}
    assert computer.planned().refusals[0].what == "node (pid 12) is homeport itself or one of its ancestors"


def test_workers_end_with_their_parent() -> None:
    computer = Computer()
    computer.add(20, "nginx")
    computer.add(21, "nginx", parent=20, group=20)
    computer.listen(20, 21)
    assert [ending.listener.pid for ending in computer.planned().endings] == [20]


def test_workers_that_outlive_their_parent_get_the_signal_too() -> None:
    computer = Computer()
    computer.add(9, "bash")
    computer.add(20, "python3", parent=9, group=9)
    computer.add(21, "python3", parent=20, group=9)
    computer.add(22, "python3", parent=21, group=9)
    for pid in (20, 21, 22):
        computer.listen(pid)
    planned = computer.planned()
    assert [(one.pids, [worker.pid for worker in one.workers]) for one in planned.endings] == [((20,), [21, 22])]
    assert sentence(planned.endings[0]).endswith("; 2 workers of it get it too if still there then")
    assert computer.freed(planned) == Freed(port=PORT, is_free=True, ended=(20, 21, 22))
    assert computer.signalled == [(20, False, False), (21, False, False), (22, False, False)]


def test_workers_that_ignore_it_end_by_force_alone() -> None:
    computer = Computer()
    computer.add(9, "bash")
    computer.add(20, "python3", parent=9, group=9)
    computer.add(21, "python3", parent=20, group=9)
    computer.add(22, "python3", parent=20, group=9)
    computer.listen(20, 21, 22)
    computer.stubborn = {21, 22}
    planned = computer.planned()
    outcome = computer.freed(planned)
    assert outcome.problem == "python3 (pid 21) and python3 (pid 22) still listen 10 s after SIGTERM"
    computer.add(20, "python3", parent=9, group=9)
    computer.listen(20)
    assert computer.freed(computer.planned(), force=True).is_free
    assert computer.said[-1] == "python3 (pid 21) does not end: SIGKILL"


def test_the_engine_is_left_to_its_own_command() -> None:
    computer = Computer()
    computer.add(12, "homeport", "python3", "-P", "-m", "homeport.build", "--home", "/home/ann/.homeport")
    computer.listen(12)
    for force in (False, True):
        (refusal,) = computer.planned(force=force).refusals
        assert refusal.next == "homeport down"
    assert computer.planned().endings == ()


def test_root_is_not_told_to_become_root() -> None:
    computer = Computer()
    computer.listen(user="root")
    (refusal,) = computer.planned(user="root").refusals
    assert refusal.what == "127.0.0.1:3000 is held by a process of root outside of this container, or by the kernel"
    assert "sudo" not in refusal.next


def test_a_pid_that_was_reused_is_left_alone() -> None:
    computer = Computer()
    computer.add(12, "node")
    computer.listen(12)
    planned = computer.planned()
    computer.processes[12] = ProcessFact(pid=12, start=99.0, name="other", group=12)
    outcome = computer.freed(planned)
    assert computer.signalled == []
    assert outcome.problem == "pid 12 is not the same process any more"
    assert 12 in computer.processes


def test_sigkill_only_by_force() -> None:
    computer = Computer()
    computer.add(12, "node")
    computer.listen(12)
    computer.stubborn = {12}
    outcome = computer.freed(computer.planned())
    assert outcome.problem == "node (pid 12) still listens 10 s after SIGTERM"
    assert outcome.next == "homeport free 3000 --force"
    assert computer.said[0] == "waiting for node (pid 12) to end: 1 of 10 s"
    assert [force for _, _, force in computer.signalled] == [False]
    assert computer.freed(computer.planned(), force=True).is_free
    assert [force for _, _, force in computer.signalled] == [False, False, True]


def test_what_starts_it_again_is_named() -> None:
    computer = Computer()
    computer.add(5, "PM2 v5: God Daemon")
    computer.add(12, "node", parent=5)
    computer.add(13, "node", parent=5)
    computer.listen(12)
    computer.respawns[12] = SocketFact(endpoint=Endpoint("127.0.0.1", PORT), pids=(13,))
    outcome = computer.freed(computer.planned())
    assert outcome.problem == "node (pid 13) listens there now: kept running by pm2 (pid 5)"
    assert outcome.next == "pm2 stop NAME"
    assert outcome.again


def test_others_units_and_hidden_ones_are_refused_with_a_way() -> None:
    computer = Computer()
    computer.add(12, "nginx", cgroup="0::/system.slice/nginx.service", user="root")
    computer.listen(12)
    assert computer.planned().refusals[0].next == "sudo homeport free"
    assert computer.planned(user="root").refusals[0].next == "systemctl stop nginx.service"
    assert computer.planned(user="root", force=True).endings
    computer.listening.clear()
    computer.listen(user="postgres")
    outcome = computer.freed(computer.planned())
    assert outcome.problem == "127.0.0.1:3000 is held by a process of postgres that may not be seen"
    assert computer.signalled == []


def test_an_app_is_stopped_through_the_engine() -> None:
    computer = Computer()
    computer.add(12, "node")
    computer.listen(12)
    planned = computer.planned(web="web")
    assert planned.endings[0].how == "app"
    stopped: list[str] = []

    def stop(route: str) -> None:
        stopped.append(route)
        computer.listening.clear()

    freeing = Freeing(computer, clock=lambda: computer.now, pause=computer.pause)
    assert freeing.free(planned, stop).is_free
    assert stopped == ["web"]
    assert computer.signalled == []

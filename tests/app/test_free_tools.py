"""Freeing by the right tool: programs of that name on PATH, which really end a real listener (or do not)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("ends real processes, found as on Linux", allow_module_level=True)

from homeport.app import free
from homeport.app.free import Freeing
from homeport.app.free_plan import plan
from homeport.app.port_reasons import reasons
from homeport.machine.ports_linux import LinuxPorts
from homeport.model.fact import replace
from homeport.model.ports import ProcessFact
from homeport.model.ports_free import Freed, Plan, sentence

CONTAINER = "3f2a" + "0" * 60
SERVER = """
import signal, socket
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
signal.pause()
"""
PARENT = "import subprocess, sys; subprocess.run([sys.executable, *sys.argv[1:]])"


@contextmanager
def running(program: str, *words: str, **environment: str) -> Iterator[tuple[int, int]]:
    """The leader of a session of its own, and the port that it or its child names."""
    child = subprocess.Popen(
        [program, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, **environment},
    )
    assert child.stdout
    try:
        yield child.pid, int(child.stdout.readline())
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.communicate()


class InGroup(LinuxPorts):
    """This computer, on which one process is in a control group that the test names."""

    def __init__(self, pid: int, cgroup: str) -> None:
        super().__init__()
        self._pid, self._cgroup = pid, cgroup

    def process(self, pid: int) -> ProcessFact | None:
        found = super().process(pid)
        return replace(found, cgroup=self._cgroup) if found and pid == self._pid else found


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs that comes first on PATH; each notes its words in `asked`. Nothing else of that name is."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("docker", "podman", "systemctl", "pm2", "supervisorctl"):
        tool(folder, name, "exit 1")
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.setattr(free, "RESTART_S", 0.1)
    monkeypatch.setattr(free, "SUPERVISED_S", 0.1)
    return folder


def tool(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f'#!/bin/sh\necho "{name} $*" >> {folder}/asked\n{script}\n')
    path.chmod(0o755)


def asked(folder: Path) -> list[str]:
    return (folder / "asked").read_text().splitlines()


def nobody(route: str) -> None:
    raise AssertionError(route)


def freed(ports: LinuxPorts, planned: Plan, said: list[str] | None = None) -> Freed:
    return Freeing(ports, (said if said is not None else []).append).free(planned, nobody)


def test_a_unit_is_stopped_by_systemctl_and_its_timer_is_named(tools: Path) -> None:
    with running(sys.executable, "-c", SERVER) as (pid, port):
        tool(tools, "systemctl", f'case "$1" in show) echo shop.timer;; stop) kill {pid};; esac')
        ports = InGroup(pid, "0::/system.slice/shop.service")
        planned = plan(ports, port, {}, user="root")
        (ending,) = planned.endings
        assert ending.tool == ("systemctl", "stop", "shop.service")
        assert sentence(ending).startswith("run `systemctl stop shop.service` for python")
        assert sentence(ending).endswith(
            "run by the systemd unit shop.service, started by shop.timer; shop.timer would start it again"
        )
        outcome = freed(ports, planned)
    assert outcome == Freed(
        port=port,
        is_free=True,
        ended=(pid,),
        warning="shop.timer will start it again",
        next="systemctl stop shop.timer",
    )
    assert "systemctl stop shop.service" in asked(tools)


def test_a_unit_of_a_user_is_stopped_in_its_own_systemd(tools: Path) -> None:
    with running(sys.executable, "-c", SERVER) as (pid, port):
        ports = InGroup(pid, "0::/user.slice/user-1000.slice/user@1000.service/app.slice/api.service")
        (ending,) = plan(ports, port, {}, user="root").endings
        assert ending.tool == ("systemctl", "--user", "stop", "api.service")
    assert "systemctl --user show --property=TriggeredBy --value api.service" in asked(tools)


def test_a_container_is_stopped_under_its_name(tools: Path) -> None:
    with running(sys.executable, "-c", SERVER) as (pid, port):
        tool(tools, "docker", f"case $1 in inspect) printf '/web-1\\tshop\\tweb\\n';; stop) kill {pid};; esac")
        ports = InGroup(pid, f"0::/system.slice/docker-{CONTAINER}.scope")
        planned = plan(ports, port, {}, user="somebody")
        assert planned.endings[0].tool == ("docker", "stop", "web-1")
        assert planned.endings[0].why == "in the container web-1 (Docker, service web of the compose project shop)"
        assert freed(ports, planned).is_free
    assert asked(tools)[-1] == "docker stop web-1"


def test_docker_proxy_leads_to_its_container(tools: Path) -> None:
    proxy = tools / "docker-proxy"
    proxy.symlink_to(sys.executable)
    with running(str(proxy), "-c", SERVER, "-host-port", "8080") as (pid, port):
        tool(tools, "docker", f"case $1 in ps) printf '3f2a00000000\\tweb-1\\n';; stop) kill {pid};; esac")
        ports = LinuxPorts()
        planned = plan(ports, port, {}, user="root")
        assert planned.endings[0].why == "for the container web-1, which publishes this port (Docker)"
        assert freed(ports, planned).is_free
    assert asked(tools)[0].startswith("docker ps --filter publish=8080 --format ")
    assert asked(tools)[-1] == "docker stop web-1"


def test_what_a_tool_says_when_it_fails_is_told(tools: Path) -> None:
    with running(sys.executable, "-c", SERVER) as (pid, port):
        tool(tools, "systemctl", "[ $1 = show ] || { echo 'Access denied' >&2; exit 4; }")
        ports = InGroup(pid, "0::/system.slice/shop.service")
        outcome = freed(ports, plan(ports, port, {}, user="root"))
        assert ports.process(pid)
    assert outcome.problem == "`systemctl stop shop.service` failed (4): Access denied"
    assert outcome.next == f"homeport who {port}"


def test_without_the_tool_only_force_ends_it(tools: Path) -> None:
    (tools / "podman").unlink()
    with running(sys.executable, "-c", SERVER) as (pid, port):
        ports = InGroup(pid, f"0::/machine.slice/libpod-{CONTAINER}.scope/container")
        refusal = plan(ports, port, {}, user="root").refusals[0]
        assert refusal.next == f"podman stop {CONTAINER[:12]}"
        assert plan(ports, port, {}, user="root", force=True).endings[0].how == "group"


def test_pm2_is_told_the_name_that_it_gave(tools: Path) -> None:
    god = tools / "PM2 v5.3.0: God"
    god.symlink_to(sys.executable)
    with running(str(god), "-c", PARENT, "-c", SERVER, name="api", pm_id="0") as (pid, port):
        tool(tools, "pm2", f"[ $1 $2 = stop api ]; kill -9 -{pid}")
        ports = LinuxPorts()
        planned = plan(ports, port, {}, user="root")
        assert planned.endings[0].tool == ("pm2", "stop", "api")
        assert planned.endings[0].why == f"kept running by pm2 as api (pid {pid})"
        assert freed(ports, planned).is_free
    assert asked(tools) == ["pm2 stop api"]


def test_supervisord_is_told_group_and_name_where_it_answers(tools: Path) -> None:
    daemon = tools / "supervisord"
    daemon.write_text(PARENT)
    told = {
        "SUPERVISOR_PROCESS_NAME": "api_00",
        "SUPERVISOR_GROUP_NAME": "api",
        "SUPERVISOR_SERVER_URL": "unix:///run/supervisor.sock",
    }
    with running(sys.executable, str(daemon), "-c", SERVER, **told) as (pid, port):
        tool(tools, "supervisorctl", f"kill -9 -{pid}")
        ports = LinuxPorts()
        planned = plan(ports, port, {}, user="root")
        assert freed(ports, planned).is_free
    assert asked(tools) == ["supervisorctl -s unix:///run/supervisor.sock stop api:api_00"]


def test_a_tool_that_takes_long_is_seen_to_work(tools: Path) -> None:
    with running(sys.executable, "-c", SERVER) as (pid, port):
        tool(tools, "systemctl", f"[ $1 = show ] || {{ timeout 1.2 tail -f /dev/null; kill {pid}; }}")
        ports, said = InGroup(pid, "0::/system.slice/shop.service"), list[str]()
        assert freed(ports, plan(ports, port, {}, user="root"), said).is_free
    assert said[0] == "waiting for `systemctl stop shop.service`: 1 s"


def test_a_pid_that_was_reused_meanwhile_is_left_alone(tools: Path) -> None:
    """The plan knew another process by this number: its start time differs."""
    with running(sys.executable, "-c", SERVER) as (pid, port):
        ports = LinuxPorts()
        planned = plan(ports, port, {}, user="root")
        (ending,) = planned.endings
        older = replace(ending.listener, start=ending.listener.start - 1)
        endings = (type(ending)(how="process", listener=older, target=older, pids=(pid,)),)
        outcome = freed(ports, Plan(port=port, holders=(older,), endings=endings))
        assert ports.process(pid)
    assert outcome.problem == f"pid {pid} is not the same process any more"


def test_the_session_of_a_daemon_is_remembered(tools: Path) -> None:
    """Its parent has ended; the shell whose session it is still in lives."""
    script = f"( {sys.executable} -c '{SERVER}' & ); cat"
    with running("sh", "-c", script) as (shell, port):
        ports = LinuxPorts()
        (pid,) = ports.sockets(port)[0].pids
        process = ports.process(pid)
        assert process
        assert process.parent != shell
        assert shell in [link.pid for link in reasons(ports, process)]

"""Classes of ports, who answers at an address, and why a process runs."""

from __future__ import annotations

import pytest

from homeport.model.endpoint import Endpoint
from homeport.model.ports import ProcessFact, SocketFact, answering, parse_ranges, port_class
from homeport.model.ports_cgroup import container_of, unit_of
from homeport.model.ports_why import is_wrapper, keeper, why

ID = "3f2a" + "0" * 60


def process(name: str, *command: str, pid: int = 7, **more: str) -> ProcessFact:
    return ProcessFact(pid=pid, name=name, command=command or (name,), **more)  # type: ignore[arg-type]


def test_classes() -> None:
    assert [port_class(port) for port in (1, 1023, 1024, 49151, 49152, 65535)] == [
        *["well-known"] * 2,
        *["registered"] * 2,
        *["dynamic"] * 2,
    ]


def test_ranges() -> None:
    assert parse_ranges("8080,9000-9010\n") == [(8080, 8080), (9000, 9010)]
    assert parse_ranges("\n") == []
    assert parse_ranges("a,1-b") == []


def test_the_exact_address_is_preferred() -> None:
    exact, wild, six = (SocketFact(endpoint=Endpoint(host, 80)) for host in ("127.0.0.1", "0.0.0.0", "::"))
    assert answering([exact, wild], "127.0.0.1") == [exact]
    assert answering([exact, wild], "127.0.0.2") == [wild]
    assert answering([six], "127.0.0.1") == [six]
    assert answering([SocketFact(endpoint=Endpoint("::", 80), v6only=True)], "127.0.0.1") == []
    assert answering([exact], "::1") == []
    assert answering([exact], "localhost") == [exact]


@pytest.mark.parametrize(
    ("cgroup", "unit"),
    [
        ("0::/system.slice/nginx.service\n", ("nginx.service", False)),
        ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/api.service", ("api.service", True)),
        ("0::/user.slice/user-1000.slice/session-3.scope", ("", False)),
        ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-konsole@1.service", ("", False)),
        ("0::/system.slice/ssh.service", ("", False)),
        ("1:name=systemd:/system.slice/redis.service/x\n0::/", ("redis.service", False)),
        ("", ("", False)),
    ],
)
def test_units(cgroup: str, unit: tuple[str, bool]) -> None:
    assert unit_of(cgroup) == unit


@pytest.mark.parametrize(
    ("cgroup", "container"),
    [
        (f"0::/system.slice/docker-{ID}.scope", ("Docker", ID[:12])),
        (f"4:memory:/docker/{ID}\n", ("Docker", ID[:12])),
        (f"0::/machine.slice/libpod-{ID}.scope/container", ("Podman", ID[:12])),
        (f"0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-{ID}.scope", ("Kubernetes or containerd", ID[:12])),
        ("0::/lxc.payload.web/init.scope", ("LXC", "web")),
        ("0::/system.slice/docker.service", ("", "")),
    ],
)
def test_containers(cgroup: str, container: tuple[str, str]) -> None:
    assert container_of(cgroup) == container


def test_a_shell_in_tmux() -> None:
    parents = [
        process("node", "node", "/usr/bin/npm", pid=6),
        process("bash", "-bash", pid=5, terminal="pts/3"),
        process("tmux: server", "tmux", pid=4),
        process("systemd", pid=1),
    ]
    links = why(process("node", cgroup="0::/system.slice/tmux-host.service"), parents)
    assert [link.kind for link in links] == ["parent", "shell", "tmux", "init"], "a unit is no reason for what we type"
    assert links[1].text == "started in a shell on pts/3 (bash, pid 5)"
    assert keeper(links) is None


def test_supervisors() -> None:
    pm2 = process("PM2 v5.3.0: God", "PM2 v5.3.0: God Daemon")
    supervisord = process("python3", "/usr/bin/python3", "/usr/bin/supervisord", "-n")
    for parent, name in ((pm2, "pm2"), (supervisord, "supervisord")):
        link = keeper(why(process("node"), [parent]))
        assert link
        assert link.name == name


def test_units_of_the_system_and_of_the_user() -> None:
    first = why(process("nginx", cgroup="0::/system.slice/nginx.service"), [process("systemd", pid=1)])
    assert [link.text for link in first] == ["run by the systemd unit nginx.service", "systemd (pid 1)"]
    second = keeper(why(process("api", cgroup="0::/user.slice/user@1000.service/app.slice/api.service"), []))
    assert second
    assert second.name == "--user api.service"


def test_wrappers() -> None:
    assert is_wrapper(process("sh", "sh", "-c", "npm start"))
    assert is_wrapper(process("bash", "/bin/bash", "./serve.sh"))
    assert not is_wrapper(process("bash", "-bash"))
    assert not is_wrapper(process("bash", "bash", "-i"))
    assert not is_wrapper(process("node", "node", "x.js"))

"""The chain of reasons from recorded control groups, parents and environments."""

from __future__ import annotations

import pytest

from homeport.model.ports import ProcessFact
from homeport.model.ports_cgroup import container_of, package_of, unit_of
from homeport.model.ports_next import own_tool
from homeport.model.ports_why import keeper, why

ID = "9c1d" + "a" * 60
SYSTEMD = ProcessFact(pid=1, name="systemd")


def process(name: str, *command: str, pid: int = 7, **more: str) -> ProcessFact:
    return ProcessFact(pid=pid, name=name, command=command or (name,), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("cgroup", "package"),
    [
        (
            "0::/user.slice/user-1000.slice/user@1000.service/app.slice/snap.firefox.firefox-3f2a11d0.scope",
            "the snap firefox",
        ),
        ("0::/system.slice/snap.nextcloud.apache.service", "the snap nextcloud"),
        (
            "0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-flatpak-com.usebottles.bottles-4121.scope",
            "the Flatpak com.usebottles.bottles",
        ),
        ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-gnome-firefox-12.scope", ""),
        ("", ""),
    ],
)
def test_packages(cgroup: str, package: str) -> None:
    assert package_of(cgroup) == package
    assert unit_of(cgroup) == ("", False), "a snap's unit is told as the snap"


@pytest.mark.parametrize(
    ("cgroup", "container"),
    [
        (
            "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod12.slice/crio-" + ID + ".scope",
            ("Kubernetes or containerd", ID[:12]),
        ),
        ("0::/system.slice/containerd.service/kubepods-besteffort-pod9:cri-containerd:x", ("", "")),
        ("0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + ID + ".scope", ("Podman", ID[:12])),
        ("12:pids:/docker/" + ID + "/init\n0::/", ("Docker", ID[:12])),
    ],
)
def test_containers(cgroup: str, container: tuple[str, str]) -> None:
    assert container_of(cgroup) == container


def test_a_unit_name_is_never_an_option() -> None:
    assert unit_of("0::/system.slice/--force.service") == ("", False)


def test_tools() -> None:
    podman = keeper(why(process("nginx", cgroup=f"0::/machine.slice/libpod-{ID}.scope"), [SYSTEMD]))
    assert podman
    assert own_tool(podman) == f"podman stop {ID[:12]}"
    user = keeper(why(process("api", cgroup="0::/user.slice/user@1000.service/app.slice/api.service"), [SYSTEMD]))
    assert user
    assert own_tool(user) == "systemctl --user stop api.service"
    odd = keeper(why(process("api", cgroup="0::/system.slice/dev-a\\x2db.service"), [SYSTEMD]))
    assert odd
    assert own_tool(odd) == r"systemctl stop 'dev-a\x2db.service'", "as a shell wants it"


def test_pm2_without_its_environment_has_no_name() -> None:
    link = keeper(why(process("node"), [process("PM2 v5.3.0: God", pid=3)], {"name": "mine"}))
    assert link
    assert own_tool(link) == "pm2 stop NAME", "`name` is pm2's only beside pm_id"


def test_nobody_is_told_anything_beyond_this_computer() -> None:
    parents = [process("supervisord", "/usr/bin/supervisord", pid=3)]
    link = keeper(
        why(
            process("api"),
            parents,
            {"SUPERVISOR_PROCESS_NAME": "api", "SUPERVISOR_SERVER_URL": "http://192.0.2.7:9001"},
        )
    )
    assert link
    assert link.tool == ("supervisorctl", "stop", "api")


@pytest.mark.parametrize(
    ("environment", "text"),
    [
        ({"TMUX": "/tmp/tmux-1000/default,99,0"}, "left behind by a shell in tmux"),
        ({"STY": "99.pts-0.desk"}, "left behind by a shell in the screen session 99.pts-0.desk"),
        ({"SSH_CONNECTION": "198.51.100.4 5000 10.0.0.1 22"}, "left behind by an ssh session from 198.51.100.4"),
        ({}, "left behind by a session of ann"),
    ],
)
def test_a_daemon_still_carries_where_it_came_from(environment: dict[str, str], text: str) -> None:
    links = why(process("node", login="ann"), [SYSTEMD], environment)
    assert [link.text for link in links] == [text, "systemd (pid 1)"]


def test_where_it_came_from_is_not_told_twice() -> None:
    in_ssh = why(
        process("node", login="ann"),
        [process("bash", "-bash", pid=5), process("sshd", "sshd: ann@pts/0", pid=4), SYSTEMD],
        {"SSH_CONNECTION": "198.51.100.4 5000 10.0.0.1 22"},
    )
    assert [link.kind for link in in_ssh] == ["shell", "ssh", "init"]
    assert in_ssh[1].text == "in an ssh session from 198.51.100.4 (pid 4)"
    by_cron = why(process("node", login="ann"), [process("sh", "sh", "-c", "x", pid=5), process("cron", pid=4)])
    assert [link.kind for link in by_cron] == ["script", "cron"]
    unit = why(process("nginx", login="ann", cgroup="0::/system.slice/nginx.service"), [SYSTEMD])
    assert [link.kind for link in unit] == ["unit", "init"]

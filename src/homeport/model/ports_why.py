"""Why a process runs: from its control group, its parents and its environment to links in words.

Pure. A control group survives a double fork where the parents do not, so it is read first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from homeport.model.ports import Link, ProcessFact

SHELLS = frozenset({"sh", "bash", "dash", "zsh", "fish", "ksh", "mksh", "tcsh", "csh", "ash", "nu", "pwsh", "busybox"})
_CRON = frozenset({"cron", "crond", "anacron", "atd", "fcron"})
# Those that start again what ends, or keep it running; the rest of the chain names whoever else stands there.
_SUPERVISORS = {
    "supervisord": "supervisord",
    "circusd": "Circus",
    "runsv": "runit",
    "s6-supervise": "s6",
    "monit": "monit",
    "overmind": "Overmind",
    "hivemind": "Hivemind",
    "foreman": "Foreman",
    "honcho": "honcho",
    "process-compose": "process-compose",
    "nodemon": "nodemon",
    "watchexec": "watchexec",
    "entr": "entr",
    "air": "air",
}
_UNIT = re.compile(r"(?:^|/)([^/]+)\.service(?=/|$)")
# Services that only host what people start by hand: no reason why a server runs.
_HOSTS = re.compile(r"user@|app-|ssh|gnome-terminal|dbus|getty|serial-getty|login|display-manager|gdm|sddm|lightdm")
_CONTAINER = re.compile(
    r"(?P<kind>docker|libpod|crio|cri-containerd|containerd|podman|kubepods)[^\n]*?[/-]"
    r"(?P<id>[0-9a-f]{64})(?:\.scope)?(?=/|$)",
    re.MULTILINE,
)
_LXC = re.compile(r"/lxc(?:\.payload\.|\.payload/|/)(?P<id>[^/\n]+)")
_KINDS = {"docker": "Docker", "libpod": "Podman", "podman": "Podman"}


def container_of(cgroup: str) -> tuple[str, str]:
    """("Docker", "3f2a…" of 12 digits), or ("", "")."""
    if found := _CONTAINER.search(cgroup):
        return _KINDS.get(found["kind"], "Kubernetes or containerd"), found["id"][:12]
    if lxc := _LXC.search(cgroup):
        return "LXC", lxc["id"]
    return "", ""


def unit_of(cgroup: str) -> tuple[str, bool]:
    """The innermost systemd service and whether it is one of the user's; ("", False) where a person started it."""
    lines = [line.split(":", 2)[2] for line in cgroup.splitlines() if line.count(":") >= 2]
    for path in lines:
        for name in reversed(_UNIT.findall(path)):
            if not _HOSTS.match(name):
                return f"{name}.service", "/user@" in path
    return "", False


def why(process: ProcessFact, parents: Sequence[ProcessFact]) -> tuple[Link, ...]:
    """The chain, nearest first. `parents` are its ancestors, nearest first."""
    links = []
    if process.app:
        links.append(Link(kind="homeport", text=f"homeport runs it as {process.app}", name=process.app))
    engine, number = container_of(process.cgroup)
    if number:
        links.append(Link(kind="container", text=f"in the container {number} ({engine})", name=number))
    elif process.name == "docker-proxy":
        links.append(Link(kind="container", text="for a container that publishes this port (Docker)"))
    by_hand = False
    for parent in parents:
        link = _link(parent)
        links.append(link)
        by_hand = by_hand or link.kind in ("shell", "tmux", "screen", "ssh")
    unit, is_users = unit_of(process.cgroup)
    if unit and not number and not by_hand:
        link = _unit_link(unit, is_users)
        links = [*(link for link in links if link.kind == "homeport"), link, *links[bool(process.app) :]]
    return tuple(links)


def keeper(links: Sequence[Link]) -> Link | None:
    """Who would probably start the process again when it ends."""
    return next((link for link in links if link.kind in ("homeport", "container", "unit", "supervisor")), None)


def program(process: ProcessFact) -> str:
    """The name of what runs: for `python3 /usr/bin/supervisord` and kin that is the script."""
    words = [word for word in process.command[:4] if not word.startswith("-")]
    if process.name.startswith(("python", "node", "ruby", "perl")) and len(words) > 1:
        return words[1].rpartition("/")[2]
    return process.name.lstrip("-")


def is_wrapper(process: ProcessFact) -> bool:
    """A shell that was started for a command or a script, not one that somebody types into."""
    words = process.command[1:]
    if process.name.lstrip("-") not in SHELLS or not words:
        return False
    if "-c" in words:
        return True
    # Editors start the shell of their terminal with a file of their own.
    return not {"--init-file", "--rcfile", "-i"} & set(words) and any(not word.startswith("-") for word in words)


def _link(parent: ProcessFact) -> Link:
    name, at = program(parent), f"pid {parent.pid}"
    if parent.pid == 1:
        return Link(kind="init", text=f"{parent.name or 'init'} (pid 1)", pid=1)
    if name.startswith("tmux") or parent.name.startswith("tmux"):
        return Link(kind="tmux", text=f"in tmux ({at})", pid=parent.pid)
    if name.lower() == "screen":
        return Link(kind="screen", text=f"in screen ({at})", pid=parent.pid)
    if name.startswith("sshd"):
        return Link(kind="ssh", text=f"in an ssh session ({at})", pid=parent.pid)
    if name.lower() in _CRON:
        return Link(kind="cron", text=f"started by {name.lower()} ({at})", pid=parent.pid)
    if name in SHELLS:
        return _shell_link(parent, name)
    if parent.name.upper().startswith("PM2") or name.lower() == "pm2":
        return Link(kind="supervisor", text=f"kept running by pm2 ({at})", name="pm2", pid=parent.pid)
    if name in _SUPERVISORS:
        known = _SUPERVISORS[name]
        return Link(kind="supervisor", text=f"kept running by {known} ({at})", name=known, pid=parent.pid)
    if name == "homeport":
        return Link(kind="parent", text=f"started by homeport ({at})", name=name, pid=parent.pid)
    return Link(kind="parent", text=f"started by {name or 'a process'} ({at})", name=name, pid=parent.pid)


def _shell_link(parent: ProcessFact, name: str) -> Link:
    if is_wrapper(parent):
        return Link(kind="script", text=f"run by a {name} command (pid {parent.pid})", name=name, pid=parent.pid)
    place = f" on {parent.terminal}" if parent.terminal else ""
    return Link(kind="shell", text=f"started in a shell{place} ({name}, pid {parent.pid})", name=name, pid=parent.pid)


def _unit_link(unit: str, is_users: bool) -> Link:
    if unit.removesuffix(".service") in _CRON:
        return Link(kind="cron", text=f"started by {unit}", name=unit)
    whose = "the user's systemd unit" if is_users else "the systemd unit"
    return Link(kind="unit", text=f"by {whose} {unit}", name=f"--user {unit}" if is_users else unit)

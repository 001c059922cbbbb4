"""Why a process runs: from its control group, its parents and its environment to links in words. Pure.

A chain of parents ends where a daemon left them; control group, environment and login survive that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from homeport.model.ports import Link, ProcessFact
from homeport.model.ports_cgroup import container_of, package_of, unit_of

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
_BY_HAND = frozenset({"shell", "tmux", "screen", "ssh"})
_NOTHING: Mapping[str, str] = MappingProxyType({})


def why(
    process: ProcessFact, parents: Sequence[ProcessFact], environment: Mapping[str, str] = _NOTHING
) -> tuple[Link, ...]:
    """The chain, nearest first. `parents` are its ancestors, nearest first; `environment` is its own."""
    first = [*_app(process), *_container(process), *_package(process)]
    chain = [_link(parent, environment) for parent in parents]
    chain = [*_unit(process, chain, bool(first) and first[-1].kind == "container"), *chain]
    return (*first, *_left(process, chain, environment))


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


def is_engine(process: ProcessFact) -> bool:
    """Homeport's own engine, of whatever home: it is started as a module (control/launch.py)."""
    words = process.command
    return "homeport.build" in words and words[words.index("homeport.build") - 1] == "-m"


def _app(process: ProcessFact) -> list[Link]:
    name = process.app
    if is_engine(process):
        text = "it is homeport's engine, which serves all apps and routes"
        return [Link(kind="homeport", text=text, name="engine", tool=("homeport", "down"))]
    text = f"homeport runs it as {name}"
    return [Link(kind="homeport", text=text, name=name, tool=("homeport", "stop", name))] if name else []


def _container(process: ProcessFact) -> list[Link]:
    engine, number = container_of(process.cgroup)
    if number:
        tool = {"Docker": ("docker", "stop", number), "Podman": ("podman", "stop", number)}.get(engine, ())
        return [Link(kind="container", text=f"in the container {number} ({engine})", name=number, tool=tool)]
    if process.name == "docker-proxy":
        return [Link(kind="container", text="for a container that publishes this port (Docker)")]
    return []


def _package(process: ProcessFact) -> list[Link]:
    package = package_of(process.cgroup)
    return [Link(kind="package", text=f"from {package}", name=package.rpartition(" ")[2])] if package else []


def _unit(process: ProcessFact, chain: Sequence[Link], in_container: bool) -> list[Link]:
    unit, is_users = unit_of(process.cgroup)
    if not unit or in_container or any(link.kind in _BY_HAND for link in chain):
        return []
    if unit.removesuffix(".service") in _CRON:
        return [Link(kind="cron", text=f"started by {unit}", name=unit)]
    if is_users:
        tool = ("systemctl", "--user", "stop", unit)
        return [Link(kind="unit", text=f"run by the user's systemd unit {unit}", name=f"--user {unit}", tool=tool)]
    return [Link(kind="unit", text=f"run by the systemd unit {unit}", name=unit, tool=("systemctl", "stop", unit))]


def _left(process: ProcessFact, chain: list[Link], environment: Mapping[str, str]) -> list[Link]:
    """With what a daemon that left its parents still carries: the terminal it came from, and who had logged in."""
    kinds = {link.kind for link in chain}
    found: list[Link] = []
    if not kinds & {*_BY_HAND, "unit", "cron", "supervisor"}:
        if "TMUX" in environment:
            found.append(Link(kind="tmux", text="left behind by a shell in tmux"))
        elif screen := environment.get("STY"):
            found.append(Link(kind="screen", text=f"left behind by a shell in the screen session {screen}"))
        elif ssh := environment.get("SSH_CONNECTION"):
            found.append(Link(kind="ssh", text=f"left behind by an ssh session from {ssh.split(' ')[0]}"))
        if process.login and not found:
            found.append(Link(kind="login", text=f"left behind by a session of {process.login}"))
    last = chain[-1:] if chain and chain[-1].kind == "init" else []
    return [*chain[: len(chain) - len(last)], *found, *last]


def _link(parent: ProcessFact, environment: Mapping[str, str]) -> Link:
    name, at = program(parent), f"pid {parent.pid}"
    if parent.pid == 1:
        return Link(kind="init", text=f"{parent.name or 'init'} (pid 1)", pid=1)
    if name.startswith("tmux") or parent.name.startswith("tmux"):
        return Link(kind="tmux", text=f"in tmux ({at})", pid=parent.pid)
    if name.lower() == "screen":
        session = environment.get("STY", "")
        whose = f"the screen session {session}" if session else "screen"
        return Link(kind="screen", text=f"in {whose} ({at})", name=session, pid=parent.pid)
    if name.startswith("sshd"):
        host = environment.get("SSH_CONNECTION", "").split(" ")[0]
        return Link(kind="ssh", text=f"in an ssh session{f' from {host}' if host else ''} ({at})", pid=parent.pid)
    if name.lower() in _CRON:
        return Link(kind="cron", text=f"started by {name.lower()} ({at})", pid=parent.pid)
    if name in SHELLS:
        return _shell_link(parent, name)
    return _supervisor(parent, name, environment) or Link(
        kind="parent", text=f"started by {name or 'a process'} ({at})", name=name, pid=parent.pid
    )


def _supervisor(parent: ProcessFact, name: str, environment: Mapping[str, str]) -> Link | None:
    if parent.name.upper().startswith("PM2") or name.lower() == "pm2":
        known, what = "pm2", environment.get("name", "") if "pm_id" in environment else ""
        tool: tuple[str, ...] = ("pm2", "stop", what or "NAME")
    elif name == "supervisord":
        known, tool, what = name, *_supervisord(environment)
    elif name in _SUPERVISORS:
        known, tool, what = _SUPERVISORS[name], (), ""
    else:
        return None
    which = f" as {what}" if what else ""
    text = f"kept running by {known}{which} (pid {parent.pid})"
    return Link(kind="supervisor", text=text, name=known, pid=parent.pid, tool=tool)


def _supervisord(environment: Mapping[str, str]) -> tuple[tuple[str, ...], str]:
    """It tells its children who they are, and where it answers (supervisord.org, "Subprocess Environment")."""
    process, group = environment.get("SUPERVISOR_PROCESS_NAME", ""), environment.get("SUPERVISOR_GROUP_NAME", "")
    what = f"{group}:{process}" if group not in ("", process) else process
    url = environment.get("SUPERVISOR_SERVER_URL", "")
    if not url.startswith(("unix:///", "http://127.0.0.1:", "http://localhost:")):
        url = ""  # an environment can be written over: nobody is told anything beyond this computer
    return ("supervisorctl", *(("-s", url) if url else ()), "stop", what or "NAME"), what


def _shell_link(parent: ProcessFact, name: str) -> Link:
    if is_wrapper(parent):
        return Link(kind="script", text=f"run by a {name} command (pid {parent.pid})", name=name, pid=parent.pid)
    place = f" on {parent.terminal}" if parent.terminal else ""
    return Link(kind="shell", text=f"started in a shell{place} ({name}, pid {parent.pid})", name=name, pid=parent.pid)

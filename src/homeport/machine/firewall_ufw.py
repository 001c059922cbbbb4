"""ufw: whether it runs and what it refuses, from `ufw status verbose`, or without root from its own settings.

It lets loopback pass before any rule of the user's (`-i lo` in before.rules), so it blocks local connections only where
those files were changed. Its rules are evaluated as what they are: rules of iptables.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from homeport.machine.firewall_run import Run
from homeport.model.firewall import FirewallState

_SETTINGS = "/etc/ufw/ufw.conf"
_USER_RULES = ("/etc/ufw/user.rules", "/etc/ufw/user6.rules")
_PAST_DOCKER = "ports that Docker publishes pass it: Docker's own rules come first"


def state(run: Run, read: Callable[[str], str]) -> FirewallState:
    """`read` gives a file's text, or '' where it may not be read."""
    output = run(["ufw", "status", "verbose"])
    if output.code == 127:
        return FirewallState(tool="ufw", state="absent", why=output.err)
    if output.code:
        return _from_files(read)
    return parse(output.out)


def parse(text: str) -> FirewallState:
    """What `ufw status verbose` prints."""
    found = re.search(r"^Status: (\w+)", text, re.MULTILINE)
    if found is None:
        return FirewallState(tool="ufw", state="unknown", why="what ufw printed could not be read")
    if found[1] != "active":
        return FirewallState(tool="ufw", state="inactive")
    policy = re.search(r"^Default: (.+)$", text, re.MULTILINE)
    rules = re.findall(r"^.+\s(?:ALLOW|DENY|REJECT|LIMIT)(?: (?:IN|OUT|FWD))?\s.+$", text, re.MULTILINE)
    return FirewallState(
        tool="ufw", state="active", rules=len(rules), policy=policy[1] if policy else "", why=_PAST_DOCKER
    )


def parse_files(settings: str, user_rules: str) -> FirewallState:
    """ufw.conf, which everybody may read, and user.rules, where it may be read."""
    enabled = re.search(r"^\s*ENABLED\s*=\s*[\"']?(\w+)", settings, re.MULTILINE)
    if enabled is None:
        return FirewallState(tool="ufw", state="unknown", why="only root may ask it")
    rules = len(re.findall(r"^### tuple ###", user_rules, re.MULTILINE))
    is_on = enabled[1].lower() == "yes"
    return FirewallState(
        tool="ufw",
        state="active" if is_on else "inactive",
        rules=rules,
        why=f"its settings enable it; only root may ask it more; {_PAST_DOCKER}" if is_on else "",
    )


def _from_files(read: Callable[[str], str]) -> FirewallState:
    return parse_files(read(_SETTINGS), "".join(read(path) for path in _USER_RULES))

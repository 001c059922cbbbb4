"""firewalld: whether it runs and what its default zone lets in, from `firewall-cmd`. Its rules are rules of nftables.

It accepts loopback before it looks at zones, so a port missing in a zone never blocks a local connection by itself.
"""

from __future__ import annotations

import re

from homeport.machine.firewall_run import Run
from homeport.model.firewall import FirewallState

_NOT_RUNNING = 252  # firewall-cmd(1)


def state(run: Run) -> FirewallState:
    output = run(["firewall-cmd", "--state"])
    if output.code == 127:
        return FirewallState(tool="firewalld", state="absent", why=output.err)
    if output.code == _NOT_RUNNING or "not running" in output.out + output.err:
        return FirewallState(tool="firewalld", state="inactive")
    if output.code:
        return FirewallState(tool="firewalld", state="unknown", why=output.complaint)
    zone = run(["firewall-cmd", "--list-all"])
    return parse(zone.out) if zone.code == 0 else FirewallState(tool="firewalld", state="active", why=zone.complaint)


def parse(text: str) -> FirewallState:
    """What `firewall-cmd --list-all` prints: the zone, then `  key: values` and rich rules below."""
    fields = dict(re.findall(r"^  ([\w-]+): ?(.*)$", text, re.MULTILINE))
    zone = text.split("\n", 1)[0].split(" ")[0]
    rules = sum(len(fields.get(key, "").split()) for key in ("services", "ports", "source-ports", "protocols"))
    rules += len(re.findall(r"^\s+rule ", text, re.MULTILINE))
    target = fields.get("target", "default")
    return FirewallState(tool="firewalld", state="active", rules=rules, policy=f"zone {zone}: {target}" if zone else "")

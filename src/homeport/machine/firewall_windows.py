"""Windows Defender Firewall: its profiles by netsh, its rules by PowerShell. It never looks at loopback.

So its rules decide only about this computer's other addresses; there a rule that blocks beats every rule that allows.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from homeport.machine import firewall_fix
from homeport.machine.firewall import IP
from homeport.machine.firewall_run import Run, run
from homeport.model.endpoint import Endpoint
from homeport.model.firewall import Deciding, FirewallState, Fix, Rule, Verdict

_SCRIPT = (
    "Get-NetFirewallRule -Enabled True -Direction Inbound | ForEach-Object { $p = $_ | Get-NetFirewallPortFilter; "
    '[pscustomobject]@{ Name=$_.Name; DisplayName=$_.DisplayName; Action="$($_.Action)"; Profile="$($_.Profile)"; '
    'Protocol="$($p.Protocol)"; LocalPort=@($p.LocalPort) } } | ConvertTo-Json -Depth 3'
)
_LOOPBACK = "Windows Defender Firewall does not look at loopback; another filter might"


class WindowsFirewall:
    """See Firewall."""

    def __init__(self, runs: Run = run) -> None:
        self._run = runs

    def states(self) -> list[FirewallState]:
        profiles = self._run(["netsh", "advfirewall", "show", "allprofiles"])
        if profiles.code == 127:
            return [FirewallState(tool="windows-firewall", state="absent", why=profiles.err)]
        return [parse_profiles(profiles.out)]

    def deciding(self, endpoint: Endpoint, protocol: IP = "tcp", uid: int | None = None) -> Deciding | None:
        if endpoint.is_loopback:
            return Deciding(verdict="accept", certain=False, why=_LOOPBACK)
        state = next(iter(self.states()))
        listing = self._run(["powershell", "-NoProfile", "-NonInteractive", "-Command", _SCRIPT])
        if state.state == "inactive":
            return Deciding(verdict="accept")
        return decide(parse_rules(listing.out), endpoint.port, protocol) if listing.code == 0 else None

    def trace(self, endpoint: Endpoint, protocol: IP = "tcp", uid: int | None = None) -> Deciding | None:
        return None

    def fix(self, endpoint: Endpoint, deciding: Deciding, protocol: IP = "tcp") -> Fix | None:
        """None where a rule blocks: only changing that rule would help."""
        if deciding.tool != "windows-firewall" or not deciding.is_blocked or deciding.rule:
            return None
        name = f"name=homeport {protocol} {endpoint.port}"
        place = ("netsh", "advfirewall", "firewall")
        loopback = "::1" if ":" in endpoint.host else "127.0.0.1"
        ends = (f"localip={loopback}", f"remoteip={loopback}", f"protocol={protocol}", f"localport={endpoint.port}")
        return Fix(
            tool="windows-firewall",
            commands=((*place, "add", "rule", name, "dir=in", "action=allow", *ends),),
            undo=((*place, "delete", "rule", name),),
            why=f"lets {protocol} port {endpoint.port} through between loopback addresses",
        )

    def apply(self, fix: Fix) -> tuple[str, Fix]:
        return firewall_fix.apply(self._run, fix)

    def undo(self, fix: Fix) -> str:
        return firewall_fix.undo(self._run, fix)


def parse_profiles(text: str) -> FirewallState:
    """`netsh advfirewall show allprofiles`: three profiles, in English or not: ON and OFF end the lines after `---`."""
    states = re.findall(r"^State\s+(ON|OFF)\s*$", text, re.MULTILINE | re.IGNORECASE)
    if not states:
        return FirewallState(tool="windows-firewall", state="unknown", why="what netsh printed could not be read")
    policies = re.findall(r"^Firewall Policy\s+(\S+)\s*$", text, re.MULTILINE)
    names = re.findall(r"^(\w+) Profile Settings", text, re.MULTILINE)
    on = [name for name, state in zip(names, states, strict=False) if state.upper() == "ON"]
    return FirewallState(
        tool="windows-firewall",
        state="active" if on else "inactive",
        policy=", ".join(dict.fromkeys(policies)),
        why=f"{_LOOPBACK}; on for {', '.join(on)}" if on else "",
    )


def parse_rules(text: str) -> list[dict[str, Any]]:
    """What ConvertTo-Json prints: one object or a list of them; [] for nothing or what cannot be read."""
    try:
        found = msgspec.json.decode(text.lstrip("\ufeff").strip() or "[]")
    except msgspec.DecodeError:
        return []
    return [one for one in (found if isinstance(found, list) else [found]) if isinstance(one, dict)]


def decide(rules: list[dict[str, Any]], port: int, protocol: str) -> Deciding:
    """For a connection from outside; which profile and program it is for is not looked at, so it is never certain."""
    matching = [rule for rule in rules if _matches(rule, port, protocol)]
    chosen = next((rule for rule in matching if _blocks(rule)), next(iter(matching), None))
    why = "profiles, programs and addresses of its rules were not looked at"
    if chosen is None:
        return Deciding(verdict="drop", tool="windows-firewall", chain="inbound", certain=False, why=why)
    verdict: Verdict = "drop" if _blocks(chosen) else "accept"
    name = str(chosen.get("DisplayName") or chosen.get("Name") or "")
    action = "Block" if verdict == "drop" else "Allow"
    text = f"{action} {protocol.upper()} {','.join(_ports(chosen))}: {name}"
    rule = Rule(
        tool="windows-firewall", chain="inbound", text=text, verdict=verdict, handle=str(chosen.get("Name", ""))
    )
    return Deciding(verdict=verdict, rule=rule, tool="windows-firewall", chain="inbound", certain=False, why=why)


def _blocks(rule: dict[str, Any]) -> bool:
    return str(rule.get("Action", "")) in ("Block", "4")  # PowerShell 5 writes the number


def _matches(rule: dict[str, Any], port: int, protocol: str) -> bool:
    if str(rule.get("Protocol", "Any")).lower() not in ("any", protocol, {"tcp": "6", "udp": "17"}[protocol]):
        return False
    return any(_covers(part, port) for part in _ports(rule))


def _ports(rule: dict[str, Any]) -> list[str]:
    found = rule.get("LocalPort", "Any")
    if isinstance(found, dict):
        found = found.get("value", "Any")  # PowerShell 5 wraps lists
    return [str(part) for part in found] if isinstance(found, list) else str(found).split(",")


def _covers(part: str, port: int) -> bool:
    low, dash, high = part.strip().partition("-")
    if part.strip().lower() == "any":
        return True
    return low.isdigit() and int(low) <= port <= (int(high) if dash and high.isdigit() else int(low))

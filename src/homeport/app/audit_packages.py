"""Packages against known vulnerabilities: homeport's own, and those that a project's lock files name.

The programs of machine/auditors.py ask the databases; what they say is made into findings here.
"""

from __future__ import annotations

import os
import re
from importlib import metadata
from typing import Literal

import homeport
from homeport.formats import audit_tools, python_pins
from homeport.machine.auditors import Said, npm_audit, pip_audit
from homeport.model.audit import AuditPart, Checked, Vulnerability, part, unknown
from homeport.model.finding import Finding, Level

NPM_LOCKS = ("package-lock.json", "npm-shrinkwrap.json")
_OTHER_LOCKS = {"pnpm-lock.yaml": "pnpm audit", "yarn.lock": "yarn audit", "bun.lock": "bun audit"}
_NAMED = 10  # packages in a sentence
_SHOWN = 50  # of one folder; the first are the worst
_LEVELS: dict[str, Level] = {"moderate": "warning", "low": "warning", "info": "warning"}


def has_packages(folder: str) -> tuple[str, str]:
    """The files that name the packages of npm's kind and of Python's; "" where there is none."""
    there = set(os.listdir(folder)) if os.access(folder, os.R_OK) else set()
    npm = next((name for name in (*NPM_LOCKS, *_OTHER_LOCKS) if name in there), "")
    python = next((name for name in (*python_pins.LOCK_FILES, python_pins.REQUIREMENTS) if name in there), "")
    return npm, python


def audit_ourselves() -> AuditPart:
    """That no database knows homeport's own version is no finding: it may be newer than any release."""
    what = f"homeport {homeport.__version__} and its dependencies"
    pins = _our_pins()
    return _judged(what, "pip", pip_audit(pins), "pipx upgrade homeport, or pip install --upgrade homeport", "homeport")


def audit_npm(folder: str, lock: str) -> AuditPart:
    what = f"{os.path.join(folder, lock)}"
    if lock in _OTHER_LOCKS:
        return _unknown(what, f"{lock} is not npm's", f"cd {folder} && {_OTHER_LOCKS[lock]}")
    return _judged(what, "npm", npm_audit(folder), f"cd {folder} && npm audit fix")


def audit_python(folder: str, lock: str) -> AuditPart:
    what = os.path.join(folder, lock)
    try:
        with open(what, encoding="utf-8") as file:
            text = file.read()
        is_lock = lock != python_pins.REQUIREMENTS
        pins, left_open = (python_pins.locked(text), 0) if is_lock else python_pins.required(text)
    except (OSError, UnicodeDecodeError, python_pins.Unreadable) as error:
        return _unknown(what, f"it cannot be read: {error}", f"cd {folder} && pip-audit")
    findings: list[Finding] = []
    if left_open:
        why = f"{left_open} of its requirements name no exact version"
        findings.append(unknown(f"all of {what}", why, f"pin them (name==1.2.3), or: cd {folder} && pip-audit"))
    if not pins:
        return part(what, findings, "0 packages")
    judged = _judged(what, "pip", pip_audit(pins), f"change the version in {what}, then homeport audit")
    return part(what, [*judged.findings, *findings], judged.seen)


def _our_pins() -> list[tuple[str, str]]:
    """homeport and what it needs, step by step, as installed here. Extras and other systems' packages are left out."""
    pins: dict[str, str] = {}
    pending = ["homeport"]
    while pending:
        name = _normal(pending.pop())
        if name in pins:
            continue
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        pins[name] = found.version
        pending += [_bare(line) for line in found.requires or [] if "extra ==" not in line]
    return sorted(pins.items())


def _judged(what: str, tool: Literal["npm", "pip"], said: Said, following: str, ourselves: str = "") -> AuditPart:
    name = "npm audit" if tool == "npm" else "pip-audit"
    if said.why:
        install = "pipx install pip-audit" if "pip-audit is not installed" in said.why else f"{name}, when it is there"
        return _unknown(what, said.why, install)
    try:
        checked = audit_tools.read_npm(said.out) if tool == "npm" else audit_tools.read_pip(said.out)
    except audit_tools.Unreadable as error:
        return _unknown(what, f"{name}: {error}", f"{name}, where its database can be reached")
    findings = [_finding(one, following) for one in checked.vulnerabilities[:_SHOWN]]
    if skipped := [name for name in checked.skipped if name != ourselves]:
        findings.append(_unjudged(what, skipped, checked))
    return part(what, findings, _seen(checked))


def _seen(checked: Checked) -> str:
    skipped = f", {len(checked.skipped)} not known to the database" if checked.skipped else ""
    found = f", {len(checked.vulnerabilities)} advisories" if checked.vulnerabilities else ""
    return f"{checked.packages} packages{found}{skipped}"


def _unjudged(what: str, skipped: list[str], checked: Checked) -> Finding:
    """A private index, or a database that has lost its data: either way nobody has looked."""
    if not checked.packages:
        return unknown(what, "pip-audit's database knows none of the packages", "pip-audit, where it can be reached")
    more = f" and {len(skipped) - _NAMED} more" if len(skipped) > _NAMED else ""
    why = f"pip-audit's database does not know {', '.join(skipped[:_NAMED])}{more}"
    return unknown(f"all of {what}", why, "nothing, where they come from a private index")


def _finding(one: Vulnerability, following: str) -> Finding:
    fixed = {"": "", "none": "; there is no fixed version yet"}.get(one.fixed_in, f"; fixed in {one.fixed_in}")
    severity = f" ({one.severity})" if one.severity else ""
    return Finding(
        code="package-vulnerable",
        level=_LEVELS.get(one.severity, "problem"),
        what=f"{one.package} {one.version} has a known vulnerability{severity}: {one.id or 'without a number'}",
        why=f"{one.title}{fixed}",
        next=following,
    )


def _unknown(what: str, why: str, following: str) -> AuditPart:
    return part(what, [unknown(what, why, following)])


def _bare(requirement: str) -> str:
    """`uvloop>=0.21; sys_platform != 'win32'` without what follows the name."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    return found[0] if found else ""


def _normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")

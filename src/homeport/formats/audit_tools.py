"""What `npm audit --json` and `pip-audit --format json` print. Anything else is Unreadable, with the tool's own words.

It starts no program. Only what is shown is read, and every field is checked: a database's text is a stranger's text.
"""

from __future__ import annotations

import json
import re
from typing import Any, cast, get_args

from homeport.model.audit import Checked, Severity, Vulnerability

LIMIT_BYTES = 32 * 1024 * 1024
_TITLE = 200  # characters
_WORD = re.compile(r"[^\s\x00-\x1f\x7f]{1,214}")  # names of packages have at most 214 characters


class Unreadable(Exception):  # noqa: N818 - a state of the answer
    """Why the answer says nothing about vulnerabilities."""


def read_npm(text: str) -> Checked:
    """Report version 2, of npm 7 and later."""
    document = _document(text)
    if "vulnerabilities" not in document:
        raise Unreadable(_npm_mistake(document))
    if document.get("auditReportVersion") != 2:
        raise Unreadable("its report is of a version that is not known")
    found = _table(document["vulnerabilities"])
    metadata = _table(document.get("metadata", {}))
    total = _table(metadata.get("dependencies", {})).get("total", 0)
    vulnerabilities = [one for name, value in found.items() for one in _npm_package(name, _table(value))]
    return Checked(packages=_count(total), vulnerabilities=_sorted(vulnerabilities))


def read_pip(text: str) -> Checked:
    """Of pip-audit 2."""
    dependencies = _list(_document(text).get("dependencies"))
    vulnerabilities, skipped = [], []
    for value in map(_table, dependencies):
        name = _word(value.get("name"))
        if "skip_reason" in value:
            skipped.append(name)
            continue
        version = _word(value.get("version"))
        vulnerabilities += [_pip_advisory(name, version, _table(one)) for one in _list(value.get("vulns"))]
    return Checked(
        packages=len(dependencies) - len(skipped), vulnerabilities=_sorted(vulnerabilities), skipped=tuple(skipped)
    )


def _npm_package(name: str, value: dict[str, Any]) -> list[Vulnerability]:
    """One for each advisory about the package itself; what it gets through others is told there."""
    fix = value.get("fixAvailable")
    fixed_in = "none" if fix is False else ""
    if isinstance(fix, dict):
        fixed_in = f"{_word(fix.get('name'))} {_word(fix.get('version'))}"
    return [
        Vulnerability(
            package=_word(name),
            version=_line(one.get("range")),
            id=_line(one.get("url")).rpartition("/")[2],
            severity=_severity(one.get("severity")),
            title=_line(one.get("title")),
            fixed_in=fixed_in,
            url=_line(one.get("url")),
        )
        for one in _list(value.get("via"))
        if isinstance(one, dict)
    ]


def _pip_advisory(name: str, version: str, value: dict[str, Any]) -> Vulnerability:
    aliases = [_word(alias) for alias in _list(value.get("aliases", []))]
    fixes = [_word(fix) for fix in _list(value.get("fix_versions"))]
    return Vulnerability(
        package=name,
        version=version,
        id=next((alias for alias in aliases if alias.startswith("CVE-")), _word(value.get("id"))),
        title=_line(value.get("description", "")),
        fixed_in=fixes[-1] if fixes else "none",
    )


def _npm_mistake(document: dict[str, Any]) -> str:
    error = document.get("error")
    summary = _line(error.get("summary", "")) if isinstance(error, dict) else ""
    message = document.get("message", "")
    return summary or (_line(message) if isinstance(message, str) else "") or "its answer has no report in it"


def _document(text: str) -> dict[str, Any]:
    if len(text) > LIMIT_BYTES:
        raise Unreadable("its answer is longer than 32 MiB")
    try:
        return _table(json.loads(text))
    except (ValueError, RecursionError):
        raise Unreadable("its answer is not JSON") from None


def _table(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unreadable("its report has another form than is known")
    return value


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise Unreadable("its report has another form than is known")
    return value


def _word(value: object) -> str:
    """The name of a package, a version, an identifier."""
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        raise Unreadable("its report has another form than is known")
    return value


def _line(value: object) -> str:
    """The first line of a text, without anything that a terminal would obey."""
    if not isinstance(value, str):
        raise Unreadable("its report has another form than is known")
    first = next((line for line in value.splitlines() if line.strip()), "")
    return "".join(letter for letter in first.strip() if letter.isprintable())[:_TITLE]


def _severity(value: object) -> Severity:
    return cast(Severity, value) if value in get_args(Severity) else ""


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0


def _sorted(found: list[Vulnerability]) -> tuple[Vulnerability, ...]:
    """The worst first; those of unknown severity count as bad ones."""
    order: dict[str, int] = {"critical": 0, "high": 1, "": 2, "moderate": 3, "low": 4, "info": 5}
    return tuple(sorted(found, key=lambda one: (order[one.severity], one.package, one.id)))

"""What lies on the disk: certificates near their end, and files that hold a secret and that others may read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from homeport.certs import private
from homeport.machine.home import Home
from homeport.model.audit import AuditPart, part, unknown
from homeport.model.errors import HomeportError
from homeport.model.finding import Finding

CA_DAYS = 30.0  # before its end: browsers must be told of the next one in time
LEAF_DAYS = 14.0  # nobody renews what `homeport cert` made
_FILE_LIMIT_BYTES = 64 * 1024  # a certificate with its chain takes 3 KiB
_FILES = 500  # *.pem of one folder that are looked at
_OPEN = ("root.pem",)  # meant to be read by anybody who reaches them


def audit_certificates(authority: str, folders: Iterable[str], now_s: float) -> AuditPart:
    """Our CA, and what `homeport cert` wrote into these folders or into `certs` below them."""
    findings: list[Finding] = []
    count = 0
    try:
        ca_ends = _ca_ends(authority)
    except HomeportError as error:
        findings.append(unknown("homeport's CA", error.message, error.hint or ""))
        ca_ends = None
    if ca_ends is not None:
        count += 1
        findings += _near(ca_ends, now_s, CA_DAYS, "homeport's CA", "homeport trust --renew")
    for path in _certificates(folders):
        ends = _ends(path)
        if ends is not None:
            count += 1
            following = f"homeport cert NAME --out {os.path.dirname(path)}, with the names that it has"
            findings += _near(ends, now_s, LEAF_DAYS, path, following)
    return part("certificates", findings, f"{count} of homeport")


def audit_files(home: Home, folders: Iterable[str], keylog: str = "") -> AuditPart:
    """Everything in the home, keys that `homeport cert` wrote, and the log of TLS keys."""
    paths = list(_private_files(home))
    paths += [key for path in _certificates(folders) if (key := _key_of(path)) and _ends(path) is not None]
    if keylog and os.path.lexists(keylog):
        paths.append(keylog)
    findings = [finding for path in paths if (finding := _open_to_others(path)) is not None]
    return part("private files", findings, f"{len(paths)} of them")


def _ca_ends(authority: str) -> datetime | None:
    """None where there is none yet. Raises HomeportError."""
    from homeport.certs.authority import Authority

    found = Authority.load(authority)
    return found.not_after if found is not None else None


def _near(ends: datetime, now_s: float, days: float, what: str, following: str) -> list[Finding]:
    left_days = (ends - datetime.fromtimestamp(now_s, UTC)).total_seconds() / 86400
    day = ends.date().isoformat()
    if left_days <= 0:
        return [Finding(code="certificate-ended", what=f"{what} has ended on {day}", next=following)]
    if left_days > days:
        return []
    said = f"{what} ends on {day}, in {int(left_days)} days"
    return [Finding(code="certificate-ends-soon", level="warning", what=said, next=following)]


def _certificates(folders: Iterable[str]) -> Iterator[str]:
    for folder in folders:
        for place in (folder, os.path.join(folder, "certs")):
            try:
                names = sorted(name for name in os.listdir(place) if name.endswith(".pem"))
            except OSError:
                continue
            yield from (os.path.join(place, name) for name in names[:_FILES] if not name.endswith("-key.pem"))


def _ends(path: str) -> datetime | None:
    """When a leaf of ours ends; None for everything else."""
    from homeport.certs import issue
    from homeport.certs.root import ORGANISATION

    try:
        if not os.path.isfile(path) or os.path.getsize(path) > _FILE_LIMIT_BYTES:
            return None
        with open(path, "rb") as file:
            found = issue.read_certificates(file.read())[0]
    except (OSError, IndexError, issue.Damaged):
        return None
    is_leaf = found.subject != found.issuer
    is_ours = any(attribute.value == ORGANISATION for attribute in found.issuer)
    return found.not_valid_after_utc if is_leaf and is_ours else None


def _key_of(path: str) -> str:
    key = f"{path.removesuffix('.pem')}-key.pem"
    return key if os.path.lexists(key) else ""


def _private_files(home: Home) -> Iterator[str]:
    for root in dict.fromkeys((home.root, home.socket_folder)):
        if not os.path.lexists(root):
            continue
        yield root
        for folder, folders, files in os.walk(root):
            yield from (os.path.join(folder, name) for name in (*folders, *files) if not _may_be_read(folder, name))


def _may_be_read(folder: str, name: str) -> bool:
    return name in _OPEN or os.path.basename(folder) == "retired"


def _open_to_others(path: str) -> Finding | None:
    try:
        private.check(os.stat(path) if os.path.isdir(path) else os.lstat(path), path)
    except FileNotFoundError:
        return None  # it was there a moment ago
    except OSError as error:
        return unknown(path, error.strerror or "")
    except HomeportError as error:
        return Finding(
            code="file-open-to-others", what=error.message, why="it holds what lets others in", next=error.hint or ""
        )
    return None

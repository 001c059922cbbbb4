"""What a request path means in a served directory: a file, a directory, a redirect, or a refusal with its reason.

It looks (realpath, stat, scandir) and never opens a file. Nothing outside the directory is ever named: segments are
split before they are decoded, `..` does not exist, and what symbolic links lead to must still lie inside.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from urllib.parse import quote_from_bytes, unquote_to_bytes

WELL_KNOWN = ".well-known"  # RFC 8615: the one dot name that clients are meant to ask for
INDEX = "index.html"


@dataclass(frozen=True, slots=True)
class File:
    """A regular file that may be read."""

    path: str
    stat: os.stat_result


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a listing; `name` may hold surrogates where the file's name is not UTF-8."""

    name: str
    is_directory: bool
    size: int
    modified_s: float


@dataclass(frozen=True, slots=True)
class Listing:
    """A directory without an index page. Directories first, then by name as people sort them."""

    path: str  # as the client wrote it, decoded: "/photos/"
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Redirect:
    """A directory asked for without its slash; `location` is relative, so it holds behind every prefix."""

    location: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing to answer with. `page` is the site's own 404.html, where it has one."""

    status: int
    why: str
    page: File | None = None


Found = File | Listing | Redirect | Refused


def look_up(directory: str, raw_path: bytes, *, spa: bool = False, listing: bool = True) -> Found:
    """What to answer `raw_path` with (percent-encoded, without its query).

    `spa`: whether this request may be answered with the index page where nothing else is found.
    """
    root = os.path.realpath(directory)
    found = _look_inside(root, raw_path, listing=listing)
    if not isinstance(found, Refused) or found.status != 404:
        return found
    if not os.path.isdir(root):
        return Refused(404, f"The directory {directory} is gone.")
    if spa and not _has_extension(raw_path):
        index = _regular_file(root, os.path.join(root, INDEX))
        return index if isinstance(index, File) else found
    own_page = _regular_file(root, os.path.join(root, "404.html"))
    return Refused(404, found.why, own_page) if isinstance(own_page, File) else found


def _look_inside(root: str, raw_path: bytes, *, listing: bool) -> Found:
    try:
        names = [os.fsdecode(unquote_to_bytes(part)) for part in raw_path.split(b"/") if part]
    except UnicodeDecodeError:
        return _nothing(raw_path)
    if not all(map(_may_be_asked_for, names)):
        return _nothing(raw_path)
    path = os.path.join(root, *names)
    if os.path.isdir(path):
        return _directory(root, path, raw_path, listing=listing)
    return _nothing(raw_path) if raw_path.endswith(b"/") else _regular_file(root, path, raw_path)


def _directory(root: str, path: str, raw_path: bytes, *, listing: bool) -> Found:
    real = os.path.realpath(path)
    if not _is_inside(root, real):
        return _outside(raw_path)
    index = _regular_file(root, os.path.join(real, INDEX), raw_path)
    if isinstance(index, Refused) and index.status == 404 and not listing:
        return Refused(404, f"There is no {INDEX} in {_shown(raw_path)}.")
    if not raw_path.endswith(b"/"):
        # "./" keeps a colon in the name from reading as a scheme (RFC 3986 4.2).
        name = quote_from_bytes(unquote_to_bytes(raw_path.rpartition(b"/")[2]))
        return Redirect(f"./{name}/")
    if isinstance(index, File) or index.status != 404:
        return index
    try:
        return Listing(_shown(raw_path), _entries(root, real))
    except PermissionError:
        return _unreadable(raw_path)


def _regular_file(root: str, path: str, raw_path: bytes = b"") -> File | Refused:
    try:
        real = os.path.realpath(path)
        if not _is_inside(root, real):
            return _outside(raw_path)
        found = os.stat(real)
    except PermissionError:
        return _unreadable(raw_path)
    except (OSError, ValueError):  # missing, a loop of links, a name too long, a zero byte
        return _nothing(raw_path)
    if not stat.S_ISREG(found.st_mode):  # a pipe or a device would block whoever opens it
        return _nothing(raw_path)
    if not os.access(real, os.R_OK):
        return _unreadable(raw_path)
    return File(real, found)


def _entries(root: str, path: str) -> tuple[Entry, ...]:
    entries = []
    with os.scandir(path) as found:
        for item in found:
            if item.name.startswith("."):
                continue
            if item.is_symlink() and not _is_inside(root, os.path.realpath(item.path)):
                continue
            try:
                facts = item.stat()
            except OSError:  # deleted meanwhile, or a link to nothing
                continue
            if stat.S_ISDIR(facts.st_mode) or stat.S_ISREG(facts.st_mode):
                entries.append(Entry(item.name, stat.S_ISDIR(facts.st_mode), facts.st_size, facts.st_mtime))
    return tuple(sorted(entries, key=lambda entry: (not entry.is_directory, _natural(entry.name))))


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Numbers in names sort by value: page2 before page10."""
    parts = re.split(r"([0-9]+)", name.casefold())
    return [(0, int(part), "") if index % 2 else (1, 0, part) for index, part in enumerate(parts)]


def _may_be_asked_for(name: str) -> bool:
    if name.startswith(".") and name != WELL_KNOWN:  # "..", ".git", ".env"
        return False
    if "/" in name or "\0" in name:
        return False
    if os.name == "nt":
        # Drive letters and streams, the other separator, and names that Windows shortens to something else.
        return not any(mark in name for mark in '\\:*?"<>|') and not name.endswith((".", " "))
    return True


def _is_inside(root: str, real: str) -> bool:
    return real == root or real.startswith(root if root.endswith(os.sep) else root + os.sep)


def _has_extension(raw_path: bytes) -> bool:
    return b"." in raw_path.rpartition(b"/")[2]


def _shown(raw_path: bytes) -> str:
    return unquote_to_bytes(raw_path).decode("utf-8", "replace")


def _nothing(raw_path: bytes) -> Refused:
    return Refused(404, f"There is no {_shown(raw_path)} in this directory.")


def _outside(raw_path: bytes) -> Refused:
    return Refused(403, f"{_shown(raw_path)} is a symbolic link that leads outside the served directory.")


def _unreadable(raw_path: bytes) -> Refused:
    return Refused(403, f"{_shown(raw_path)} may not be read by this user.")

"""Files that only their owner may read: made with mode 0600 from the first moment, in a folder made with 0700.

What others may read is refused, never repaired: a key that was readable once is no secret any more.
"""

from __future__ import annotations

import os
import secrets
import stat
import sys
from collections.abc import Callable

from homeport.model.errors import HomeportError

RENEW = " && homeport trust --renew"  # for a key that somebody may have read
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)


def make_folder(folder: str) -> None:
    """The folder, private to its owner. Raises HomeportError("unsafe-home") where others may get in."""
    try:
        os.makedirs(os.path.dirname(folder), mode=0o700, exist_ok=True)
        try:
            os.mkdir(folder, 0o700)
        except FileExistsError:
            pass
        check(os.lstat(folder), folder, RENEW)
    except OSError as error:
        raise HomeportError("unsafe-home", f"{folder} cannot be used: {error.strerror}", "set HOMEPORT_HOME") from error


def read(path: str) -> bytes | None:
    """What is in the file; None where there is none. Raises HomeportError("unsafe-home")."""
    try:
        descriptor = os.open(path, os.O_RDONLY | _NO_FOLLOW)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise HomeportError("unsafe-home", f"{path} cannot be read: {error.strerror}", f"ls -l {path}") from error
    with os.fdopen(descriptor, "rb") as file:
        check(os.fstat(descriptor), path, RENEW)
        return file.read()


def read_open(path: str) -> bytes:
    """What is in a file that is no secret; empty where there is none."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def create(path: str, data: bytes) -> bool:
    """Write the file where there is none, all at once; False where somebody else was earlier."""
    # Windows' rename fails where the target exists, Unix' takes its place.
    return _write(path, data, os.rename if sys.platform == "win32" else os.link)


def replace(path: str, data: bytes, mode: int = 0o600) -> None:
    """Write the file all at once: a reader sees the old content or the new, never half. A link is replaced, and what it
    leads to stays."""
    _write(path, data, os.replace, mode)


def _write(path: str, data: bytes, put: Callable[[str, str], None], mode: int = 0o600) -> bool:
    """Raises HomeportError("broken-ca") where the disk is full, say; nothing stays behind then."""
    temporary = f"{path}.{secrets.token_hex(8)}.new"
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)  # a root that is in every store must not lose its key to a power cut
        put(temporary, path)
    except FileExistsError:
        return False
    except OSError as error:
        raise HomeportError("broken-ca", f"{path} cannot be written: {error.strerror}", f"ls -l {path}") from error
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)
    return True


def check(found: os.stat_result, path: str, then: str = "") -> None:
    """Raises HomeportError("unsafe-home") where others own the file or folder, or may read or change it.

    `then`: what to do once it is closed to them.
    """
    if sys.platform == "win32":
        return  # what lies below the user's profile is private by its access list; the mode says nothing
    if found.st_uid != os.getuid():
        raise HomeportError("unsafe-home", f"{path} belongs to another user", "set HOMEPORT_HOME")
    if stat.S_ISLNK(found.st_mode):
        raise HomeportError("unsafe-home", f"{path} is a link", f"ls -l {path}")
    if found.st_mode & 0o077:
        mode = stat.S_IMODE(found.st_mode)
        raise HomeportError(
            "unsafe-home",
            f"{path} is open to other users (mode {mode:04o}), and what others could read is no secret",
            f"chmod go= {path}{then}",
        )

"""The home: the folder where one user's engine keeps its state, and the names of the files in it.

The command line imports this first, so it needs nothing but `os`. Paths are strings. It never reads what is in the
files, and it refuses a folder that others could write to or read from instead of repairing it.
"""

from __future__ import annotations

import os
import stat
import sys

from homeport.model.errors import HomeportError

# A Unix socket's path must fit into sun_path: 108 bytes on Linux, 104 on macOS, each with its final zero byte.
SOCKET_PATH_LIMIT_BYTES = 100


class Home:
    """Where everything of one engine lies. Two homes have nothing in common, so two engines may run side by side."""

    __slots__ = ("root",)

    def __init__(self, root: str) -> None:
        self.root = os.path.abspath(os.path.expanduser(root))

    @classmethod
    def find(cls) -> Home:
        """HOMEPORT_HOME, or the platform's folder for state."""
        return cls(os.environ.get("HOMEPORT_HOME") or _platform_folder())

    def __repr__(self) -> str:
        return f"Home({self.root!r})"

    @property
    def key(self) -> str:
        """Twelve hexadecimal digits that tell this home from others; processes that it started carry it."""
        return _digest(os.fsencode(self.root))[:12]

    @property
    def socket(self) -> str:
        """The control socket."""
        return self.socket_for("engine")

    @property
    def lock(self) -> str:
        return self._file("engine.lock")

    @property
    def token_file(self) -> str:
        return self._file("token")

    @property
    def tokens(self) -> str:
        """The hashes of the tokens that `homeport token` made."""
        return self._file("tokens.json")

    @property
    def children(self) -> str:
        """The journal of running children."""
        return self._file("children.json")

    @property
    def leases(self) -> str:
        """The journal of leases."""
        return self._file("leases.json")

    @property
    def routes(self) -> str:
        """The journal of extra routes."""
        return self._file("routes.json")

    @property
    def authority(self) -> str:
        """The folder of the local CA."""
        return self._file("ca")

    @property
    def exposed_authorities(self) -> str:
        """The folder of the CAs for addresses on networks."""
        return self._file("ca-exposed")

    @property
    def store(self) -> str:
        return self._file("recording.db")

    @property
    def engine_log(self) -> str:
        return self._file("engine.log")

    @property
    def settings_file(self) -> str:
        return self._file("settings.toml")

    @property
    def socket_folder(self) -> str:
        """The root, or a short private folder of ours where the paths of sockets in the root would be too long."""
        # The longest name that socket_for makes has 21 bytes.
        if len(os.fsencode(self.root)) + 1 + 21 <= SOCKET_PATH_LIMIT_BYTES:
            return self.root
        runtime = os.environ.get("XDG_RUNTIME_DIR")
        if runtime and len(os.fsencode(runtime)) <= 40:
            return os.path.join(runtime, f"homeport-{self.key}")
        return os.path.join("/tmp", f"homeport-{_user_id()}-{self.key}")  # noqa: S108 - 0700 and its owner is checked

    def socket_for(self, name: str) -> str:
        """A path for a Unix socket of this home; long names are replaced by a hash of them."""
        if len(name) > 16 or not name.replace("-", "").replace("_", "").replace(".", "").isalnum():
            name = _digest(os.fsencode(name))[:16]
        return os.path.join(self.socket_folder, f"{name}.sock")

    def prepare(self) -> None:
        """Make the folders, private to the user. Raises HomeportError("unsafe-home") when others may get in."""
        for folder in dict.fromkeys((self.root, self.socket_folder)):
            _make_private(folder)

    def _file(self, name: str) -> str:
        return os.path.join(self.root, name)


def private_file(path: str, data: bytes) -> None:
    """Write a file that only its owner may read, all at once: a reader sees the old content or the new, never half."""
    temporary = f"{path}.{os.getpid()}.new"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0), 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise


def _make_private(folder: str) -> None:
    try:
        os.makedirs(os.path.dirname(folder), exist_ok=True)
        try:
            os.mkdir(folder, 0o700)
        except FileExistsError:
            pass
        found = os.lstat(folder) if folder.startswith("/tmp/") else os.stat(folder)  # noqa: S108 - see socket_folder
    except OSError as error:
        raise HomeportError(
            "unsafe-home", f"the state folder {folder} cannot be used: {error.strerror}", "set HOMEPORT_HOME"
        ) from error
    if not stat.S_ISDIR(found.st_mode):
        raise HomeportError("unsafe-home", f"the state folder {folder} is not a folder", "set HOMEPORT_HOME")
    if sys.platform == "win32":
        return  # folders below the user's profile are private by their access list; the mode says nothing
    if found.st_uid != _user_id():
        raise HomeportError("unsafe-home", f"the state folder {folder} belongs to another user", "set HOMEPORT_HOME")
    if found.st_mode & 0o077:
        mode = stat.S_IMODE(found.st_mode)
        raise HomeportError(
            "unsafe-home", f"the state folder {folder} is open to other users (mode {mode:04o})", f"chmod 700 {folder}"
        )


def _platform_folder() -> str:
    if sys.platform == "win32":
        return os.path.join(os.environ.get("LOCALAPPDATA") or os.path.expanduser("~"), "homeport")
    if sys.platform == "darwin":
        return os.path.expanduser("~/Library/Application Support/homeport")
    return os.path.join(os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state"), "homeport")


def _digest(data: bytes) -> str:
    import hashlib  # takes longer to import than the rest of this file

    return hashlib.sha256(data).hexdigest()


def _user_id() -> int:
    return os.getuid() if sys.platform != "win32" else 0

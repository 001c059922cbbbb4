"""What changed in a served directory, as a stream of events, and the script tag that makes a page listen to it.

Changes are counted: a page knows the version it was served with, so nothing that happens before it listens is lost.
Files are watched only while pages are open. It never looks at what is in a file.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator
from importlib.resources import files

import msgspec

PREFIX = "/@homeport/"
SCRIPT = PREFIX + "reload.js"
EVENTS = PREFIX + "changes"

HEARTBEAT_S = 15.0
LINGER_S = 60.0  # how long to watch on after the last page was served or closed its stream
LOOK_MS = 1_000  # how often it is checked that the directory is still the same one, and wanted
AWAY_S = 0.5  # how often to look for a directory that is gone
SETTLE_MS = 400  # at most this long are changes gathered into one event
REMEMBERED = 64  # changes; whoever saw less reloads
_NOISE = re.compile(r"[.#]|.*(~|\.swp|\.tmp|\.part)$|4913$")  # hidden files, and what editors write beside a file
_NOT_SOURCES = frozenset({"node_modules", "__pycache__"})
_BODY_END = re.compile(rb"</body\s*>", re.IGNORECASE)


class Changes:
    """The changes of one directory. Its owner is the directory's application."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._run = secrets.token_hex(4)  # versions of an earlier engine mean nothing to this one
        self._count = 0
        self._recent: deque[tuple[int, list[str] | None]] = deque(maxlen=REMEMBERED)
        self._news = asyncio.Event()
        self._listeners = 0
        self._wanted_s = 0.0
        self._watch: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def version(self) -> str:
        return f"{self._run}-{self._count}"

    def watch(self) -> None:
        """Be watching from now on: a page is being served."""
        self._wanted_s = time.monotonic()
        if self._watch is None and not self._closed:
            self._watch = asyncio.create_task(self._keep_watching(), name=f"watch {self._directory}")

    def add(self, paths: list[str]) -> None:
        """Paths relative to the directory, with slashes; nothing but style sheets can be swapped in place."""
        self._count += 1
        only_css = all(path.endswith(".css") for path in paths)
        self._recent.append((self._count, paths if only_css else None))
        self._tell()

    async def events(self, seen: str) -> AsyncIterator[bytes]:
        """Server-sent events for a page that was served with version `seen`, until the directory is closed."""
        self.watch()
        self._listeners += 1
        try:
            yield b": listening\n\n"
            while not self._closed:
                news = self._news
                if seen != self.version:
                    change = {"version": self.version, "css": self._css_since(seen)}
                    seen = self.version
                    yield b"data: " + msgspec.json.encode(change) + b"\n\n"
                try:
                    await asyncio.wait_for(news.wait(), HEARTBEAT_S)
                except TimeoutError:
                    yield b": still here\n\n"  # writing is how a client that left is noticed
        finally:
            self._listeners -= 1
            self._wanted_s = time.monotonic()

    async def close(self) -> None:
        self._closed = True
        self._tell()
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)

    def _css_since(self, seen: str) -> list[str] | None:
        """The style sheets that changed since; None: the page must be loaded again."""
        run, _, number = seen.rpartition("-")
        if run != self._run or not number.isdecimal():
            return None
        missed = [paths for count, paths in self._recent if count > int(number)]
        if len(missed) != self._count - int(number) or None in missed:
            return None
        return sorted({path for paths in missed if paths for path in paths})

    async def _keep_watching(self) -> None:
        polling: bool | None = None  # None: as the system likes it
        try:
            root = os.path.realpath(self._directory)
            known = _identity(root)
            while self._is_wanted():
                root = os.path.realpath(self._directory)
                identity = _identity(root)
                if identity is None:  # a build that starts by deleting its output: nothing is told until it is back
                    await asyncio.sleep(AWAY_S)
                    continue
                if identity != known:
                    known = identity
                    self.add(["/"])
                try:
                    if await self._watch_until_replaced(root, identity, polling):
                        known = None
                except OSError:  # such as no inotify watches left
                    polling = True
                    await asyncio.sleep(AWAY_S)
        finally:
            self._watch = None
            self._count += 1  # what happens from here on is not seen: pages of this version load again
            self._recent.clear()

    async def _watch_until_replaced(self, root: str, identity: tuple[int, int], polling: bool | None) -> bool:
        """Whether it was replaced; otherwise nobody wants to know any more."""
        from watchfiles import Change, awatch

        async for found in awatch(
            root,
            watch_filter=lambda _change, path: path == root or is_source(root, path),
            debounce=SETTLE_MS,
            rust_timeout=LOOK_MS,
            yield_on_timeout=True,
            force_polling=polling,
            ignore_permission_denied=True,
        ):
            # A new directory may well get the number of the old one, so the event counts as well as the identity.
            if (Change.deleted, root) in found or _identity(root) != identity:
                return True
            if not self._is_wanted():
                return False
            paths = {path for _change, path in found} - {root}
            if paths:
                self.add(sorted(_relative(root, path) for path in paths))
        return False

    def _is_wanted(self) -> bool:
        return self._listeners > 0 or time.monotonic() - self._wanted_s < LINGER_S

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def script() -> bytes:
    return files("homeport.targets.directory_pages").joinpath("reload.js").read_bytes()


def with_script(page: bytes, raw_path: bytes, version: str) -> bytes:
    """The page with one script tag at the end of its body; a page that is not in a superset of ASCII stays as it is.

    The address is relative to the page, so that it holds behind a path prefix too.
    """
    if page.startswith((b"\xff\xfe", b"\xfe\xff")):  # UTF-16
        return page
    up = b"../" * (raw_path.count(b"/") - 1) or b"./"
    tag = b'<script src="%s%s?v=%s"></script>' % (up, SCRIPT[1:].encode(), version.encode())
    ends = list(_BODY_END.finditer(page))
    at = ends[-1].start() if ends else len(page)
    return page[:at] + tag + page[at:]


def is_source(root: str, path: str) -> bool:
    """Whether a change of this file can matter to an open page."""
    *folders, name = _relative(root, path).strip("/").split("/")
    if _NOISE.match(name):
        return False
    return not any(folder in _NOT_SOURCES or folder.startswith(".") for folder in folders)


def _relative(root: str, path: str) -> str:
    return "/" + os.path.relpath(path, root).replace(os.sep, "/")

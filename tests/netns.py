"""A computer of the test's own: a fresh network namespace, and a mount namespace with files of its own where asked.

Firewalls, `lo` and /etc/hosts are changed in there and nowhere else. Whatever runs inside ends with it, and that is
asserted. As root it is `unshare -n`, otherwise `unshare -rn`; where neither is allowed the test is skipped (in CI it
fails).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

LIMIT_S = 30.0
_IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])

# Says "ready" once it is inside, and ends when its stdin does: also when the test is killed.
_KEEPER = "import os, sys; os.write(1, b'ready\\n'); sys.stdin.read()"

# Prints each of its addresses on a line of its own, then answers (or does not) until its stdin ends.
_SERVER = """
import os, socket, sys, threading
answer, backlog = sys.argv[1].encode().decode("unicode_escape").encode("latin-1"), int(sys.argv[2])
def serve(listener):
    while True:
        client, _ = listener.accept()
        client.recv(65536)
        client.sendall(answer)
        client.close()
listeners = []
for place in sys.argv[3:]:
    host, _, port = place.rpartition(":")
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if ":" in host:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    listener.bind((host, int(port) or (listeners[0].getsockname()[1] if listeners else 0)))
    listener.listen(backlog)
    listeners.append(listener)
if answer:
    for listener in listeners:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
os.write(1, b"%d\\n" % listeners[0].getsockname()[1])
sys.stdin.read()
"""
HELLO = "HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\nConnection: close\\r\\n\\r\\nhello"


@cache
def why_not() -> str:
    """'' where a network namespace may be made, else why not."""
    if sys.platform != "linux" or not shutil.which("unshare", path=_PATH) or not shutil.which("nsenter", path=_PATH):
        return "no unshare and nsenter here"
    done = subprocess.run([*_unshare(), "true"], capture_output=True, text=True, env=_environment({}))
    return "" if done.returncode == 0 else done.stderr.strip()


class Network:
    """A network namespace. Made by `network()`, which also ends it."""

    def __init__(self, keeper: subprocess.Popen[str], folder: Path) -> None:
        self._keeper = keeper
        self._folder = folder
        self._started: list[subprocess.Popen[str]] = []

    @property
    def pid(self) -> int:
        """Of the process that keeps it: /proc/PID/ns/net is the namespace."""
        return self._keeper.pid

    def words(self, *command: str, user: int | None = None) -> list[str]:
        """The command line that runs a command in here; with `user` as that uid (only as root)."""
        enter = ["nsenter", "-t", str(self.pid), "-n", "-m", *([] if _IS_ROOT else ["-U", "--preserve-credentials"])]
        as_user = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user is not None else []
        return [*enter, "--", *as_user, *command]

    def run(
        self,
        *command: str,
        check: bool = True,
        user: int | None = None,
        env: Mapping[str, str] | None = None,
        stdin: str = "",
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end in here. With `check` its failure fails the test, with what it said."""
        done = subprocess.run(
            self.words(*command, user=user),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            env=_environment(env or {}),
        )
        assert not check or done.returncode == 0, f"{command} failed:\n{done.stdout}{done.stderr}"
        return done

    def homeport(
        self, *words: str, user: int | None = None, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """The command line as a process in here, with a home of its own that no engine has."""
        home = self._folder / f"home{'' if user is None else user}"
        if not home.exists():
            home.mkdir(mode=0o700)
            if user is not None:
                os.chown(home, user, user)
        environment = {"HOMEPORT_HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1", **(env or {})}
        return self.run(sys.executable, "-m", "homeport", *words, check=False, user=user, env=environment)

    def start(self, *command: str, user: int | None = None, **options: Any) -> subprocess.Popen[str]:
        """Start a process in here; it ends with the namespace (its stdin is closed, then it is terminated)."""
        child = subprocess.Popen(
            self.words(*command, user=user),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=_environment({}),
            **options,
        )
        self._started.append(child)
        return child

    def listen(
        self, *places: str, answer: str = HELLO, backlog: int = 100, user: int | None = None
    ) -> tuple[int, subprocess.Popen[str]]:
        """A process that listens on "127.0.0.1:0", "::1:3000" …; a port 0 is the first one's port after the first.

        It answers each connection with `answer`; with '' it never accepts, so that its backlog fills. Returns the port
        of its first socket, and the process.
        """
        child = self.start(sys.executable, "-c", _SERVER, answer, str(backlog), *places, user=user)
        assert child.stdout
        line = child.stdout.readline()
        assert line, f"nothing could listen on {places}"
        return int(line), child

    @contextmanager
    def entered(self) -> Iterator[None]:
        """This thread is inside: sockets that it makes belong to this network. Only as root."""
        if not _IS_ROOT:
            _absent("only root may bring a thread of the test into a namespace")
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        inside = os.open(f"/proc/{self.pid}/ns/net", os.O_RDONLY)
        try:
            _set_namespace(inside)
            try:
                yield
            finally:
                _set_namespace(before)
        finally:
            os.close(inside)
            os.close(before)

    def close(self) -> None:
        """End everything inside, and assert that nothing is left."""
        for child in (*reversed(self._started), self._keeper):
            if child.stdin:
                child.stdin.close()
            child.terminate()
            try:
                child.wait(LIMIT_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait(LIMIT_S)
            if child.stdout:
                child.stdout.close()


@contextmanager
def network(*, lo: bool = True, files: Mapping[str, str] | None = None) -> Iterator[Network]:
    """A fresh network namespace, `lo` up unless told otherwise. `files` replaces files in it: {"/etc/hosts": "…"}."""
    if reason := why_not():
        _absent(f"no network namespaces: {reason}")
    folder = Path(tempfile.mkdtemp(prefix="netns-"))
    folder.chmod(0o755)
    keeper = subprocess.Popen(
        [*_unshare(), "-m", sys.executable, "-c", _KEEPER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=_environment({}),
    )
    made = Network(keeper, folder)
    try:
        assert keeper.stdout
        assert keeper.stdout.readline() == "ready\n"
        inode = os.stat(f"/proc/{keeper.pid}/ns/net").st_ino
        if lo:
            made.run("ip", "link", "set", "lo", "up")
        for number, (path, text) in enumerate((files or {}).items()):
            source = folder / f"file{number}"
            source.write_text(text)
            source.chmod(0o644)
            made.run("mount", "--bind", str(source), path)
        yield made
    finally:
        made.close()
        shutil.rmtree(folder)
    assert _left(inode) == [], "processes are left in the namespace"


def _unshare() -> list[str]:
    return ["unshare", "-n"] if _IS_ROOT else ["unshare", "-rn"]


def _environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Ours without what changes answers: proxies, colour, and where an engine is."""
    left_out = ("_PROXY", "_COLOR", "HOMEPORT_", "COLUMNS")
    own = {name: value for name, value in os.environ.items() if not any(part in name.upper() for part in left_out)}
    return {**own, "PATH": _PATH, **extra}


def _left(inode: int) -> list[str]:
    """The processes that are in the namespace after a moment to go."""
    ends_s = time.monotonic() + LIMIT_S
    while (found := _inside(inode)) and time.monotonic() < ends_s:
        os.sched_yield()
    return found


def _inside(inode: int) -> list[str]:
    found = []
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and os.stat(f"/proc/{name}/ns/net").st_ino == inode:
                found.append(name)
        except OSError:  # gone, or somebody else's
            continue
    return found


def _set_namespace(descriptor: int) -> None:
    """os.setns is there since Python 3.12."""
    import ctypes

    if ctypes.CDLL(None, use_errno=True).setns(descriptor, 0x40000000):  # CLONE_NEWNET
        raise OSError(ctypes.get_errno(), "setns")


def _absent(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(f"a real counterpart is missing in CI: {reason}")
    pytest.skip(reason)

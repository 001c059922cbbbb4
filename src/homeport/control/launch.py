"""From a command to the engine of its home: the one that runs, or a new one in the background.

Two commands may do this at once: the lock lets one engine live, and both get a client of it. It never ends an engine
that somebody else started.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from typing import Any

from homeport.control.call import connect
from homeport.control.client import Client
from homeport.control.inherited import OF_CHILDREN
from homeport.machine.home import Home
from homeport.model.errors import CODES, HomeportError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess

START_LIMIT_S = 15.0
LOOK_AGAIN_S = 0.01  # only while another engine of this home starts or ends
LOG_LIMIT_BYTES = 1024 * 1024  # the log of engines past starts anew beyond it
TAIL_LINES = 15


def running_engine(home: Home) -> Client | None:
    """A client of the engine that runs, or None. Raises HomeportError where one runs and does not answer."""
    if not os.path.isdir(home.root):
        return None
    home.prepare()  # a home that others could write to is refused before its token is believed
    try:
        connect(home.socket).close()
    except OSError:
        return None
    client = Client(home.socket, _token(home))
    client.engine.hello()
    return client


def known_engine(home: Home) -> Client | None:
    """A client without a look whether its engine answers: the next call finds out. None where there is no socket."""
    if not os.path.exists(home.socket):
        return None
    home.prepare()
    try:
        return Client(home.socket, _token(home))
    except HomeportError:
        return None  # it ended just now


def ensure_engine(home: Home, limit_s: float = START_LIMIT_S) -> Client:
    """A client of the engine that runs, or of a new one. Raises HomeportError, "engine-failed" with the log's end."""
    home.prepare()
    ends_s = time.monotonic() + limit_s
    while (client := running_engine(home)) is None:
        if _is_free(home):
            _start(home, ends_s - time.monotonic())
        else:
            _wait_for_other(ends_s)
    return client


def wait_until_ended(home: Home, limit_s: float = START_LIMIT_S) -> None:
    """An engine that has answered that it stops still stores what passed and closes its doors. Raises HomeportError."""
    ends_s = time.monotonic() + limit_s
    while not _is_free(home):
        _wait_for_other(ends_s)


def leftovers(home: Home, *, forget: bool = False) -> list[str]:
    """What a killed engine left running, ended now; sentences about it. [] while an engine runs: it did this itself.
    `forget`: the next engine need not open its routes again."""
    if forget:
        with contextlib.suppress(OSError):
            os.unlink(home.routes)
    if not os.path.exists(home.children):
        return []
    from homeport.machine import this_machine

    machine = this_machine()
    lock = machine.lock_file(home.lock)
    if lock is None:
        return []
    import asyncio

    from homeport.app.leftovers import clean_up

    try:
        return asyncio.run(clean_up(home, machine))
    finally:
        lock.release()


def _token(home: Home) -> str:
    try:
        with open(home.token_file, encoding="ascii") as file:
            return file.read().strip()
    except OSError as error:
        raise HomeportError(
            "engine-unreachable", f"the token of the engine cannot be read: {error.strerror}", "homeport down"
        ) from error


def _is_free(home: Home) -> bool:
    """Whether no engine starts, runs or ends here. The new engine takes the lock for itself."""
    from homeport.machine import this_machine

    lock = this_machine().lock_file(home.lock)
    if lock is None:
        return False
    lock.release()
    return True


def _wait_for_other(ends_s: float) -> None:
    if time.monotonic() > ends_s:
        raise HomeportError(
            "engine-unreachable", "another engine of this home neither answers nor ends", "homeport down"
        )
    time.sleep(LOOK_AGAIN_S)


def _start(home: Home, limit_s: float) -> None:
    """Start an engine, detached from this terminal, and return when it answers."""
    import subprocess

    log = open_log(home)
    before = os.fstat(log).st_size
    reading, writing = os.pipe()
    try:
        process = subprocess.Popen(
            command(home, writing),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=home.root,  # a folder that nobody wants to unmount
            env=environment(home),
            **_detached(writing),
        )
    except OSError as error:
        os.close(reading)
        raise HomeportError("engine-failed", f"the engine could not be started: {error}") from error
    finally:
        os.close(writing)
        os.close(log)
    try:
        word = _first_word(reading, limit_s) if sys.platform != "win32" else _first_answer(home, process, limit_s)
    finally:
        os.close(reading)
    if word != b"ready":
        process.kill()
        process.wait()
        _failed(word, _tail(home, before))
    # It outlives us on purpose: nobody waits for it here, and Popen shall not complain about that.
    process.returncode = 0


def command(home: Home, ready_fd: int) -> list[str]:
    # -P: the folder that the user stands in must not lend its modules to the engine.
    words = [sys.executable, "-P", "-m", "homeport.build", "--home", home.root]
    return words if sys.platform == "win32" else [*words, "--ready-fd", str(ready_fd)]


def environment(home: Home) -> dict[str, str]:
    # What a child of an engine is told must not reach the next engine: it would take itself for a leftover.
    kept = {name: value for name, value in os.environ.items() if name not in OF_CHILDREN}
    return {**kept, "HOMEPORT_HOME": home.root}


def open_log(home: Home) -> int:
    """The engine's log, for its owner alone."""
    descriptor = os.open(home.engine_log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    if os.fstat(descriptor).st_size > LOG_LIMIT_BYTES:
        os.ftruncate(descriptor, 0)
    return descriptor


def _detached(writing: int) -> dict[str, Any]:
    if sys.platform == "win32":
        import subprocess

        return {"creationflags": subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True, "pass_fds": (writing,)}


def _first_word(reading: int, limit_s: float) -> bytes:
    """What the engine says when it is ready or failed; b"" when it died, b"late" when it says nothing in time."""
    import select

    if not select.select([reading], [], [], max(limit_s, 0.0))[0]:
        return b"late"
    word = b""
    while piece := os.read(reading, 65536):
        word += piece
    return word


def _first_answer(home: Home, process: subprocess.Popen[bytes], limit_s: float) -> bytes:
    """The same where no pipe can be left to a process (Windows): whether it answers, asked again and again."""
    ends_s = time.monotonic() + limit_s
    while process.poll() is None:
        try:
            connect(home.socket).close()
        except (OSError, ValueError):
            if time.monotonic() > ends_s:
                return b"late"
            time.sleep(LOOK_AGAIN_S)
        else:
            return b"ready"
    return b""


def _failed(word: bytes, tail: str) -> None:
    if word == b"late":
        raise HomeportError("engine-failed", f"the engine did not answer in time{tail}", "homeport engine")
    code, _, rest = word.decode("utf-8", "replace").partition("\n")
    message, _, hint = rest.partition("\n")
    if code == "engine-running":
        return  # another one was quicker: look again
    if code in CODES:
        raise HomeportError(code, message, hint)
    raise HomeportError("engine-failed", f"the engine ended at once{tail}", "homeport engine")


def _tail(home: Home, start: int) -> str:
    """The last lines that this engine wrote."""
    try:
        with open(home.engine_log, encoding="utf-8", errors="replace") as file:
            file.seek(start)
            lines = file.read().splitlines()[-TAIL_LINES:]
    except OSError:
        return ""
    return "; the end of its log:\n" + "\n".join(lines) if lines else f"; it wrote nothing to {home.engine_log}"

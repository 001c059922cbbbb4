"""`homeport lease -- CMD`: the command takes our place, with its ports in the environment and in its words.

On POSIX systems it is exec(2): the lease was taken for our pid, which the command then has. Signals, the terminal and
the exit status are its own, and nothing of ours stays behind. Windows has no such call: there we wait for it.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Sequence

from homeport.cli.session import Session
from homeport.model.errors import HomeportError
from homeport.model.lease import LeaseSpec, LeaseState, variables

_PLACE = re.compile(r"(?<!\$)\{port(\d*)\}")  # ${port} is the shell's own


def run_with_lease(session: Session, name: str, count: int, words: list[str]) -> int:
    """Returns only where the command could not be started, or on Windows."""
    from homeport.app.place import place

    engine = session.engine()
    spec = LeaseSpec(folder=place(str(session.folder)), name=name, count=count, pid=os.getpid(), alone=True)
    states = engine.leases.take(spec)
    ports = [state.port for state in states]
    replaced = with_ports(words, ports)
    sys.stdout.flush()
    try:
        return _become(_shell(replaced) if _is_line(replaced) else replaced, _environment(name, ports))
    except OSError as error:
        _give_back(session, states)
        missing = isinstance(error, FileNotFoundError)
        session.say(f"error: {words[0]} could not be started: {error.strerror}")
        return 127 if missing else 126


def with_ports(words: Sequence[str], ports: Sequence[int]) -> list[str]:
    """{port} is the first, {port2} the second; a number that there is no port for stays as it is."""
    values = {"": ports[0], **{str(number): port for number, port in enumerate(ports, 1)}}
    return [_PLACE.sub(lambda found: str(values.get(found[1], found[0])), word) for word in words]


def _environment(name: str, ports: list[int]) -> dict[str, str]:
    return {**os.environ, **variables(name, ports), **variables("", ports), "PORT": str(ports[0])}


def _is_line(words: list[str]) -> bool:
    """One word with a blank in it is a quoted shell line, as for `homeport run`."""
    return len(words) == 1 and " " in words[0].strip()


def _shell(words: list[str]) -> list[str]:
    return ["cmd", "/c", words[0]] if sys.platform == "win32" else ["/bin/sh", "-c", words[0]]


def _become(words: list[str], environ: dict[str, str]) -> int:
    if sys.platform == "win32":
        import subprocess

        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the console sends Ctrl-C to both of us: the command decides
        return subprocess.run(words, env=environ, check=False).returncode
    # Python ignores these two, and what is ignored stays ignored across exec(2): `yes | head` would never end.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    return os.execvpe(words[0], words, environ)  # noqa: S606 - starting the user's command is the product


def _give_back(session: Session, states: list[LeaseState]) -> None:
    for state in states:
        try:
            session.running_engine().leases.release(port=state.port, pid=os.getpid())
        except HomeportError:
            return  # it ends with us anyway

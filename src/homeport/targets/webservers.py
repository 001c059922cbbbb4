"""`serve --with nginx` and `--with apache`: the command that runs the real server, and the launcher which that runs.

`python -m homeport.targets.webservers nginx DIR` reads HOST and PORT, writes the minimal configuration into a private
folder and becomes the server. It never listens itself, and it installs nothing.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from typing import Literal

from homeport.model.errors import HomeportError
from homeport.targets.webserver_programs import program_for

Kind = Literal["nginx", "apache"]
KINDS: tuple[Kind, ...] = ("nginx", "apache")


def serve_with(kind: Kind, directory: str, spa: bool, state_dir: str, *, listing: bool = True) -> list[str]:
    """The words of the command that serves `directory` on the PORT of its environment, in the foreground.

    Raises HomeportError("not-installed") with the command that installs it here, or "bad-usage".
    """
    if kind not in KINDS:
        raise HomeportError("bad-usage", f"{kind!r} is not a web server that homeport knows", "--with nginx")
    if not os.path.isdir(directory):
        raise HomeportError("bad-usage", f"{directory} is not a directory", "homeport serve DIR")
    program_for(kind)
    words = [sys.executable, "-m", __name__, kind, os.path.abspath(directory), os.path.abspath(state_dir)]
    return [*words, *(["--spa"] if spa else []), *([] if listing else ["--no-listing"])]


def main(words: list[str]) -> int:
    """Launch; comes back only when that failed."""
    kind, directory, state_dir = words[:3]
    try:
        return _launch(kind, directory, state_dir, spa="--spa" in words[3:], listing="--no-listing" not in words[3:])
    except HomeportError as error:
        sys.stderr.write(f"homeport: {error.message}\n" + (f"hint: {error.hint}\n" if error.hint else ""))
        return error.exit_status
    except OSError as error:
        sys.stderr.write(f"homeport: {kind} could not be started: {error}\n")
        return 1


def _launch(kind: str, directory: str, state_dir: str, *, spa: bool, listing: bool) -> int:
    from homeport.targets.webserver_config import Site, apache_command, nginx_command

    host, port = os.environ.get("HOST", "127.0.0.1"), os.environ.get("PORT", "")
    if not port.isdecimal():
        raise HomeportError("bad-usage", "PORT is not set", "homeport serve DIR --with nginx")
    _make_private(state_dir)
    listen = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    site = Site(directory=directory, listen=listen, state_dir=state_dir, spa=spa, listing=listing and not spa)
    program = program_for("nginx" if kind == "nginx" else "apache")
    command = (nginx_command if kind == "nginx" else apache_command)(program, site)
    _give_pipes()
    sys.stdout.flush()
    if sys.platform != "win32":
        os.execv(command[0], command)  # noqa: S606 - the server takes our place: signals and exit codes are its own
    return subprocess.run(command).returncode  # exec on Windows ends this process, and nobody could stop the server


def _make_private(folder: str) -> None:
    os.makedirs(folder, mode=0o700, exist_ok=True)
    if sys.platform != "win32" and os.stat(folder).st_uid != os.geteuid():
        raise HomeportError("unsafe-home", f"the folder {folder} belongs to another user", "set HOMEPORT_HOME")


def _give_pipes() -> None:
    """Both servers open /dev/stdout by its name. Where that cannot be done, `cat` stands between.

    It ends by itself when the server has closed its side.
    """
    if sys.platform == "win32":
        return
    for descriptor in (1, 2):
        if not _can_be_opened_again(descriptor):
            reading, writing = os.pipe()
            subprocess.Popen(["cat"], stdin=reading, stdout=descriptor, stderr=subprocess.DEVNULL)
            os.close(reading)
            os.dup2(writing, descriptor)
            os.close(writing)


def _can_be_opened_again(descriptor: int) -> bool:
    """Not a socket, as uvloop gives its children (ENXIO), nor another user's pipe; in a file it would begin at 0."""
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return False
    try:
        os.close(os.open(f"/dev/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK))
    except OSError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

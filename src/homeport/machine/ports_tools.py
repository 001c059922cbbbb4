"""Other tools of this computer (docker, systemctl, tmux): asked for a name, or told to stop what they keep running.

A tool that is missing, hangs or refuses is an empty answer, or a sentence; never an exception.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

ASK_LIMIT_S = 1.0  # somebody waits for `homeport who`, and a Docker that hangs must not keep the answer back
RUN_LIMIT_S = 100.0  # systemd gives a unit 90 s to stop, docker a container 10 s
_TICK_S = 1.0
_SAID_LINES = 3


def is_installed(program: str) -> bool:
    import shutil

    return shutil.which(program) is not None


def ask(words: Sequence[str], limit_s: float = 0.0) -> str:
    """What it prints; '' where it is missing, fails, or takes longer than a second (or `limit_s`)."""
    if not is_installed(words[0]):
        return ""
    import subprocess

    try:
        done = subprocess.run(
            list(words),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=limit_s or ASK_LIMIT_S,
            start_new_session=True,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else ""


def run(words: Sequence[str], waiting: Callable[[float], None]) -> str:
    """'' when it did its work, else what it said. `waiting` hears the seconds while it takes long.

    Its stdin stays ours, so that it may ask for a password on a terminal.
    """
    import shlex
    import subprocess

    command = shlex.join(words)
    if not is_installed(words[0]):
        return f"{words[0]} is not installed"
    waited = 0.0
    with subprocess.Popen(list(words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as tool:
        while waited < RUN_LIMIT_S:
            try:
                said, _ = tool.communicate(timeout=_TICK_S)
            except subprocess.TimeoutExpired:
                waited += _TICK_S
                waiting(waited)
                continue
            return "" if tool.returncode == 0 else f"`{command}` failed{_told(said, tool.returncode)}"
        tool.kill()
    return f"`{command}` took longer than {RUN_LIMIT_S:.0f} s"


def _told(said: bytes, status: int) -> str:
    lines = [line.strip() for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
    return f" ({status}): {' '.join(lines[-_SAID_LINES:])}" if lines else f" with status {status}"

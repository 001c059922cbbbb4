"""One command in the foreground of a terminal of its own, and what it says. It knows nothing of its apps."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from dataclasses import dataclass

LIMIT_S = 30.0


@dataclass
class Performance:
    """A command in the foreground. Its terminal is a session of its own, so that Ctrl-C reaches what it would reach."""

    process: subprocess.Popen[bytes]
    text: str = ""

    def says(self, wanted: str, times: int = 1) -> str:
        """The line that has it, which was said already or will be; with `times` the second or third of them."""
        deadline_s = time.monotonic() + LIMIT_S
        while True:
            whole = self.text[: self.text.rfind("\n") + 1].splitlines()
            found = [line for line in whole if wanted in line]
            if len(found) >= times:
                return found[times - 1]
            if not self._listen(deadline_s):
                raise AssertionError(f"{wanted!r} was never said, but:\n{self.text}")

    def ctrl_c(self) -> int:
        """What a terminal does: SIGINT to the whole foreground group. The exit status of the command."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.ends()

    def ends(self) -> int:
        deadline_s = time.monotonic() + LIMIT_S
        while self._listen(deadline_s):
            pass
        return self.process.wait(LIMIT_S)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(LIMIT_S)
        assert self.process.stdout
        self.process.stdout.close()

    def _listen(self, deadline_s: float) -> bool:
        out = self.process.stdout
        assert out
        ready, _, _ = select.select([out], [], [], max(0.0, deadline_s - time.monotonic()))
        chunk = os.read(out.fileno(), 65536) if ready else b""
        self.text += chunk.decode()
        return bool(chunk)

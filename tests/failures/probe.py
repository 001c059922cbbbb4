"""The engine with a window: on SIGUSR1 it writes how many tasks, visits and connections live in it.

Nothing else is changed but waiting times that a test would otherwise sit through. Run instead of homeport.build.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import sys

from homeport import build
from homeport.gateway import inbound, pool
from homeport.machine.home import private_file

KINDS = ("Inbound", "Outbound", "Visit", "Task")


def look(number: int, frame: object) -> None:
    gc.collect()
    kinds = [type(thing).__name__ for thing in gc.get_objects() if type(thing).__name__ in KINDS]
    counts = {kind: kinds.count(kind) for kind in KINDS}
    counts["Task"] = len(asyncio.all_tasks())
    private_file(os.path.join(os.environ["HOMEPORT_HOME"], "probe.json"), json.dumps(counts).encode())


if __name__ == "__main__":
    inbound.HEAD_S = float(os.environ.get("PROBE_HEAD_S", inbound.HEAD_S))
    pool.IDLE_S = 0.2  # what is kept for the next request is not what was left behind
    signal.signal(signal.SIGUSR1, look)
    sys.exit(build.main())

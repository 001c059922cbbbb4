"""A worker without a port: it only writes to its log."""

from __future__ import annotations

import os
import time

SECONDS = float(os.environ.get("CLOCK_SECONDS", "5"))

while True:
    print(f"it is {time.strftime('%H:%M:%S')}", flush=True)
    time.sleep(SECONDS)

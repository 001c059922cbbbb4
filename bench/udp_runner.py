"""A UdpRelay without an engine around it: `python -m bench.udp_runner UPSTREAM_PORT [LATENCY_MS]` prints its port."""

from __future__ import annotations

import asyncio
import signal
import sys

from bench.tcp_runner import NoTap, Upstream
from homeport.gateway.udp import UdpRelay
from homeport.model.endpoint import Endpoint


async def main() -> None:
    relay = UdpRelay(NoTap())
    relay.start()
    print(relay.open("bench", Endpoint("127.0.0.1", 0), Upstream(int(sys.argv[1]))).port, flush=True)
    done = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, done.set)
    await done.wait()
    relay.stop()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main())

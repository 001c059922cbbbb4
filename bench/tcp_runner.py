"""A TcpRelay without an engine around it: `python -m bench.tcp_runner UPSTREAM_PORT [PORT]` prints its port."""

from __future__ import annotations

import asyncio
import itertools
import signal
import sys

from homeport.gateway.tcp import TcpRelay
from homeport.model.endpoint import Endpoint
from homeport.model.exchange import Exchange
from homeport.model.finding import Finding


class Upstream:
    """A target that is always there."""

    def __init__(self, port: int) -> None:
        self._endpoint = Endpoint("127.0.0.1", port)

    def address(self) -> Endpoint:
        return self._endpoint

    async def ready(self) -> Endpoint:
        return self._endpoint

    def explain(self, error: OSError | None) -> Finding:
        return Finding(code="app-refused", what=str(error))


class NoTap:
    """Sees nothing."""

    body_limit_bytes = 0

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def next_id(self) -> int:
        return next(self._numbers)

    def opened(self, exchange: Exchange) -> None:
        pass

    def seen(self, exchange: Exchange, from_client: bool, data: bytes, at_s: float | None = None) -> None:
        pass

    def closed(self, exchange: Exchange) -> None:
        pass


async def main() -> None:
    relay = TcpRelay(NoTap())
    relay.start()
    upstream, port = (*map(int, sys.argv[1:]), 0)[:2]
    print(relay.open("bench", Endpoint("127.0.0.1", port), Upstream(upstream)).port, flush=True)
    done = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, done.set)
    await done.wait()
    relay.stop()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main())

"""A thousand connections that are kept alive and say nothing; then each is used again."""

from __future__ import annotations

import contextlib

from tests.failures.stage import MIB, Stage, read_answer, request, until

COUNT = 1000
BYTES_OF_ONE = 32 * 1024  # measured: 2 KiB


def test_a_thousand_idle_connections(stage: Stage) -> None:
    with stage.probed() as engine:
        stage.origin(engine)
        for _ in range(50):
            engine.get()
        until(lambda: engine.inside()["Inbound"] == 0)
        before, descriptors = engine.rss(), engine.descriptors()
        with contextlib.ExitStack() as open_ones:
            clients = [open_ones.enter_context(engine.connect()) for _ in range(COUNT)]
            for use in range(2):
                for client in clients:
                    client.sendall(request(f"/hello?use={use}"))
                    assert read_answer(client) == (200, b"hello")
                assert engine.inside()["Inbound"] == COUNT
                until(lambda: engine.inside()["Visit"] == 0)  # the last answer may be read before its visit has ended
            of_one = (engine.rss() - before) / COUNT
            print(f"{COUNT} idle connections: {of_one / 1024:.1f} KiB each")
            assert of_one < BYTES_OF_ONE
            assert len(engine.endings("path:/hello?use=1")) == COUNT
        until(lambda: engine.inside()["Inbound"] == 0)
        until(lambda: engine.descriptors() <= descriptors, f"{descriptors} before, {engine.descriptors()} now")
        assert engine.rss() - before < 40 * MIB

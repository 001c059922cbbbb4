"""Routes whose network was changed, and UDP routes: what the doctor says of them."""

from __future__ import annotations

import socket
import sys

import pytest

from homeport.app.doctor_network import explain_networks, walk_datagrams
from homeport.doctor.facts import MachineFacts
from homeport.model.network import ConditionsState

SLOW = ConditionsState(route="web", profile="3g", text="latency=200ms rate=500kbit", words=["each way: 500 kbit/s"])
ALONE = ConditionsState(route="game", client="alice", text="loss=1%", words=["each way: 1% are lost"])
RIDE = ConditionsState(route="api", timeline="ride.txt", ends="2026-01-01T00:00:00+00:00")
CLEAN = ConditionsState(route="db", client="::1")


def test_each_changed_network_is_a_finding() -> None:
    found = explain_networks([SLOW, ALONE, RIDE, CLEAN])
    assert [one.what for one in found] == [
        "the network of web is set to 3g",
        "the network of game for alice is set to loss=1%",
        "the network of api plays ride.txt",
    ]
    assert {one.code for one in found} == {"network-conditioned"}
    assert [one.next for one in found][:2] == ["homeport net clear web", "homeport net clear game --client alice"]
    assert explain_networks([SLOW, ALONE], "game") == found[1:2]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems do not tell")
def test_whether_somebody_receives_datagrams() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        address = f"udp:127.0.0.1:{server.getsockname()[1]}"
        walk = walk_datagrams("game", address, MachineFacts())
        assert (walk.title, walk.phases[0].state, walk.findings) == (f"game: {address}", "ok", ())
    walk = walk_datagrams("game", address, MachineFacts())
    assert (walk.phases[0].state, walk.findings[0].code) == ("bad", "upstream-refused")
    walk = walk_datagrams("game", "udp:192.0.2.1:53", MachineFacts())
    assert (walk.phases[0].state, walk.findings) == ("unknown", ())

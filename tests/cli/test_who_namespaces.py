"""`homeport who` for what listens in another network namespace, beside a real one."""

from __future__ import annotations

import os
import sys

import pytest

from homeport.model.endpoint import Endpoint
from homeport.model.ports import Inside, PortStory, SocketFact
from homeport.model.ports_next import next_step
from tests.cli.fake_engine import invoke
from tests.netns import network

if sys.platform != "linux":
    pytest.skip("asks Linux", allow_module_level=True)


def test_a_listener_in_another_namespace_is_told_as_elsewhere() -> None:
    with network() as net:
        port, _ = net.listen("127.0.0.1:0")
        outcome = invoke(["who", str(port)])
        inside = net.homeport("who", str(port))
    assert outcome.status == 2, "nobody listens here"
    assert f"nobody listens on port {port}; it is used in another network namespace\n" in outcome.out
    assert f"  elsewhere: 127.0.0.1:{port} in a network namespace of its own, with " in outcome.out
    assert "next: nsenter -t " in outcome.out
    assert inside.returncode == 0
    assert "elsewhere" not in inside.stdout


def test_a_listener_here_is_not_told_twice() -> None:
    with network() as net:
        port, _ = net.listen("127.0.0.1:0")
        outcome = net.homeport("who", str(port), "--json")
    assert '"inside": []' in outcome.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="names a namespace, which only root can")
def test_what_ip_netns_named_is_told_by_its_name() -> None:
    """In a mount namespace of its own: `ip netns` writes to /run/netns."""
    script = """
        mount -t tmpfs none /run && ip netns add till && ip netns exec till ip link set lo up && mkfifo /run/up
        ip netns exec till "$1" -c "$2" > /run/up &
        read up < /run/up; "$1" -m homeport who 3000; kill $!
        """
    server = (
        "import signal, socket; s = socket.create_server(('127.0.0.1', 3000)); print(1, flush=True); signal.pause()"
    )
    with network() as net:
        done = net.run("unshare", "-m", "bash", "-c", script, "sh", sys.executable, server, check=False)
    assert "elsewhere: 127.0.0.1:3000 in the network namespace till, of root" in done.stdout
    assert "next: ip netns exec till COMMAND reaches it" in done.stdout


@pytest.mark.parametrize(
    ("label", "following"),
    [
        ("the container 3f2a00000000 (Docker)", "publish it: docker run -p 127.0.0.1:3000:3000 …"),
        ("the container 3f2a00000000 (Podman)", "publish it: podman run -p 127.0.0.1:3000:3000 …"),
        ("the container web (LXC)", "nsenter -t 9 -n COMMAND reaches it"),
    ],
)
def test_the_next_step_leads_there(label: str, following: str) -> None:
    socket = SocketFact(endpoint=Endpoint("0.0.0.0", 3000), pids=(9,))
    assert next_step(PortStory(port=3000, kind="registered", inside=(Inside(label=label, socket=socket),))) == following

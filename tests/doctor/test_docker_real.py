"""A port that Docker publishes, as somebody sees it who may not look at Docker's processes. Docker is played by a
program of that name; the sockets and ufw's settings are real, in a namespace."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doctor.real import examine
from tests.netns import Network, network

NOBODY = 65534
DOCKER = "#!/bin/sh\n[ $1 = ps ] && printf '3f2a00000000\\tweb-1\\n'\n"


@pytest.fixture
def net() -> Iterator[Network]:
    if os.geteuid() != 0:
        pytest.skip("only root may be somebody else inside")
    with network(files={"/etc/nsswitch.conf": "hosts: files\n"}) as made:
        yield made


@pytest.fixture
def path() -> Iterator[str]:
    """A PATH with docker on it, readable by everybody."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        docker = Path(folder, "docker")
        docker.write_text(DOCKER)
        docker.chmod(0o755)
        yield f"{folder}:/usr/bin:/bin"


@pytest.mark.counterpart("ufw")
@pytest.mark.parametrize(("enabled", "notes"), [("yes", ["docker-past-ufw"]), ("no", [])])
def test_ufw_is_said_not_to_hold_it_back(net: Network, path: str, enabled: str, notes: list[str]) -> None:
    net.run("sh", "-c", f"mount -t tmpfs none /mnt && echo ENABLED={enabled} > /mnt/ufw.conf")
    net.run("mount", "--bind", "/mnt/ufw.conf", "/etc/ufw/ufw.conf")
    port, _ = net.listen("0.0.0.0:0")
    verdict = examine(net, f"127.0.0.1:{port}", user=NOBODY, env={"PATH": path})
    assert (verdict.status, verdict.codes, verdict.notes) == (1, ["exposed"], notes)
    said = verdict.said("exposed")
    assert said.startswith(f"Docker, for the container web-1, listens on 0.0.0.0:{port}: other computers can reach it")
    assert said.endswith(f"publish it as -p 127.0.0.1:{port}:{port}")


def test_docker_is_not_asked_about_loopback_or_a_process_that_is_seen(net: Network, path: str) -> None:
    closed, _ = net.listen("127.0.0.1:0")
    assert examine(net, f"127.0.0.1:{closed}", user=NOBODY, env={"PATH": path}).codes == []
    port, server = net.listen("0.0.0.0:0")
    assert f"(pid {server.pid})" in examine(net, f"127.0.0.1:{port}", env={"PATH": path}).said("exposed")

"""A real ufw in a network namespace with its own copy of /etc/ufw: what it really does to loopback, and its fix."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator

import pytest

from homeport.machine.firewall_linux import LinuxFirewall
from homeport.machine.firewall_probe import SILENCE, probe
from homeport.machine.firewall_run import Output
from homeport.model.endpoint import Endpoint
from tests.netns import Network, network

pytestmark = pytest.mark.counterpart("ufw", "iptables", "nft")


class Ufw:
    """ufw and the tools below it, run inside; `run` is what LinuxFirewall is given."""

    def __init__(self, net: Network, port: int) -> None:
        self.net, self.port = net, port
        self.firewall = LinuxFirewall(self.run, uid=0)

    def run(self, words: object, stdin: str = "") -> Output:
        done = self.net.run(*list(words), check=False, stdin=stdin, env={"LC_ALL": "C"})  # type: ignore[call-overload]
        return Output(done.returncode, done.stdout, done.stderr)

    def rules(self) -> str:
        """Without counters, and without the order in which ufw makes its chains anew."""
        return self.net.run("nft", "-s", "list", "ruleset").stdout


@pytest.fixture(scope="module", params=["as it comes", "loopback not exempted"])
def ufw(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ufw]:
    """`loopback not exempted`: somebody took the lines about lo out of before.rules. One for all tests, since ufw takes
    seconds to come up: each leaves it without rules, as the next one checks."""
    with network() as net, net.entered():
        copy = tmp_path_factory.mktemp("etc") / "ufw"
        net.run("cp", "-a", "/etc/ufw", str(copy))
        if request.param != "as it comes":
            for name in ("before.rules", "before6.rules"):
                rules = copy / name
                rules.write_text(re.sub(r"^-A .* -[io] lo -j ACCEPT$", "", rules.read_text(), flags=re.MULTILINE))
        net.run("mount", "--bind", str(copy), "/etc/ufw")
        net.run("mount", "-t", "tmpfs", "none", "/run")
        port, _ = net.listen("127.0.0.1:0", "::1:0")
        made = Ufw(net, port)
        net.run("ufw", "--force", "enable")
        for words in (["allow"], ["delete", "allow"]):
            net.run("ufw", *words, "1/tcp")  # from then on its files are as it writes them, not as they are installed
        yield made


@pytest.mark.parametrize(("rule", "meets"), [("deny", SILENCE), ("reject", errno.ECONNREFUSED), ("", SILENCE)])
def test_ufw(ufw: Ufw, request: pytest.FixtureRequest, rule: str, meets: int) -> None:
    if rule:
        ufw.net.run("ufw", rule, f"{ufw.port}/tcp")
    try:
        _is_read_traced_and_fixed(ufw, rule, 0 if "as it comes" in request.node.name else meets)
    finally:
        if rule:
            ufw.net.run("ufw", "delete", rule, f"{ufw.port}/tcp")


def _is_read_traced_and_fixed(ufw: Ufw, rule: str, meets: int) -> None:
    endpoint = Endpoint("127.0.0.1", ufw.port)
    state = next(state for state in ufw.firewall.states() if state.tool == "ufw")
    assert (state.state, state.rules) == ("active", 2 if rule else 0)
    error = probe(endpoint).error
    assert error == meets
    decided = ufw.firewall.deciding(endpoint)
    assert decided
    assert decided.certain
    assert decided.is_blocked == (error != 0)
    traced = ufw.firewall.trace(endpoint)
    assert traced
    if not decided.is_blocked:
        assert not traced.is_blocked
        return
    assert (traced.rule, traced.tool) == (decided.rule, "iptables")
    before = ufw.rules()
    planned = ufw.firewall.fix(endpoint, decided)
    assert planned
    assert planned.tool == "ufw"
    complaint, applied = ufw.firewall.apply(planned)
    assert complaint == ""
    assert probe(endpoint).is_connected
    assert ufw.rules() != before
    assert ufw.firewall.undo(applied) == ""
    assert ufw.rules() == before


def test_without_root_its_settings_tell_whether_it_is_on(ufw: Ufw) -> None:
    code = (
        "from homeport.machine.firewall_linux import LinuxFirewall as F;"
        "print(next(s.state for s in F().states() if s.tool == 'ufw'))"
    )
    import sys

    said = ufw.net.run(sys.executable, "-c", code, user=4321, check=False)
    assert said.stdout.strip() == "active", said.stderr

"""`sudo homeport doctor` in a namespace with real rules: those against whoever called sudo count, not root's."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from tests.doctor.real import examine
from tests.netns import Network, network

USER = 4321
SUDO = {"SUDO_UID": str(USER), "SUDO_USER": "ann"}
pytestmark = pytest.mark.counterpart("nft")


@pytest.fixture
def net() -> Iterator[Network]:
    if os.geteuid() != 0:
        pytest.skip("only root may try as another user")
    with network() as made:
        made.run("nft", "add", "table", "inet", "walls")
        made.run("nft", "add", "chain", "inet", "walls", "out", "{ type filter hook output priority 0; }")
        yield made


def forbid(net: Network, uid: int, port: int) -> None:
    net.run("nft", "add", "rule", "inet", "walls", "out", *f"meta skuid {uid} tcp dport {port} reject".split())


@pytest.mark.parametrize("words", [(), ("--trace",)])
def test_a_rule_against_the_user_is_seen_by_root_for_them(net: Network, words: tuple[str, ...]) -> None:
    port, _ = net.listen("127.0.0.1:0")
    forbid(net, USER, port)
    assert examine(net, f"127.0.0.1:{port}", *words).codes == [], "root itself gets through"
    verdict = examine(net, f"127.0.0.1:{port}", *words, env=SUDO)
    assert (verdict.status, verdict.codes) == (2, ["firewall-rejects-user"])
    said = verdict.said("firewall-rejects-user")
    assert said.startswith(f"a firewall keeps uid {USER} from 127.0.0.1:{port}; root reaches it")
    assert f"meta skuid {USER} tcp dport {port} reject" in said


def test_a_rule_against_root_is_not_theirs(net: Network) -> None:
    port, _ = net.listen("127.0.0.1:0")
    forbid(net, 0, port)
    assert examine(net, f"http://127.0.0.1:{port}/").codes == ["firewall-rejects-user"]
    verdict = examine(net, f"http://127.0.0.1:{port}/", env=SUDO)
    assert (verdict.status, verdict.codes) == (0, []), "also the request is sent as the user"


def test_the_fix_is_tried_as_the_user(net: Network) -> None:
    port, _ = net.listen("127.0.0.1:0")
    forbid(net, USER, port)
    before = net.run("nft", "list", "ruleset").stdout
    done = net.homeport("doctor", f"127.0.0.1:{port}", "--fix", "--yes", "--json", env=SUDO)
    assert done.returncode == 0, done.stderr
    fixed = json.loads(done.stdout)["fixed"]
    assert fixed["is_open"]
    assert fixed["done"], "root reaches it all along, so there was something to do"
    assert examine(net, f"127.0.0.1:{port}", user=USER).codes == []
    for one in fixed["done"]:
        for words in one["undo"]:
            net.run(*words)
    assert net.run("nft", "list", "ruleset").stdout == before

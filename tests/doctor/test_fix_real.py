"""`homeport doctor --fix` and `--trace` as a user types them, against a real firewall in a namespace."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator

import pytest

from tests.doctor.real import examine
from tests.netns import Network, network

pytestmark = pytest.mark.counterpart("nft")


@pytest.fixture
def net() -> Iterator[Network]:
    with network() as made:
        yield made


@pytest.fixture
def port(net: Network) -> int:
    """Somebody listens there, and a rule rejects whoever asks."""
    port, _ = net.listen("127.0.0.1:0")
    net.run("nft", "add", "table", "inet", "walls")
    net.run("nft", "add", "chain", "inet", "walls", "in", "{ type filter hook input priority 0; }")
    net.run("nft", "add", "rule", "inet", "walls", "in", "tcp", "dport", str(port), "reject")
    return port


def test_without_a_yes_the_commands_are_shown_and_nothing_happens(net: Network, port: int) -> None:
    before = net.run("nft", "list", "ruleset").stdout
    done = net.homeport("doctor", f"127.0.0.1:{port}", "--fix")
    assert done.returncode == 2
    assert f"  nft --echo --handle insert rule inet walls in iifname lo tcp dport {port} accept\n" in done.stderr
    assert "--yes carries it out" in done.stderr
    assert net.run("nft", "list", "ruleset").stdout == before


def test_with_a_yes_the_port_is_open_until_the_undo(net: Network, port: int) -> None:
    done = net.homeport("doctor", f"127.0.0.1:{port}", "--fix", "--yes")
    assert done.returncode == 0
    assert examine(net, f"127.0.0.1:{port}").codes == []
    undo = done.stderr.rpartition("to undo it:\n")[2].strip()
    net.run(*shlex.split(undo))
    assert examine(net, f"127.0.0.1:{port}").codes == ["firewall-rejects"]


def test_as_json_the_answer_has_what_was_done(net: Network, port: int) -> None:
    done = net.homeport("doctor", f"localhost:{port}", "--fix", "--yes", "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 0
    assert told["fixed"]["is_open"]
    assert told["walks"][0]["findings"][0]["code"] == "firewall-rejects"


def test_there_is_nothing_to_fix_where_nobody_listens(net: Network) -> None:
    done = net.homeport("doctor", "127.0.0.1:3999", "--fix", "--yes")
    assert done.returncode == 2
    assert "no firewall is in the way of this" in done.stderr


def test_tracing_names_the_rule_and_needs_root(net: Network, port: int) -> None:
    verdict = examine(net, f"127.0.0.1:{port}", "--trace")
    assert verdict.codes == ["firewall-rejects"]
    assert f"tcp dport {port} reject" in verdict.said("firewall-rejects")
    if os.geteuid() == 0:
        refused = net.homeport("doctor", f"127.0.0.1:{port}", "--trace", user=65534)
        assert refused.returncode == 3
        assert refused.stderr.startswith("error: tracing packets needs root\nhint: sudo homeport doctor --trace")

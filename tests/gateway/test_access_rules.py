"""Decisions by themselves: what the table of access.csv cannot show, because it runs on one system."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.app.rules import control_rule, make_rule, why_not_connect
from homeport.gateway.access import ADMIT, Refuse, Request, Rule, Showing, Verify, decide
from homeport.machine.peers import own_uid
from homeport.model.access import Access, Peer
from homeport.model.errors import HomeportError
from homeport.model.password import hash_password

HASH = hash_password("hunter2", ln=10)
SILENT = Peer(why="this system does not tell", can_tell=False)
PEERS = st.sampled_from([Peer(uid=0), Peer(uid=1000), Peer(uid=1001), Peer(why="closed"), SILENT])
REQUESTS = st.builds(
    Request,
    method=st.sampled_from(["GET", "POST"]),
    is_upgrade=st.booleans(),
    own=st.just("http://a.localhost"),
    origin=st.sampled_from(["", "null", "http://a.localhost", "http://evil.example"]),
    site=st.sampled_from(["", "none", "same-origin", "same-site", "cross-site"]),
    showing=st.sampled_from(get_args(Showing)),
)
RULES = st.builds(
    Rule,
    name=st.just("a"),
    uids=st.sampled_from([None, frozenset({1000}), frozenset[int]()]),
    if_known=st.booleans(),
    takes_token=st.booleans(),
    logins=st.sampled_from([{}, {"ann": HASH}]),
    denies_cross_site=st.booleans(),
)


def test_where_the_system_never_tells_a_route_stays_shut_and_the_dashboard_asks_for_its_token() -> None:
    refused = decide(Rule("a", uids=frozenset({1000})), SILENT, Request())
    assert isinstance(refused, Refuse)
    assert (refused.status, refused.why) == (403, "Whose process it is cannot be told: this system does not tell.")
    assert decide(control_rule(), SILENT, Request()) is ADMIT
    assert isinstance(decide(control_rule(), Peer(why="its other end is closed"), Request()), Refuse)


def test_the_dashboard_is_open_to_root_and_a_route_of_our_own_user_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("homeport.app.rules.own_uid", lambda: 1000)
    route = make_rule("a", Access(same_user=True), "allow")
    assert route is not None
    admitted = [
        decide(rule, Peer(uid=uid), Request()) is ADMIT for rule in (control_rule(), route) for uid in (1000, 0, 1)
    ]
    assert admitted == [True, True, False, True, False, False]


@given(RULES, PEERS, REQUESTS)
def test_nobody_gets_in_who_lacks_anything(rule: Rule, peer: Peer, request: Request) -> None:
    decision = decide(rule, peer, request)
    may_connect = rule.uids is None or peer.uid in rule.uids or (rule.if_known and not peer.can_tell)
    is_foreign = (request.method == "POST" or request.is_upgrade) and (
        request.site in ("same-site", "cross-site")
        or request.origin == "http://evil.example"
        or (request.origin == "null" and request.site != "same-origin")
    )
    has_shown = not rule.needs_secret or request.showing == "right"
    assert (decision is ADMIT) == (may_connect and not (rule.denies_cross_site and is_foreign) and has_shown)
    if isinstance(decision, Refuse):
        assert (decision.status == 401) == bool(decision.challenge)
    if isinstance(decision, Verify):
        assert rule.needs_secret
        assert request.showing == "unasked"


def test_everybody_is_no_rule_at_all() -> None:
    """The hot path compares one attribute with None."""
    assert make_rule("a", Access(), "allow") is None
    assert why_not_connect(None) is None


def test_accounts_become_uids() -> None:
    rule = make_rule("a", Access(same_user=True, users=["root", 4711]), "allow")
    assert rule is not None
    assert rule.uids == frozenset({own_uid() or 0, 0, 4711})
    assert rule.words == "same-user or users root, 4711"


@pytest.mark.parametrize(
    ("access", "says"),
    [
        (Access(users=["nobody-at-all"]), "no user 'nobody-at-all'"),
        (Access(basic={"ann": "hunter2"}), "no password hash"),
        (Access(basic={"a:b": HASH}), "no password hash"),
        (Access(basic={"": HASH}), "no password hash"),
    ],
)
def test_what_cannot_work_is_refused_when_the_route_is_made(access: Access, says: str) -> None:
    with pytest.raises(HomeportError, match=says):
        make_rule("a", access, "allow")


def test_a_tcp_route_asks_for_accounts_alone() -> None:
    why_not = why_not_connect(make_rule("a", Access(same_user=True), "allow"))
    assert why_not is not None
    assert why_not(("127.0.0.1", 1), ("127.0.0.1", 2)).startswith("Whose process it is cannot be told: ")
    for access, cross_site in (
        (Access(token=True), "allow"),
        (Access(basic={"ann": HASH}), "allow"),
        (Access(), "deny"),
    ):
        with pytest.raises(HomeportError, match="nothing else"):
            why_not_connect(make_rule("a", access, "deny" if cross_site == "deny" else "allow"))

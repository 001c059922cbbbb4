"""`homeport net replay ID`: the network of a recorded exchange once more, and what it decides now beside what it
decided then."""

from __future__ import annotations

import time

from homeport.cli.feed import Feed, FeedEnded
from homeport.cli.felt_view import compared_lines
from homeport.cli.seams import Engine
from homeport.cli.send_again import send_again, why_not
from homeport.cli.session import Session
from homeport.cli.which_exchange import newest, number_in
from homeport.model.errors import HomeportError
from homeport.model.exchange import OPEN, ExchangeDetail, ExchangeSummary

TICK_S = 0.5
RECORDED_S = 10.0  # from the end of an answer until it is recorded, at most


def replay(session: Session, text: str, *, wait_s: float | None) -> int:
    """0: it decided the same; 1: it did not. `wait_s`: for somebody to come; None: as long as it takes."""
    from homeport.conditions.repetition import compare

    wanted = number_in(text)
    engine = session.running_engine()
    then = engine.traffic.show(wanted or newest(engine, "conditions:any"))
    feed = Feed(engine, ("exchange",), filter=f'route:"{then.summary.route}" conditions:any')
    state = engine.conditions.replay(then.summary.id)
    session.say(f"the network of {state.route}{f' for {state.client}' if state.client else ''} now: {state.text}")
    if then.conditions is not None and then.conditions.changes:
        session.say_warning("its network changed while it ran: these are the conditions that it began with")
    if then.conditions is not None and then.conditions.number < 0:
        session.say(
            f"#{then.summary.id} ran already when its network changed, so there is no beginning to compare with"
        )
        return 0
    now = _again(session, engine, then, feed, wait_s)
    assert then.conditions is not None
    assert now.conditions is not None
    compared = compare(then.conditions.decisions, now.conditions.decisions)
    is_same = all(one.verdict == "same" for one in compared)
    if session.as_json:
        session.json({"then": then.summary.id, "now": now.summary.id, "same": is_same, "compared": compared})
    else:
        session.data("\n".join(compared_lines(then, now, compared, session.terminal.paint)))
    return 0 if is_same else 1


def _again(session: Session, engine: Engine, then: ExchangeDetail, feed: Feed, wait_s: float | None) -> ExchangeDetail:
    """The next one that felt the same luck."""
    reason = why_not(then)
    client, answer = "", ""
    if not reason:
        client, answer = send_again(engine, then)
        wait_s = RECORDED_S
    else:
        session.say(
            f"{reason}: waiting for the next on {then.summary.route} (Ctrl-C ends, the network stays like that)"
        )
    found = _wait(engine, then, feed, client, wait_s)
    if found is None and client:
        why = f"the door answered the request without its route: {answer or 'nothing'}"
        raise HomeportError("bad-usage", why, f"homeport show {then.summary.id} --curl")
    if found is None:
        hint = f"homeport net clear {then.summary.route}"
        raise HomeportError("not-found", f"nobody came to {then.summary.route} within {wait_s:g} s", hint)
    return found


def _wait(engine: Engine, then: ExchangeDetail, feed: Feed, client: str, wait_s: float | None) -> ExchangeDetail | None:
    assert then.conditions is not None
    deadline_s = None if wait_s is None else time.monotonic() + wait_s
    number, wanted = then.conditions.number, len(then.conditions.decisions)
    while deadline_s is None or time.monotonic() < deadline_s:
        try:
            event = feed.next(TICK_S)
        except FeedEnded:
            raise HomeportError("engine-unreachable", "the engine has ended", "homeport up") from None
        if not isinstance(event, ExchangeSummary) or event.id == then.summary.id or client not in ("", event.client):
            continue
        found = engine.traffic.show(event.id)
        felt = found.conditions
        if felt is not None and felt.number == number and (event.ending != OPEN or len(felt.decisions) >= wanted > 0):
            return found  # a client of UDP may stay for ever: what it began with can be compared already
    return None

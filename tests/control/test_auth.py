"""Token, sessions and keys: what opens, how often, how long, and what a wrong one costs."""

from __future__ import annotations

import asyncio

from homeport.control.auth import DELAYED_LIMIT, KEY_LIFE_S, SESSIONS, Auth
from homeport.model.backoff import DELAY_S, FORGIVEN_S
from homeport.model.secret import new_secret
from tests.control.conftest import Sleeper


def make(sleeper: Sleeper) -> Auth:
    return Auth("the-token", sleeper.clock, sleeper.sleep)


def test_only_the_token_is_the_token(sleeper: Sleeper) -> None:
    auth = make(sleeper)
    assert auth.is_token("the-token")
    assert not any(auth.is_token(other) for other in ("", "the-tokeN", "the-token ", "☃", "\udcff"))


def test_a_key_opens_one_session_once(sleeper: Sleeper) -> None:
    auth = make(sleeper)
    key = auth.one_time()
    session = auth.enter(key)
    assert session is not None
    assert auth.is_session(session)
    assert auth.enter(key) is None
    assert not auth.is_session(key)
    assert not auth.is_token(session)
    assert auth.enter("never given") is None


def test_a_key_ends_after_a_minute(sleeper: Sleeper) -> None:
    auth = make(sleeper)
    early, late = auth.one_time(), auth.one_time()
    sleeper.now_s += KEY_LIFE_S
    assert auth.enter(early) is not None
    sleeper.now_s += 0.001
    assert auth.enter(late) is None


def test_sessions_and_keys_are_bounded(sleeper: Sleeper) -> None:
    auth = make(sleeper)
    sessions = [auth.enter(auth.one_time()) or "" for _ in range(SESSIONS + 1)]
    assert [auth.is_session(session) for session in sessions] == [False, *[True] * SESSIONS]
    first = auth.one_time()
    for _ in range(300):
        auth.one_time()
    assert auth.enter(first) is None


def test_nothing_that_opens_is_kept_in_the_clear(sleeper: Sleeper) -> None:
    auth = make(sleeper)
    key = auth.one_time()
    session = auth.enter(auth.one_time()) or ""
    kept = repr([vars(auth), vars(auth._keys), vars(auth._sessions)])
    assert not any(secret in kept for secret in ("the-token", key, session))


async def test_wrong_secrets_wait_longer_each_time_and_are_forgiven(sleeper: Sleeper) -> None:
    auth = make(sleeper)
    for _ in range(len(DELAY_S) + 2):
        await auth.wrong()
    assert sleeper.slept == [*DELAY_S, DELAY_S[-1], DELAY_S[-1]]
    sleeper.now_s += FORGIVEN_S + 1
    await auth.wrong()
    assert sleeper.slept[-1] == DELAY_S[0]


async def test_a_flood_of_wrong_secrets_does_not_pile_up(sleeper: Sleeper) -> None:
    gate = asyncio.Event()
    waiting = 0

    async def sleep(_delay_s: float) -> None:
        nonlocal waiting
        waiting += 1
        await gate.wait()

    auth = Auth("the-token", sleeper.clock, sleep)
    flood = [asyncio.create_task(auth.wrong()) for _ in range(DELAYED_LIMIT + 50)]
    await asyncio.sleep(0)
    assert waiting == DELAYED_LIMIT
    gate.set()
    await asyncio.gather(*flood)


def test_secrets_are_long_and_fit_into_urls_and_cookies() -> None:
    secrets = {new_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert all(len(secret) == 43 and secret.replace("-", "").replace("_", "").isalnum() for secret in secrets)

"""`access` in homeport.toml: its three forms, and every mistake in it, told without the secret."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.formats.homeport_toml import parse
from homeport.formats.project_file import AppTable, ProjectFile, RouteTable
from homeport.formats.toml_render import render
from homeport.model.access import Access
from homeport.model.errors import HomeportError
from homeport.model.password import hash_password

HASH = hash_password("hunter2", ln=10)


def access(value: str) -> Access:
    return parse(f'[routes.web]\ntarget = "http://a:1"\naccess = {value}\n').routes["web"].access


@pytest.mark.parametrize(
    ("written", "meant", "words"),
    [
        ('"anyone-local"', Access(), "anyone-local"),
        ('"same-user"', Access(same_user=True), "same-user"),
        ('["token"]', Access(token=True), "token"),
        ('"public"', Access(public=True), "public"),
        ('["same-user", "token"]', Access(same_user=True, token=True), "same-user and token"),
        ('{ users = ["ann", 1001] }', Access(users=["ann", 1001]), "users ann, 1001"),
        ('{ users = [0], same_user = true }', Access(users=[0], same_user=True), "same-user or users 0"),
        (f'{{ basic = {{ ann = "{HASH}" }} }}', Access(basic={"ann": HASH}), "password"),
        (f'{{ token = true, basic.ann = "{HASH}" }}', Access(token=True, basic={"ann": HASH}), "token or password"),
    ],
)  # fmt: skip
def test_the_three_forms(written: str, meant: Access, words: str) -> None:
    assert access(written) == meant
    assert str(meant) == words


@pytest.mark.parametrize(
    ("written", "mistake"),
    [
        ('"same_user"', 'or a table, found "same_user"; did you mean "same-user"?'),
        ('"basic"', '"basic" needs more: access = { basic = … }'),
        ('["anyone-local", "token"]', '"anyone-local" asks for nothing, so it stands alone'),
        ('["public", "token"]', '"public" asks for nothing, so it stands alone'),
        ("[]", 'names nobody; everybody on this computer is "anyone-local"'),
        ("{}", 'asks for nothing; everybody on this computer is "anyone-local"'),
        ("true", "expected a word, an array of words or a table, found a boolean"),
        ("{ users = [] }", "names nobody"),
        ("{ users = [-1] }", "expected a uid"),
        ("{ users = [true] }", "expected the name of an account or its uid, found a boolean"),
        ('{ user = ["ann"] }', 'unknown key; did you mean "users"?'),
        ('{ basic = { ann = "hunter2" } }', "is not a hash that `homeport password` prints"),
        (f'{{ basic = {{ "a:b" = "{HASH}" }} }}', "a user cannot have a colon in its name"),
        ("{ basic = {} }", "names nobody"),
    ],
)  # fmt: skip
def test_mistakes_are_told_where_they_stand(written: str, mistake: str) -> None:
    with pytest.raises(HomeportError) as caught:
        access(written)
    assert mistake in caught.value.message
    assert caught.value.message.startswith("homeport.toml:3: routes.web.access")
    assert "hunter2" not in caught.value.message


NAMES = st.text("ab1-", min_size=1, max_size=4)
ACCESSES = st.builds(
    Access,
    same_user=st.booleans(),
    token=st.booleans(),
    users=st.lists(st.one_of(NAMES, st.integers(0, 70000)), max_size=2),
    basic=st.dictionaries(NAMES, st.just(HASH), max_size=2),
)


@given(ACCESSES | st.just(Access(public=True)), st.sampled_from(["allow", "deny"]))
def test_what_is_written_reads_back(access: Access, cross_site: str) -> None:
    app = AppTable(run="x", access=access, cross_site="deny" if cross_site == "deny" else "allow")
    route = RouteTable(target="http://a:1", access=access)
    project = ProjectFile(apps={"web": app}, routes={"api": route})
    assert parse(render(project)) == project

"""Whatever a folder or branch is called, its slug is a route name."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from homeport.model.name import is_route_name, slug


@given(st.text())
@example("homeport")
@example("\ud800")
@example("x" * 64)
@example("a" * 53 + "-" * 20 + "b")
def test_a_slug_is_one_label_of_a_route_name(text: str) -> None:
    assert is_route_name(slug(text))
    assert "." not in slug(text)
    assert slug(slug(text)) == slug(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("shop", "shop"),
        ("Feature/Login Página", "feature-login-pagina"),
        ("my.app_v2", "my-app-v2"),
        ("--", "app"),
        ("店", "app"),
        ("homeport", "homeport-app"),
    ],
)
def test_slugs_read_like_their_text(text: str, expected: str) -> None:
    assert slug(text) == expected


def test_long_texts_that_differ_at_the_end_stay_apart() -> None:
    assert slug("feature/" + "x" * 80 + "/one") != slug("feature/" + "x" * 80 + "/two")


@pytest.mark.parametrize("name", ["api", "v2.api", "3000", "a--b", "x" * 63])
def test_route_names(name: str) -> None:
    assert is_route_name(name)


@pytest.mark.parametrize(
    "name", ["", "Api", "a_b", "-a", "a-", "a..b", ".a", "a.", "x" * 64, "homeport", "ä", "a b", "a\n"]
)
def test_not_route_names(name: str) -> None:
    assert not is_route_name(name)
    assert not is_route_name(".".join(["x" * 63] * 4))

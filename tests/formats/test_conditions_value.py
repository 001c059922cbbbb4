"""`conditions` and `[profiles]` in homeport.toml: words and tables mean the same, mistakes name their key and line."""

from __future__ import annotations

import pytest

from homeport.conditions.profiles import BY_NAME
from homeport.conditions.text import expanded, parse
from homeport.formats.homeport_toml import parse as parse_toml
from homeport.formats.toml_render import render
from homeport.model.errors import HomeportError

APP = '[apps.web]\nrun = "x"\nconditions = '


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ('"3g"', "3g"),
        ('" 3g  loss=1% "', "3g loss=1%"),
        ('{ latency = "50ms", profile = "3g" }', "3g latency=50ms"),
        (
            '{ rate = "1 mbit", up = { rate = "64kbit" }, seed = 7, share = "50%" }',
            "rate=1mbit up.rate=64kbit seed=7 share=50%",
        ),
        ('{ loss = "20%", burst = 2.5, silence = true }', "loss=20% burst=2.5 silence=yes"),
    ],
)
def test_words_and_tables(value: str, words: str) -> None:
    project = parse_toml(APP + value)
    assert project.apps["web"].conditions == words
    assert parse(words.split(), BY_NAME)


def test_own_profiles_are_known_by_name_and_handed_over_by_meaning() -> None:
    text = APP + '"tunnel seed=1"\n[profiles]\ntunnel = { profile = "slow", loss = "30%" }\nslow = "3g rate=100kbit"\n'
    project = parse_toml(text)
    words = expanded(project.apps["web"].conditions, project.profiles)
    assert words == "3g rate=100kbit loss=30% seed=1"
    assert parse_toml(render(project)) == project


@pytest.mark.parametrize(
    ("value", "mistake"),
    [
        ('"3gg"', "homeport.toml:3: apps.web.conditions: no profile is called '3gg'; did you mean 3g?"),
        ('{ latenzy = "5ms" }', "no condition is called 'latenzy'; did you mean latency?"),
        ('{ latency = "5" }', "homeport.toml:3: apps.web.conditions.latency: expected a time such as 50ms or 1.5s"),
        ("{ up = { loss = 5 } }", "apps.web.conditions.up.loss: expected a share such as 1% or 0.5%"),
        ('{ up = "3g" }', "apps.web.conditions.up: expected a table, found a string"),
        ("{ burst = 5 }", "apps.web.conditions: burst needs loss beside it"),
        ("7", "apps.web.conditions: expected words or a table, found an integer"),
        ("{}", "apps.web.conditions: is empty"),
        ('"3g"\n[profiles]\na = "b"\nb = "a"', "the profile 'a' contains itself"),
        ('"3g"\n[profiles]\n"a b" = "3g"', "a profile's name is one word without ="),
        ('"3g"\n[profiles]\na = 5', "profiles.a: expected words or a table, found an integer"),
    ],
)
def test_mistakes(value: str, mistake: str) -> None:
    with pytest.raises(HomeportError) as caught:
        parse_toml(APP + value)
    assert mistake in caught.value.message

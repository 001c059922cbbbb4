"""Facts behave as frozen records: by value, whole, and as JSON takes them."""

from __future__ import annotations

import json

import pytest

from homeport.model.fact import Fact, plain, replace


class Place(Fact, kw_only=False):
    host: str
    port: int = 80


class Named(Fact):
    name: str
    places: tuple[Place, ...] = ()


class Older(Named):
    age: int


def test_compared_and_hashed_by_value() -> None:
    assert Place("a") == Place("a", 80) != Place("a", 81)
    assert Place("a") != Named(name="a")
    assert len({Place("a"), Place("a"), Place("b")}) == 2
    assert repr(Place("a")) == "Place(host='a', port=80)"


def test_frozen() -> None:
    place = Place("a")
    with pytest.raises(AttributeError, match="frozen"):
        place.port = 1  # type: ignore[misc]
    assert replace(place, port=1) == Place("a", 1)
    assert place.port == 80


def test_fields_of_a_subclass_come_after_those_of_its_base() -> None:
    assert Older(name="a", age=3).name == "a"
    with pytest.raises(TypeError, match="fields"):
        Older(name="a")  # type: ignore[call-arg]


def test_wrong_fields_are_refused() -> None:
    for wrong in (lambda: Place(), lambda: Place("a", 1, 2), lambda: Place("a", colour=1), lambda: Named("a")):  # type: ignore[call-arg]
        with pytest.raises(TypeError, match="fields"):
            wrong()


def test_plain_is_what_json_takes() -> None:
    named = Older(name="a", places=(Place("b", 1),), age=3)
    assert json.loads(json.dumps(plain({"all": [named]}))) == {
        "all": [{"name": "a", "places": [{"host": "b", "port": 1}], "age": 3}]
    }

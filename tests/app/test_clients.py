"""Names for clients: who is meant, what is handed out, and what becomes of conditions when a name goes."""

from __future__ import annotations

import pytest

from homeport.app.client_book import ClientBook
from homeport.app.clients import ClientsUseCases
from homeport.app.conditions import ConditionsUseCases
from homeport.app.fake import FakeConditioned, FakeRoads
from homeport.model.errors import HomeportError
from homeport.model.net_client import NetClientSpec
from homeport.model.network import ConditionsSpec
from homeport.model.route import RouteSpec


def test_an_address_is_handed_out_where_nothing_is_said() -> None:
    book = ClientBook("linux")
    assert book.name(NetClientSpec(name="alice")).words == ["127.64.0.1"]
    assert book.name(NetClientSpec(name="bob")).words == ["127.64.0.2"]
    assert book.name(NetClientSpec(name="alice")).words == ["127.64.0.1"], "it keeps its own"
    book.remove("alice")
    assert book.name(NetClientSpec(name="carol")).words == ["127.64.0.1"]


def test_words_are_kept_in_their_plainest_form() -> None:
    book = ClientBook("linux")
    words = ["[::1]", "[::1]:80", "127.0.1.7/24", "pid=0041", "header=X-Player: 1", "app=web"]
    told = ["::1", "[::1]:80", "127.0.1.0/24", "pid=41", "header=x-player:1", "app=web"]
    assert book.name(NetClientSpec(name="alice", words=words)).words == told
    assert len(book.matches("alice")) == 6
    assert (book.plain("[::1]"), book.plain("alice"), book.plain("")) == ("::1", "alice", "")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["bob"], "bad-usage"),
        (["pid=x"], "bad-usage"),
        (["colour=red"], "bad-usage"),
        (["header=X"], "bad-usage"),
        (["app="], "bad-usage"),
        (["127.0.0.1/99"], "bad-usage"),
    ],
)
def test_what_tells_nobody_apart(words: list[str], code: str) -> None:
    with pytest.raises(HomeportError) as refusal:
        ClientBook("linux").name(NetClientSpec(name="alice", words=words))
    assert refusal.value.code == code


@pytest.mark.parametrize("name", ["Alice", "127.0.0.1", "a b", ""])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(HomeportError) as refusal:
        ClientBook("linux").name(NetClientSpec(name=name))
    assert refusal.value.code == "bad-usage"


def test_who_is_not_known() -> None:
    with pytest.raises(HomeportError) as refusal:
        ClientBook("linux").matches("alice")
    assert (refusal.value.code, refusal.value.hint) == ("not-found", "homeport net client alice")


def test_where_the_system_does_not_tell_processes() -> None:
    book = ClientBook("darwin")
    for spec in (NetClientSpec(name="alice"), NetClientSpec(name="alice", words=["pid=41"])):
        with pytest.raises(HomeportError) as refusal:
            book.name(spec)
        assert refusal.value.code == "unsupported"
    assert book.name(NetClientSpec(name="alice", words=["agent=Edge"])).words == ["agent=Edge"]


async def test_a_name_that_goes_takes_its_conditions_along() -> None:
    roads, conditioned, book = FakeRoads(), FakeConditioned(), ClientBook("linux")
    await roads.add(RouteSpec(name="api", target="http://127.0.0.1:9"))
    conditions = ConditionsUseCases(roads, conditioned)
    clients = ClientsUseCases(book, conditions, conditioned)
    await clients.name(NetClientSpec(name="alice"))
    assert conditioned.changed == ["alice"]
    for client in ("alice", ""):
        await conditions.set(ConditionsSpec(route="api", text="3g", client=client))
    assert (await clients.forget("alice")).name == "alice"
    assert list(conditioned.now) == [("api", "")]
    assert await clients.list() == []


class Stubborn(FakeConditioned):
    """Its routes cannot tell a client by User-Agent."""

    def __init__(self, book: ClientBook) -> None:
        super().__init__()
        self.book = book

    def client_changed(self, name: str) -> None:
        super().client_changed(name)
        if any(match.kind == "agent" for match in self.book.matches(name)):
            raise HomeportError("bad-usage", "a udp route has no requests")


async def test_words_that_a_route_cannot_use_change_nothing() -> None:
    book = ClientBook("linux")
    conditioned = Stubborn(book)
    clients = ClientsUseCases(book, ConditionsUseCases(FakeRoads(), conditioned), conditioned)
    await clients.name(NetClientSpec(name="alice", words=["::1"]))
    with pytest.raises(HomeportError):
        await clients.name(NetClientSpec(name="alice", words=["agent=Edge"]))
    assert [one.words for one in await clients.list()] == [["::1"]]
    assert conditioned.changed == ["alice"] * 3

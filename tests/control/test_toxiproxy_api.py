"""Every row of Toxiproxy's API: paths, statuses, bodies and messages as its clients know them."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partialmethod
from typing import Any

import msgspec
import pytest

from homeport.app.toxics import ATTRIBUTES, Toxic, attributes, conditions
from homeport.conditions.settings import Bandwidth, DataLimit, Latency, Reset, Silence, Slicing, SlowClose

NOWHERE = "127.0.0.1:9"
LATENCY = {
    "attributes": {"latency": 0, "jitter": 0},
    "name": "latency_downstream",
    "type": "latency",
    "stream": "downstream",
    "toxicity": 1.0,
}


class Answer:
    def __init__(self, status_code: int, headers: http.client.HTTPMessage, content: bytes) -> None:
        self.status_code, self.headers, self.content = status_code, headers, content

    @property
    def text(self) -> str:
        return self.content.decode()

    def json(self) -> Any:
        return json.loads(self.content)


class Api:
    """The server's process, asked over HTTP."""

    def __init__(self, port: int) -> None:
        self._port = port

    def request(
        self, method: str, path: str, *, json: Any = None, content: bytes | None = None, headers: Any = None
    ) -> Answer:
        body = content if json is None else msgspec.json.encode(json)
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        connection.request(method, path, body, {"User-Agent": "toxiproxy-cli/2.12.0", **(headers or {})})
        answer = connection.getresponse()
        found = Answer(answer.status, answer.headers, answer.read())
        connection.close()
        return found

    get = partialmethod(request, "GET")
    post = partialmethod(request, "POST")
    patch = partialmethod(request, "PATCH")
    delete = partialmethod(request, "DELETE")
    put = partialmethod(request, "PUT")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    home = tmp_path_factory.mktemp("toxiproxy")
    command = [sys.executable, "-m", "homeport", "toxiproxy", "--port", "0"]
    environment = {**os.environ, "HOMEPORT_HOME": str(home)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr
        yield Api(int(process.stderr.readline().rpartition(":")[2]))
        process.terminate()
        assert process.wait(20) == 0


@pytest.fixture
def api(server: Api) -> Iterator[Api]:
    yield server
    for name in server.get("/proxies").json():
        server.delete(f"/proxies/{name}")


def create(api: Api, name: str = "db", **more: Any) -> Any:
    answer = api.post("/proxies", json={"name": name, "listen": "127.0.0.1:0", "upstream": NOWHERE, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_proxy_from_beginning_to_end(api: Api) -> None:
    made = create(api)
    assert {key: made[key] for key in ("name", "upstream", "enabled", "toxics")} == {
        "name": "db",
        "upstream": NOWHERE,
        "enabled": True,
        "toxics": [],
    }
    assert made["listen"].startswith("127.0.0.1:")
    assert not made["listen"].endswith(":0")
    assert api.get("/proxies").json() == {"db": made}
    assert api.get("/proxies/db").json() == made
    for method in (api.post, api.patch):
        assert method("/proxies/db", json={"enabled": False}).json() == {**made, "enabled": False}
        assert method("/proxies/db", json={"enabled": True}).json() == made
    changed = api.patch("/proxies/db", json={"upstream": "127.0.0.1:10"})
    assert (changed.status_code, changed.json()["upstream"]) == (200, "127.0.0.1:10")
    gone = api.delete("/proxies/db")
    assert (gone.status_code, gone.content) == (204, b"")
    assert api.get("/proxies").json() == {}


def test_a_toxic_from_beginning_to_end(api: Api) -> None:
    create(api)
    made = api.post("/proxies/db/toxics", json={"type": "latency"})
    assert (made.status_code, made.json()) == (200, LATENCY)
    assert api.get("/proxies/db/toxics").json() == [LATENCY]
    assert api.get("/proxies/db/toxics/latency_downstream").json() == LATENCY
    for method in (api.post, api.patch):
        changed = method("/proxies/db/toxics/latency_downstream", json={"attributes": {"jitter": 7}, "toxicity": 0.5})
        assert changed.json() == {**LATENCY, "attributes": {"latency": 0, "jitter": 7}, "toxicity": 0.5}
    kept = api.patch("/proxies/db/toxics/latency_downstream", json={"attributes": {"latency": 9}, "type": "noop"})
    assert kept.json() == {**LATENCY, "attributes": {"latency": 9, "jitter": 7}, "toxicity": 0.5}
    upstream = api.post("/proxies/db/toxics", json={"type": "slicer", "stream": "UPSTREAM", "name": "cut"})
    assert upstream.json()["stream"] == "upstream"
    assert [one["name"] for one in api.get("/proxies/db").json()["toxics"]] == ["cut", "latency_downstream"]
    gone = api.delete("/proxies/db/toxics/cut")
    assert (gone.status_code, gone.content) == (204, b"")
    assert [one["name"] for one in api.get("/proxies/db/toxics").json()] == ["latency_downstream"]


def test_reset_enables_and_cleans(api: Api) -> None:
    create(api)
    api.post("/proxies/db/toxics", json={"type": "noop"})
    api.post("/proxies/db", json={"enabled": False})
    assert api.post("/reset").status_code == 204
    assert {key: api.get("/proxies/db").json()[key] for key in ("enabled", "toxics")} == {"enabled": True, "toxics": []}


def test_populate(api: Api) -> None:
    db = create(api)
    asked = [{"name": "db", "listen": db["listen"], "upstream": NOWHERE}, {"name": "web", "upstream": NOWHERE}]
    answer = api.post("/populate", json=asked)
    assert answer.status_code == 201
    assert [one["name"] for one in answer.json()["proxies"]] == ["db", "web"]
    assert answer.json()["proxies"][0] == db, "it was left alone"
    answer = api.post("/populate", json=[{"name": "new", "upstream": NOWHERE}, {"name": "bad"}])
    assert (answer.status_code, answer.json()["error"]) == (400, "missing required field: upstream at proxy 2")
    assert "new" not in api.get("/proxies").json(), "all are looked at before the first is made"
    clash = [{"name": "one", "upstream": NOWHERE}, {"name": "two", "listen": db["listen"], "upstream": NOWHERE}]
    answer = api.post("/populate", json=clash)
    assert answer.status_code == 500
    assert [one["name"] for one in answer.json()["proxies"]] == ["one"]
    assert answer.json()["error"] == f"listen tcp {db['listen']}: bind: address already in use"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "message"),
    [
        ("POST", "/proxies", {"upstream": NOWHERE}, 400, "missing required field: name"),
        ("POST", "/proxies", {"name": "x"}, 400, "missing required field: upstream"),
        ("POST", "/proxies", {"name": "db", "upstream": NOWHERE}, 409, "proxy already exists"),
        ("GET", "/proxies/nobody", None, 404, "proxy not found"),
        ("POST", "/proxies/nobody", {}, 404, "proxy not found"),
        ("DELETE", "/proxies/nobody", None, 404, "proxy not found"),
        ("GET", "/proxies/nobody/toxics", None, 404, "proxy not found"),
        ("POST", "/proxies/nobody/toxics", {"type": "noop"}, 404, "proxy not found"),
        ("GET", "/proxies/db/toxics/nothing", None, 404, "toxic not found"),
        ("PATCH", "/proxies/db/toxics/nothing", {}, 404, "toxic not found"),
        ("DELETE", "/proxies/db/toxics/nothing", None, 404, "toxic not found"),
        ("POST", "/proxies/db/toxics", {"type": "rain"}, 400, "invalid toxic type"),
        (
            "POST",
            "/proxies/db/toxics",
            {"type": "noop", "stream": "sideways"},
            400,
            "stream was invalid, can be either upstream or downstream",
        ),
        ("POST", "/proxies/db/toxics", {"type": "noop", "name": "there"}, 409, "toxic already exists"),
    ],
)
def test_errors(api: Api, method: str, path: str, body: Any, status: int, message: str) -> None:
    create(api)
    api.post("/proxies/db/toxics", json={"type": "noop", "name": "there", "stream": "upstream"})
    answer = api.request(method, path, json=body)
    assert (answer.status_code, answer.json()) == (status, {"error": message, "status": status})
    assert answer.text.endswith("\n")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"name": 3, "upstream": "x:1"}', b"\xff"])
def test_bad_bodies(api: Api, body: bytes) -> None:
    answer = api.post("/proxies", content=body)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("bad request body: ")


def test_version_requests_are_numbered_and_pages_refused(api: Api) -> None:
    answer = api.get("/version")
    assert answer.text == '{"version": "2.12.0"}\n'
    assert answer.headers["content-type"] == "application/json;charset=utf-8"
    assert answer.headers["x-toxiproxy-request-id"]
    refused = api.get("/version", headers={"User-Agent": "Mozilla/5.0"})
    assert (refused.status_code, refused.text) == (403, "User agent not allowed\n")
    assert api.get("/version", headers={"Origin": "http://evil.example"}).status_code == 403
    for host in ("evil.example", "127.0.0.1.evil.example:8474", "localhost.evil.example.", "evil.localhost.example"):
        refused = api.get("/proxies", headers={"Host": host})  # a name that was pointed here
        assert (refused.status_code, refused.text) == (403, "Host not allowed\n")
    for host in ("localhost:8474", "[::1]:8474", "toxiproxy", "chaos.localhost:62893", "host.docker.internal:8474"):
        assert api.get("/proxies", headers={"Host": host}).status_code == 200
    assert api.get("/nothing").status_code == 404
    assert api.put("/proxies").status_code == 405


def test_toxics_are_conditions(api: Api) -> None:
    create(api)
    given = {
        "latency": ({"latency": 5, "jitter": 2}, Latency(latency_ms=5, jitter_ms=2, share=0.5)),
        "bandwidth": ({"rate": 100}, Bandwidth(rate_bps=800_000, share=0.5)),
        "slow_close": ({"delay": 9}, SlowClose(delay_ms=9, share=0.5)),
        "timeout": ({"timeout": 9}, Silence(close_after_ms=9, share=0.5)),
        "reset_peer": ({"timeout": 9}, Reset(after_ms=9, share=0.5)),
        "slicer": (
            {"average_size": 10, "size_variation": 50, "delay": 4},
            Slicing(size_bytes=10, variation_bytes=9, delay_us=4, share=0.5),
        ),
        "limit_data": ({"bytes": 9}, DataLimit(limit_bytes=9, share=0.5)),
    }
    assert {*given, "noop"} == set(ATTRIBUTES)
    for kind, (values, wanted) in given.items():
        toxic = Toxic(attributes=attributes(kind, values), name="x", type=kind, stream="upstream", toxicity=0.5)
        made = conditions([toxic], seed=3)
        assert made is not None
        assert (made.up, made.down, made.seed) == ((wanted,), (), 3)
    assert conditions([], seed=0) is None
    assert json.loads(api.get("/proxies/db").text)["toxics"] == []

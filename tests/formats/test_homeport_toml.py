"""What homeport.toml means, and that every mistake in it is told with its line, its key and what was meant."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from homeport.formats.homeport_toml import APP_KEYS, ROUTE_KEYS, parse
from homeport.formats.project_file import AppTable, ProjectFile, RouteTable
from homeport.model.app import Ready
from homeport.model.errors import HomeportError


def mistakes(text: str, file: str = "homeport.toml") -> list[str]:
    with pytest.raises(HomeportError) as raised:
        parse(text, file)
    assert raised.value.code == "bad-config"
    return raised.value.message.split("\n")


def app(body: str) -> AppTable:
    return parse(f"[apps.web]\n{body}\n").apps["web"]


WHOLE = """
name = "shop"

[apps.web]
run = "npm run dev"
cwd = "web"
env = { NODE_ENV = "development", EMPTY = "" }
env_file = [".env", ".env.local"]
host = "::1"
port = 3000
port_env = "WEB_PORT"
ports = { ADMIN_PORT = "auto", DEBUG_PORT = 9229 }
socket = true
ready = "/health"
ready_timeout = "1m30s"
needs = ["v2.api"]
restart = "on-failure"
stop_timeout = 0
start = "on-request"
idle_stop = "15m"
default = true

[apps."v2.api"]
run = ["python", "-m", "api", ""]
ready = { log = "listening on [0-9]+" }

[apps.docs]
serve = "site"
spa = true
reload = true
listing = false

[apps.files]
serve = "files"
with = "nginx"
port = 8081

[routes.db]
target = "tcp:127.0.0.1:5432"
listen = 62900

[routes.old]
target = "http://localhost:8080"
"""


def test_every_key_is_read() -> None:
    assert parse(WHOLE) == ProjectFile(
        name="shop",
        apps={
            "web": AppTable(
                run="npm run dev",
                cwd="web",
                env={"NODE_ENV": "development", "EMPTY": ""},
                env_file=[".env", ".env.local"],
                host="::1",
                port=3000,
                port_env="WEB_PORT",
                ports={"ADMIN_PORT": None, "DEBUG_PORT": 9229},
                socket=True,
                ready=Ready(path="/health"),
                ready_timeout_s=90.0,
                needs=["v2.api"],
                restart="on-failure",
                stop_timeout_s=0.0,
                start="on-request",
                idle_stop_s=900.0,
                default=True,
            ),
            "v2.api": AppTable(run=["python", "-m", "api", ""], ready=Ready(log="listening on [0-9]+")),
            "docs": AppTable(serve="site", spa=True, reload=True, listing=False),
            "files": AppTable(serve="files", server="nginx", port=8081),
        },
        routes={
            "db": RouteTable(target="tcp:127.0.0.1:5432", listen="62900"),
            "old": RouteTable(target="http://localhost:8080"),
        },
    )


def test_every_key_fills_a_field_of_its_own() -> None:
    assert {key.field for key in APP_KEYS.values()} == set(AppTable.__struct_fields__)
    assert {key.field for key in ROUTE_KEYS.values()} == set(RouteTable.__struct_fields__)


def test_an_empty_file_is_an_empty_project() -> None:
    assert parse("") == ProjectFile()


@pytest.mark.parametrize(
    ("written", "seconds"),
    [('"90s"', 90), ('"15m"', 900), ('"1h30m"', 5400), ('"1d"', 86400), ('"1.5s"', 1.5), ('"500ms"', 0.5), ("2", 2)],
)
def test_durations(written: str, seconds: float) -> None:
    assert app(f'run = "x"\nready_timeout = {written}').ready_timeout_s == seconds


@pytest.mark.parametrize(
    "written", ['""', '"15"', '"m"', '"1m1h"', '"1 h"', '"-1s"', "0", "-1", "nan", "inf", "true", '"٣s"']
)
def test_not_durations(written: str) -> None:
    [mistake] = mistakes(f'[apps.web]\nrun = "x"\nready_timeout = {written}')
    assert mistake.startswith("homeport.toml:3: apps.web.ready_timeout: expected ")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("run = 3", "run: expected a shell line or an array of words, found an integer"),
        ("run = []", "run: names no program to run"),
        ('run = ["a", 1, 2.0]', "run[1]: expected a string, found an integer"),
        ('run = " "', "run: is empty"),
        ('run = "a\\u0000b"', "run: holds a NUL character, which no command or path can hold"),
        ('run = "x"\nport = "3000"', 'port: expected a port or "auto", found a string'),
        ('run = "x"\nport = true', 'port: expected a port or "auto", found a boolean'),
        ('run = "x"\nport = 70000', "port: expected a port from 1 to 65535"),
        ('run = "x"\nsocket = "yes"', "socket: expected true or false, found a string"),
        ('run = "x"\nenv = { A = 1 }', "env.A: expected a string, found an integer"),
        ('run = "x"\nenv = ["A=1"]', "env: expected a table, found an array"),
        ('run = "x"\nready = "health"', 'ready: expected a path such as "/health", found "health"'),
        ('run = "x"\nready = {}', "ready: expected exactly one of path, log and command"),
        ('run = "x"\nready = { logs = "x" }', 'ready.logs: unknown key; did you mean "log"?'),
        ('run = "x"\nready.log = "("', "ready.log: is not a regular expression: missing ), unterminated"),
        ('run = "x"\nrestart = "allways"', 'found "allways"; did you mean "always"?'),
        ('run = "x"\nstart = 07:32:00', 'start: expected "up" or "on-request", found a time'),
        ('run = "x"\nneeds = "db"', "needs: expected an array, found a string"),
        ('run = "x"\nneeds = ["wbe"]', 'needs[0]: no app is named "wbe"; did you mean "web"?'),
        ('run = "x"\nneeds = ["web"]', "needs: web needs web, so none of them could start first"),
        ('run = "x"\nports = { PORT = "auto" }', "ports.PORT: is already the name of the first port"),
        ('run = "x"\nenv = { PORT = "1" }', "env.PORT: homeport sets this variable itself; use the key port"),
        ('run = "x"\nidle_stop = 5', 'idle_stop: needs start = "on-request"'),
        ('run = "x"\nserve = "."', "serve: an app has either run or serve, not both"),
        ('run = "x"\nspa = true', "spa: means something only beside serve"),
        ('serve = "."\nport = 3000', "port: has no effect on a directory that homeport serves itself"),
        ('serve = "."\nwith = "nginx"\nreload = true', "reload: is not something that nginx does"),
        ("cwd = 'x'", "needs run (a command) or serve (a directory)"),
    ],
)
def test_what_an_app_cannot_say(body: str, expected: str) -> None:
    assert any(expected in line and ": apps.web" in line for line in mistakes(f"[apps.web]\n{body}"))


@pytest.mark.parametrize(
    ("key", "meant"),
    [("comand", "run"), ("depends_on", "needs"), ("Ready-Timeout", "ready_timeout"), ("envs", "env"), ("prot", "port")],
)
def test_an_unknown_key_names_the_one_that_was_meant(key: str, meant: str) -> None:
    found = mistakes(f'[apps.web]\nrun = "x"\n{key} = "y"')
    assert found == [f'homeport.toml:3: apps.web.{key}: unknown key; did you mean "{meant}"?']


def test_an_unknown_key_near_nothing_lists_the_keys() -> None:
    keys = "name, apps, routes, profiles, clients"
    assert mistakes("zzz = 1") == [f"homeport.toml:1: zzz: unknown key; the keys here are {keys}"]


def test_clients_by_name() -> None:
    text = '[clients]\nalice = "127.64.0.1 agent=Edge"\nbob = ["header=X-Player:Bob B"]\n'
    assert parse(text).clients == {"alice": ["127.64.0.1", "agent=Edge"], "bob": ["header=X-Player:Bob B"]}
    assert mistakes('[clients]\nBob = "pid=1"\nalice = "carol"')[1:] == [
        "homeport.toml:3: clients.alice: 'carol' tells no client apart: it is neither an address nor KEY=VALUE"
    ]


def test_lines_are_right_for_dotted_keys_inline_tables_and_quoted_keys() -> None:
    text = """\
apps.web = { run = "a", env = { "B-C" = "1" } }
apps."my.app".run = \"""
[not.a.table]
\"""
apps."my.app".ready . loog = "x"
[apps.api]
run = [
  "python",
  3,
]
"de\\u0066ault" = 1
"""
    assert mistakes(text, "shop/homeport.toml") == [
        'shop/homeport.toml:1: apps.web.env.B-C: "B-C" is not the name of a variable:'
        " letters, digits and _, not starting with a digit",
        'shop/homeport.toml:5: apps."my.app".ready.loog: unknown key; did you mean "log"?',
        "shop/homeport.toml:9: apps.api.run[1]: expected a string, found an integer",
        "shop/homeport.toml:11: apps.api.default: expected true or false, found an integer",
    ]


def test_cycles_are_named_once_and_what_leads_into_them_is_not() -> None:
    needs = {"a": ["b"], "b": ["c", "d"], "c": ["b"], "d": [], "e": ["a", "c"]}
    text = "".join(f'[apps.{name}]\nrun = "x"\nneeds = {others}\n' for name, others in needs.items())
    assert mistakes(text) == ["homeport.toml:9: apps.c.needs: b needs c needs b, so none of them could start first"]


def test_only_one_default() -> None:
    text = '[apps.a]\nrun = "x"\ndefault = true\n[routes.b]\ntarget = "unix:/x"\ndefault = true\n'
    assert mistakes(text) == [
        'homeport.toml:6: routes.b.default: only one can answer on the plain address, and "a" already does'
    ]


@pytest.mark.parametrize("name", ["Web", "a_b", "-a", "homeport", "é", "a..b"])
def test_names_must_fit_in_a_url(name: str) -> None:
    [mistake] = mistakes(f"[apps.'{name}']\nrun = 'x'")
    assert mistake.startswith("homeport.toml:1: apps.")
    assert "cannot be a name in a URL" in mistake


def test_a_name_with_a_dot_must_be_quoted() -> None:
    assert 'homeport.toml:1: apps.my.db: unknown key; a name with a dot is quoted: apps."my.db"' in mistakes(
        '[apps.my.db]\nrun = "x"'
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", "routes.pg: needs a target"),
        ('target = "127.0.0.1:80"', "expected http(s)://HOST:PORT, unix:PATH, tcp:HOST:PORT or udp:HOST:PORT"),
        ('target = "ftp://localhost:21"', "expected http(s)://HOST:PORT, unix:PATH, tcp:HOST:PORT or udp:HOST:PORT"),
        ('target = "http://localhost:99999"', "it needs a port from 0 to 65535"),
        ('target = "unix:"', "a Unix socket needs a path"),
        ('target = "tcp:127.0.0.1:5432"', "needs listen, a port of its own"),
        ('target = "udp:127.0.0.1:7777"', "needs listen, a port of its own, because its target is udp:"),
        ('target = "tcp:127.0.0.1:5432"\nlisten = true', "expected a port or an address with a port, found a boolean"),
        ('target = "unix:/x"\nlisten = "x"', "it needs a port"),
        (
            'target = "http://127.0.0.1:1"\ntls = "pass"',
            "routes.pg.tls: means something only for a target that is tcp:",
        ),
        ('target = "tcp:127.0.0.1:1"\nlisten = 1\ntls = "on"', 'expected "terminate" or "pass"'),
        ('target = "tcp:127.0.0.1:1"\nlisten = 1\ntls = "pass"\nclient_ca = "a"', 'client_ca: needs tls = "terminate"'),
    ],
)
def test_what_a_route_cannot_say(body: str, expected: str) -> None:
    [mistake] = mistakes(f"[routes.pg]\n{body}")
    assert expected in mistake


@pytest.mark.parametrize(
    "target", ["http://localhost", "http://localhost:80/", "http://[::1]", "http://[::1]:3000", "unix:/run/a.sock"]
)
def test_targets(target: str) -> None:
    assert parse(f'[routes.x]\ntarget = "{target}"').routes["x"].target == target


@pytest.mark.parametrize(
    ("text", "line"),
    [("a = [", 1), ("name = 'x'\n\n[apps", 3), ("a = 1\na = 2\n", 2), ("a=" + "[" * 20000, 1), ("a=" + "9" * 5000, 1)],
)
def test_what_is_not_toml_has_a_line_too(text: str, line: int) -> None:
    [mistake] = mistakes(text)
    assert mistake.startswith(f"homeport.toml:{line}: ")


WORDS = st.sampled_from(
    ["[apps.web]", "[apps]", "[[apps]]", "[routes.x]", "name", "apps", "web", "run", "serve", "ready", "env", "needs",
     "=", ".", "\n", '"x"', "'", '"', "{", "}", "[", "]", ",", "1", "true", "1979-05-27", "default", "target", "-", "é"]
)  # fmt: skip
KEY_VALUES = st.tuples(
    st.sampled_from([*APP_KEYS, "ready.log", "env.A", "x"]),
    st.sampled_from(['"x"', "1", "1.5", "true", "[]", '["a", 1]', "{}", "{ a = 1 }", "07:32:00", '"auto"', '"/"']),
).map(" = ".join)


@given(
    st.one_of(st.text(), st.lists(WORDS).map("".join), st.lists(KEY_VALUES).map(lambda x: "\n".join(["[apps.a]", *x])))
)
@example('[apps.web]\nrun = "x"\nready.log = "[[a]"')
@example("apps = 1\nroutes = []\nname = []")
@example("[apps]\nweb = 1\n[routes]\nx = []")
def test_garbage_gives_only_our_error(text: str) -> None:
    message = ""
    try:
        parse(text)
    except HomeportError as error:
        message = error.message
    assert all(line.startswith("homeport.toml:") for line in message.split("\n") if message)

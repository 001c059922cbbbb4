"""What `homeport init` writes reads back as what it was made from, its comments included once they are uncommented."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from homeport.formats.homeport_toml import parse
from homeport.formats.project_file import AppTable, ProjectFile, RouteTable
from homeport.formats.toml_render import SUGGESTIONS, render
from homeport.model.app import Ready

NAMES = st.from_regex(r"[a-z0-9]{1,3}(\.[a-z]{1,3})?", fullmatch=True)
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
FILLED = WORDS.filter(str.strip)
VARIABLES = st.from_regex(r"[A-Z_][A-Z0-9_]{0,3}", fullmatch=True).filter(lambda name: name not in ("PORT", "HOST"))
PORTS = st.one_of(st.none(), st.integers(1, 65535))
DURATIONS = st.one_of(st.integers(1, 1_000_000).map(float), st.floats(1e-6, 86400.0))
READY = st.one_of(
    st.just(Ready()),
    st.builds(Ready, path=st.sampled_from(["/", '/health?q="é"'])),
    st.builds(Ready, log=st.sampled_from(["listening", r'on "\d+"'])),
    st.builds(Ready, command=FILLED),
)
COMMANDS = st.builds(
    AppTable,
    run=st.one_of(FILLED, st.builds(lambda program, words: [program, *words], FILLED, st.lists(WORDS, max_size=2))),
    cwd=st.one_of(st.just(""), FILLED),
    env=st.dictionaries(VARIABLES, WORDS, max_size=2),
    env_file=st.one_of(st.none(), st.lists(FILLED, max_size=2)),
    host=FILLED,
    port=PORTS,
    ports=st.dictionaries(VARIABLES, PORTS, max_size=2),
    socket=st.booleans(),
    ready=READY,
    ready_timeout_s=DURATIONS,
    stop_timeout_s=st.one_of(st.just(0.0), DURATIONS),
    restart=st.sampled_from(["never", "on-failure", "always"]),
)
DIRECTORIES = st.builds(AppTable, serve=FILLED, spa=st.booleans(), reload=st.booleans(), listing=st.booleans())
ON_REQUEST = st.builds(AppTable, run=FILLED, start=st.just("on-request"), idle_stop_s=st.one_of(st.none(), DURATIONS))
ROUTES = st.builds(
    RouteTable, target=st.sampled_from(["unix:/x", "http://a:1"]), listen=st.sampled_from(["", "[::1]:1"])
)


@st.composite
def projects(draw: st.DrawFn) -> ProjectFile:
    names = draw(st.lists(NAMES, max_size=4, unique=True))
    apps: dict[str, AppTable] = {}
    routes: dict[str, RouteTable] = {}
    for name in names:
        table: Any = draw(st.one_of(COMMANDS, DIRECTORIES, ON_REQUEST, ROUTES))
        if isinstance(table, RouteTable):
            routes[name] = table
        else:
            apps[name] = table
    return ProjectFile(name=draw(st.one_of(st.just(""), NAMES)), apps=apps, routes=routes)


@given(projects())
def test_reads_back_as_it_was(project: ProjectFile) -> None:
    assert parse(render(project)) == project


def test_needs_and_default_read_back() -> None:
    project = ProjectFile(apps={"b": AppTable(run="x"), "a": AppTable(run="y", needs=["b"], default=True)})
    assert parse(render(project)) == project


def test_suggestions_hold_when_uncommented_and_stand_once() -> None:
    project = ProjectFile(apps={"docs": AppTable(serve="."), "web": AppTable(run="x"), "api": AppTable(run="y")})
    text = render(project)
    for line in SUGGESTIONS.values():
        assert text.count(f"# {line}\n") == 1
        text = text.replace(f"# {line}\n", f"{line}\n")
    assert parse(text).apps["web"].start == "on-request"


def test_what_is_set_is_not_suggested() -> None:
    text = render(ProjectFile(apps={"web": AppTable(run="npm run dev", port=3000)}))
    assert "port = 3000\n" in text
    assert "# port" not in text

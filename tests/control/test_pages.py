"""The dashboard's files: what is served, and what of the disk is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from homeport.control.pages import read
from tests.control.conftest import Served
from tests.control.test_guard import DASHBOARD, ask


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "dashboard"
    (inside / "parts").mkdir(parents=True)
    (inside / "parts" / "list.js").write_text("export {}")
    (inside / "__init__.py").write_text("")
    (inside / ".hidden.html").write_text("no")
    (tmp_path / "secret.html").write_text("no")
    return inside


def test_files_of_known_types_are_read(folder: Path) -> None:
    assert read(str(folder), "parts/list.js") == (b"export {}", "text/javascript; charset=utf-8")


@pytest.mark.parametrize(
    "path",
    [
        "../secret.html",
        "parts/../../secret.html",
        "parts/./list.js",
        "/secret.html",
        "parts//list.js",
        "..\\secret.html",
        "C:secret.html",
        ".hidden.html",
        "__init__.py",
        "parts",
        "parts.js",
        "",
        "a\0.html",
    ],
)
def test_nothing_else_is(folder: Path, path: str) -> None:
    assert read(str(folder), path) is None


async def test_a_file_is_revalidated_by_its_tag(served: Served, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("homeport.control.pages.FOLDER", str(folder))
    first = await ask(served, "GET /parts/list.js", DASHBOARD)
    assert (first.status, first.body) == (200, b"export {}")
    tag = first.headers["etag"]
    again = await ask(served, "GET /parts/list.js", DASHBOARD, f"If-None-Match: {tag}")
    assert (again.status, again.body) == (304, b"")
    assert again.headers["etag"] == tag
    head = await ask(served, "HEAD /parts/list.js", DASHBOARD)
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", "9")
    assert (await ask(served, "GET /%2e%2e/secret.html", DASHBOARD)).status == 404

"""docs/api.md names every call of the API and no other; docs/errors.md every code."""

from __future__ import annotations

import re
from pathlib import Path

from homeport.app.fake import FakeHouse
from homeport.control.api import Api
from homeport.control.auth import Auth
from homeport.model.errors import CODES

DOCS = Path(__file__).parents[2] / "docs"


async def test_the_page_of_the_api_has_each_call() -> None:
    auth = Auth("")
    table = {f"{method} {path}" for method, path, _ in Api(FakeHouse(auth).service, auth).table()}
    assert set(re.findall(r"^\| `(\w+ /api\S+)` \|", (DOCS / "api.md").read_text(), re.MULTILINE)) == table


def test_the_page_of_errors_has_each_code() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (\d+) \| (\d+) \| (.+) \|$", (DOCS / "errors.md").read_text(), re.MULTILINE)
    assert {code: (int(exit_), int(status), text) for code, exit_, status, text in rows} == CODES

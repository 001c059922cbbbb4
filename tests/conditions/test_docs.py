"""docs/conditions.md has each key and each profile, with what it does and where it comes from, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from homeport.conditions.keys import HTTP_KEYS, KEYS, TOP
from homeport.conditions.profiles import PROFILES

PAGE = (Path(__file__).parents[2] / "docs" / "conditions.md").read_text("utf-8")


def test_each_key_has_its_line() -> None:
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| ([^|]+) \|$", PAGE, re.MULTILINE))
    assert {key: words for key, words in rows.items() if key not in TOP} == {
        **{key: one.about for key, one in KEYS.items()},
        **{key: one.about for key, one in HTTP_KEYS.items()},
    }
    assert set(TOP) <= set(rows)


def test_each_profile_has_its_line() -> None:
    rows = re.findall(r"^\| `([a-z0-9.-]+)` \| `([^`]+)` \| ([^|]+) \|$", PAGE, re.MULTILINE)
    assert rows == [tuple(profile) for profile in PROFILES]

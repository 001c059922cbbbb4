"""docs/findings.md has an entry for every code that the source can produce, and for no other."""

from __future__ import annotations

import re
from pathlib import Path

import homeport
from homeport.doctor.said import SAYINGS

SOURCE = Path(homeport.__file__).parent
DOCS = SOURCE.parent.parent / "docs" / "findings.md"


def test_every_finding_has_its_entry() -> None:
    codes = set()
    for path in SOURCE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        codes |= set(re.findall(r'Finding\(\s*code="([a-z-]+)"', text))
        if "checks" in path.parts:
            codes |= set(re.findall(r'code, advice = "([a-z-]+)"', text))
    codes |= {saying.code for saying in SAYINGS}
    entries = re.findall(r"^### ([a-z-]+)$", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(entries) == sorted(codes)

"""The few things in a package.json that decide how its project is run. Never runs or installs anything."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from homeport.model.errors import HomeportError

MANAGERS = ("npm", "pnpm", "yarn", "bun")
LOCK_FILES = {
    "package-lock.json": "npm",
    "npm-shrinkwrap.json": "npm",
    "pnpm-lock.yaml": "pnpm",
    "yarn.lock": "yarn",
    "bun.lock": "bun",
    "bun.lockb": "bun",
}
SCRIPTS = ("dev", "start")  # in this order

# A script that is `homeport up` itself would start itself for ever.
_OURSELVES = re.compile(r"^\s*(?:(?:npx|uvx|pnpm exec|yarn)\s+)?homeport(?:\s+up\b.*|\s+-.*)?\s*$")


class Package(NamedTuple):
    """`script` is "dev", "start" or ""; `manager` what the packageManager field names, or ""."""

    name: str
    script: str
    manager: str
    has_dependencies: bool


def parse_package(text: str, file: str = "package.json") -> Package:
    """Read the file; fields of the wrong type count as missing. Raises HomeportError("bad-config")."""
    try:
        document = json.loads(text.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        raise HomeportError("bad-config", f"{file}:{error.lineno}: is not JSON: {error.msg.lower()}") from None
    except (RecursionError, ValueError):  # too deep, or an integer of more digits than Python reads
        raise HomeportError("bad-config", f"{file}:1: is not JSON that can be read") from None
    fields = _table(document)
    scripts = _table(fields.get("scripts"))
    manager = str(fields.get("packageManager", "")).partition("@")[0]
    return Package(
        name=_text(fields.get("name")).rpartition("/")[2],  # without the scope
        script=next((name for name in SCRIPTS if _is_runnable(_text(scripts.get(name)))), ""),
        manager=manager if manager in MANAGERS else "",
        has_dependencies=any(_table(fields.get(key)) for key in ("dependencies", "devDependencies")),
    )


def _is_runnable(script: str) -> bool:
    return bool(script.strip()) and not _OURSELVES.match(script)


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""

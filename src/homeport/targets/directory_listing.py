"""The pages that a served directory makes itself: the listing and the refusal, as HTML for people or JSON for programs.

Pure text: it takes what was found and gives bytes. The pages carry one style sheet, allowed by its hash, and no script
of their own.
"""

from __future__ import annotations

import base64
import hashlib
import os
from datetime import UTC, datetime
from functools import cache
from html import escape
from http import HTTPStatus
from importlib.resources import files
from urllib.parse import quote, quote_from_bytes

import msgspec

from homeport.targets.directory_paths import Entry, Listing

HTML = "text/html; charset=utf-8"
JSON = "application/json"


def listing_html(listing: Listing) -> bytes:
    rows = "".join(map(_row, listing.entries))
    table = (
        '<table><thead><tr><th>Name</th><th class="number">Size</th><th class="number when">Modified (UTC)</th></tr>'
        f"</thead><tbody>{rows}</tbody></table>"
        if rows
        else "<p>This directory is empty.</p>"
    )
    return _page(listing.path, f"<h1>{_trail(listing.path)}</h1>{table}")


def listing_json(listing: Listing) -> bytes:
    entries = [
        {
            "name": _shown(entry.name),
            "href": _link(entry),
            "type": "directory" if entry.is_directory else "file",
            "size": None if entry.is_directory else entry.size,
            "modified": _when(entry).isoformat().replace("+00:00", "Z"),
        }
        for entry in listing.entries
    ]
    return msgspec.json.encode({"path": listing.path, "entries": entries}) + b"\n"


def refusal_html(status: int, why: str) -> bytes:
    title = f"{status} {HTTPStatus(status).phrase}"
    return _page(title, f"<h1>{title}</h1><p>{escape(why)}</p>")


def refusal_json(status: int, why: str) -> bytes:
    code = "forbidden" if status == 403 else "not-found" if status == 404 else "bad-usage"
    return msgspec.json.encode({"error": {"code": code, "message": why, "hint": ""}}) + b"\n"


@cache
def security_policy() -> str:
    """For our own pages only: the user's files are served as they are."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; script-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def _style() -> str:
    return files("homeport.targets.directory_pages").joinpath("listing.css").read_text("utf-8")


def _page(title: str, content: str) -> bytes:
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_style()}</style></head>'
        f"<body><main>{content}<footer>served by homeport</footer></main></body></html>\n"
    ).encode("utf-8", "replace")


def _trail(path: str) -> str:
    """The path as links to each directory above; relative, since a prefix may stand before it."""
    names = [name for name in path.split("/") if name]
    if not names:
        return "/"
    steps = [f'<a href="{"../" * len(names)}" aria-label="top">/</a>']
    steps += [
        f'<a href="{"../" * (len(names) - depth)}">{escape(name)}</a> /'
        for depth, name in enumerate(names[:-1], start=1)
    ]
    return " ".join([*steps, escape(names[-1])])


def _row(entry: Entry) -> str:
    kind = "directory" if entry.is_directory else "file"
    name = escape(_shown(entry.name)) + ("/" if entry.is_directory else "")
    size = "" if entry.is_directory else _size(entry.size)
    return (
        f'<tr class="{kind}"><td><a href="{_link(entry)}">{name}</a></td>'
        f'<td class="number">{size}</td><td class="number when">{_when(entry):%Y-%m-%d %H:%M}</td></tr>'
    )


def _link(entry: Entry) -> str:
    """Relative, and with its bytes as they are on disk; "./" keeps a colon from reading as a scheme."""
    name = quote_from_bytes(os.fsencode(entry.name)) if os.name != "nt" else quote(entry.name)
    return f"./{name}/" if entry.is_directory else f"./{name}"


def _shown(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _when(entry: Entry) -> datetime:
    return datetime.fromtimestamp(int(entry.modified_s), UTC)


def _size(count: float) -> str:
    if count < 1000:
        return f"{count:.0f} B"
    for unit in ("kB", "MB", "GB"):
        count /= 1000
        if count < 999.5:
            return f"{count:.1f} {unit}" if count < 10 else f"{count:.0f} {unit}"
    return f"{count / 1000:.1f} TB"

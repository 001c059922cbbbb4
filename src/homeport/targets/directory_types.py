"""The media type of a file, by its name alone: the same on every system. It never reads the system's own tables.

Windows' registry may call `.js` text/plain, and browsers refuse modules and WebAssembly of the wrong type; so the table
is Python's built-in one with what development needs put right.
"""

from __future__ import annotations

import mimetypes
import os
from functools import cache

_OURS = {
    ".apng": "image/apng",
    ".avif": "image/avif",
    ".cjs": "text/javascript",
    ".csv": "text/csv",
    ".flac": "audio/flac",
    ".geojson": "application/geo+json",
    ".glb": "model/gltf-binary",
    ".gltf": "model/gltf+json",
    ".gz": "application/gzip",
    ".heic": "image/heic",
    ".ico": "image/x-icon",
    ".ini": "text/plain",
    ".js": "text/javascript",
    ".json": "application/json",
    ".json5": "application/json5",
    ".jsonld": "application/ld+json",
    ".jsonl": "application/jsonl",
    ".jsx": "text/javascript",
    ".jxl": "image/jxl",
    ".log": "text/plain",
    ".m4a": "audio/mp4",
    ".map": "application/json",
    ".markdown": "text/markdown",
    ".md": "text/markdown",
    ".mjs": "text/javascript",
    ".ogg": "audio/ogg",
    ".ogv": "video/ogg",
    ".opus": "audio/ogg",
    ".otf": "font/otf",
    ".py": "text/x-python",
    ".rst": "text/plain",
    ".scss": "text/x-scss",
    ".svg": "image/svg+xml",
    ".toml": "application/toml",
    ".ttf": "font/ttf",
    ".wasm": "application/wasm",
    ".wav": "audio/wav",
    ".weba": "audio/webm",
    ".webm": "video/webm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".xhtml": "application/xhtml+xml",
    ".xml": "application/xml",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".zip": "application/zip",
    ".zst": "application/zstd",
}
_ENCODINGS = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}
_TEXT = {"application/yaml", "application/toml", "application/json5", "application/jsonl", "application/xml"}
_DENSE_ENOUGH = {"application/wasm", "font/ttf", "font/otf", "image/x-icon", "model/gltf-binary", "image/bmp"}


@cache
def types() -> dict[str, str]:
    """Every extension that is known, with its dot, and its media type without a charset."""
    built_in = mimetypes.MimeTypes(filenames=()).types_map[True]
    return {**built_in, **_OURS}


def media_type(name: str) -> str:
    """The value of Content-Type. Text is UTF-8; what is unknown is `application/octet-stream`."""
    extension = os.path.splitext(name)[1].lower()
    encoding = mimetypes.encodings_map.get(extension)
    if encoding in _ENCODINGS:  # archive.tar.gz is a gzip file, not a tar file
        return _ENCODINGS[encoding]
    found = types().get(extension, "application/octet-stream")
    return f"{found}; charset=utf-8" if is_text(found) else found


def is_text(kind: str) -> bool:
    """Whether a charset belongs beside it. XML names its own (RFC 7303 3.1)."""
    return kind.startswith("text/") or kind.endswith(("json", "json5", "jsonl", "yaml", "toml"))


def is_compressible(content_type: str) -> bool:
    """Whether gzip is worth its time. Event streams are not: compression would hold the events back."""
    kind = content_type.partition(";")[0]
    if kind == "text/event-stream":
        return False
    return kind.startswith("text/") or kind.endswith(("json", "+xml")) or kind in _TEXT or kind in _DENSE_ENOUGH

"""Route names: what may stand before `.localhost`, and how a folder or a branch becomes one label of it.

Labels follow RFC 1123 2.1 (letters, digits, inner hyphens, 63 characters), in lower case; dots join labels.
Pure text: it never asks whether a name is taken.
"""

from __future__ import annotations

import re
import unicodedata
import zlib

LABEL_LIMIT = 63  # RFC 1035 2.3.4
NAME_LIMIT = 253 - len(".localhost")  # the longest name that DNS can carry, minus our suffix
RESERVED = "homeport"  # homeport.localhost is the dashboard

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")


def is_route_name(text: str) -> bool:
    """True for `api`, `v2.api`, `3000`; false for `Api`, `a_b`, `-a`, an empty label and the dashboard's own name."""
    labels = text.split(".")
    return (
        len(text) <= NAME_LIMIT
        and text != RESERVED
        and all(len(label) <= LABEL_LIMIT and _LABEL.fullmatch(label) for label in labels)
    )


def slug(text: str, default: str = "app") -> str:
    """One label that reads like `text`: "Feature/Login Página" -> "feature-login-pagina"; `default` if none is left.

    A text that is too long keeps its start and gets a checksum, so that two long branches stay apart.
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    label = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-") or default
    if label == RESERVED:
        label += "-app"
    if len(label) <= LABEL_LIMIT:
        return label
    checksum = f"-{zlib.crc32(text.encode('utf-8', 'surrogatepass')):08x}"
    return label[: LABEL_LIMIT - len(checksum)].rstrip("-") + checksum

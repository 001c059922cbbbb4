"""Vite, installed once from its registry, and linked into a project from there."""

from __future__ import annotations

from pathlib import Path

from tests.counterparts.packages import node_modules

VERSION = "6.4.1"


def vite_modules() -> Path:
    """The node_modules folder that holds it. Skips (in CI: fails) where it cannot be had."""
    return node_modules(f"vite@{VERSION}")

"""Which folder a lease belongs to: that of the project or work tree around the folder that somebody stands in."""

from __future__ import annotations

import os

MARKS = ("homeport.toml", ".git")  # in a linked worktree .git is a file


def place(folder: str) -> str:
    """The nearest folder, from here upwards, with a homeport.toml or a .git; else the folder itself."""
    start = os.path.abspath(folder)
    here = start
    while not any(os.path.lexists(os.path.join(here, mark)) for mark in MARKS):
        parent = os.path.dirname(here)
        if parent == here:
            return start
        here = parent
    return here

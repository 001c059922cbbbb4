"""Which branch a git work tree is on, read from git's own files; git itself is never started."""

from __future__ import annotations

import os

from homeport.model.name import slug


def branch_of_worktree(folder: str) -> str:
    """The branch as one label; '' in the main worktree, in a submodule, outside git, or where files cannot be read.

    A linked worktree has a file `.git` that names its folder below the repository's `worktrees`, and that folder has a
    file `commondir` (gitrepository-layout). A detached head goes by the name of the worktree.
    """
    try:
        entry = _find_git(os.path.abspath(folder))
        if entry is None or os.path.isdir(entry):
            return ""
        first_line = _read(entry)
        if not first_line.startswith("gitdir:"):
            return ""
        private = os.path.join(os.path.dirname(entry), first_line.removeprefix("gitdir:").strip())
        if not os.path.isfile(os.path.join(private, "commondir")):
            return ""
        head = _read(os.path.join(private, "HEAD"))
    except OSError:
        return ""
    return slug(head.removeprefix("ref: refs/heads/") if head.startswith("ref: ") else os.path.basename(private))


def repository(folder: str) -> tuple[str, str]:
    """The work tree around a folder and its branch (a detached head: the first digits of its commit); ("", "")."""
    try:
        entry = _find_git(os.path.abspath(folder)) if folder else None
        if entry is None:
            return "", ""
        top = os.path.dirname(entry)
        if not os.path.isdir(entry):
            entry = os.path.join(top, _read(entry).removeprefix("gitdir:").strip())
        head = _read(os.path.join(entry, "HEAD"))
    except OSError:
        return "", ""
    return top, head.removeprefix("ref: refs/heads/") if head.startswith("ref: ") else head[:10]


def _find_git(folder: str) -> str | None:
    while True:
        entry = os.path.join(folder, ".git")
        if os.path.lexists(entry):
            return entry
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read(4096).split("\n", 1)[0].strip()

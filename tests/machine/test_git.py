"""The branch of a linked worktree, compared with what git itself makes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from homeport.machine.git import branch_of_worktree


@pytest.mark.counterpart("git")
def test_only_linked_worktrees_have_a_branch_of_their_own(tmp_path: Path) -> None:
    main, linked, detached = tmp_path / "main", tmp_path / "linked", tmp_path / "Old Release"
    git(tmp_path, "init", "-q", "-b", "trunk", "main")
    git(main, "-c", "user.name=A", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "first")
    git(main, "worktree", "add", "-q", "-b", "Feature/Login_Page", str(linked))
    git(main, "worktree", "add", "-q", "--detach", str(detached))
    (linked / "src").mkdir()
    assert branch_of_worktree(str(main)) == ""
    assert branch_of_worktree(str(linked)) == "feature-login-page"
    assert branch_of_worktree(str(linked / "src")) == "feature-login-page"
    assert branch_of_worktree(str(detached)).startswith("old")


def test_outside_git_in_a_submodule_or_in_ruins_there_is_none(tmp_path: Path) -> None:
    assert branch_of_worktree(str(tmp_path)) == ""
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "HEAD").write_text("ref: refs/heads/x\n")
    (tmp_path / ".git").write_text("gitdir: modules\n")
    assert branch_of_worktree(str(tmp_path)) == ""
    (tmp_path / ".git").write_bytes(b"\xff\xfe gitdir: /nowhere")
    assert branch_of_worktree(str(tmp_path)) == ""
    (tmp_path / ".git").write_text("gitdir: /nowhere/at/all\n")
    assert branch_of_worktree(str(tmp_path)) == ""


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)

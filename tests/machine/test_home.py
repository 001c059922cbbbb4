"""The home is private, its files have one place each, and its sockets have paths that fit."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from homeport.machine.home import SOCKET_PATH_LIMIT_BYTES, Home, private_file
from homeport.model.errors import HomeportError


def test_the_environment_names_the_home(home: Path) -> None:
    assert Home.find().root == str(home)


def test_without_the_variable_it_is_the_state_folder_of_the_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOMEPORT_HOME", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", "/somewhere/state")
    monkeypatch.setattr(sys, "platform", "linux")
    assert Home.find().root == "/somewhere/state/homeport"


def test_prepare_makes_a_private_folder_and_accepts_it_again(home: Path) -> None:
    Home.find().prepare()
    Home.find().prepare()
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701, 0o720])
def test_a_folder_that_others_may_enter_is_refused(home: Path, mode: int) -> None:
    home.mkdir()
    home.chmod(mode)
    with pytest.raises(HomeportError) as caught:
        Home.find().prepare()
    assert caught.value.code == "unsafe-home"
    assert caught.value.hint == f"chmod 700 {home}"


def test_a_file_in_the_place_of_the_folder_is_refused(home: Path) -> None:
    home.write_text("")
    with pytest.raises(HomeportError, match="is not a folder"):
        Home.find().prepare()


def test_sockets_of_a_deep_home_move_to_a_short_private_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = tmp_path / "r"
    runtime.mkdir()
    short = os.path.join("/tmp", f"hp-test-{os.getpid()}")
    os.symlink(runtime, short)
    try:
        monkeypatch.setenv("XDG_RUNTIME_DIR", short)
        deep = Home(str(tmp_path / ("x" * 120)))
        deep.prepare()
        for name in ("engine", "a", "a-very-long-branch.and-an-app.and-a-project", "ünï/côde"):
            path = deep.socket_for(name)
            assert path.startswith(short)
            assert len(os.fsencode(path)) <= SOCKET_PATH_LIMIT_BYTES
        assert stat.S_IMODE(os.stat(deep.socket_folder).st_mode) == 0o700
    finally:
        os.unlink(short)


def test_a_prepared_socket_folder_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = tmp_path / "r"
    runtime.mkdir()
    short = os.path.join("/tmp", f"hp-test-{os.getpid()}")
    os.symlink(runtime, short)
    try:
        monkeypatch.setenv("XDG_RUNTIME_DIR", short)
        deep = Home(str(tmp_path / ("x" * 120)))
        os.mkdir(deep.socket_folder, 0o777)
        os.chmod(deep.socket_folder, 0o777)
        with pytest.raises(HomeportError, match="open to other users"):
            deep.prepare()
    finally:
        os.unlink(short)


def test_names_of_sockets_do_not_collide(home: Path) -> None:
    names = ["web", "web.shop", "x" * 40, "x" * 41, "a/b", "a_b"]
    assert len({Home.find().socket_for(name) for name in names}) == len(names)


def test_a_private_file_is_private_and_whole(home: Path) -> None:
    found = Home.find()
    found.prepare()
    private_file(found.token_file, b"one")
    private_file(found.token_file, b"two")
    assert Path(found.token_file).read_bytes() == b"two"
    assert stat.S_IMODE(os.stat(found.token_file).st_mode) == 0o600
    assert os.listdir(found.root) == ["token"]


def test_the_home_is_light_to_import() -> None:
    code = "import sys, homeport.machine.home; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, env=_source_path())
    assert loaded.returncode == 0, loaded.stderr
    assert not {"asyncio", "msgspec", "typing", "pathlib", "hashlib", "platformdirs"} & set(loaded.stdout.split())


def _source_path() -> dict[str, str]:
    import homeport

    return {**os.environ, "PYTHONPATH": str(Path(homeport.__file__).parent.parent)}

"""settings.toml and HOMEPORT_… variables: what wins, and what each mistake is called."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from homeport.app.settings import load_settings
from homeport.model.errors import HomeportError
from homeport.model.settings import ABOUT, Settings


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.toml"


def test_without_a_file_everything_is_as_documented(file: Path) -> None:
    assert load_settings(str(file), {}) == Settings()


def test_variables_win_over_the_file(file: Path) -> None:
    file.write_text('door = "127.0.0.1:4000"\nkeep_days = 2\nrecording = true\nbody_limit_bytes = 1_000\n')
    environ = {"HOMEPORT_DOOR": "localhost:5000", "HOMEPORT_RECORDING": "off", "HOMEPORT_KEEP_DAYS": " "}
    settings = load_settings(str(file), environ)
    assert settings == Settings(door="localhost:5000", recording=False, keep_days=2.0, body_limit_bytes=1000)


def test_variables_of_children_are_no_settings(file: Path) -> None:
    assert load_settings(str(file), {"HOMEPORT_URL": "x", "HOMEPORT_API_URL": "x", "HOMEPORT_APP": "x"}) == Settings()


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        ("\n\nkeep_day = 3", 3, "there is no setting 'keep_day'", "did you mean keep_days?"),
        ("zebra = 3", 1, "there is no setting 'zebra'", "known settings: door, "),
        ("[door]\nport = 3", 1, "door must be text", ""),
        ('keep_days = "3"', 1, "keep_days must be a number, not '3'", ""),
        ("\nkeep_exchanges = 3.5", 2, "keep_exchanges must be a whole number, not 3.5", ""),
        ("keep_exchanges = true", 1, "keep_exchanges must be a whole number", ""),
        ("recording = 1", 1, "recording must be true or false", ""),
        ("idle_exit_s = -1", 1, "idle_exit_s must not be negative", ""),
        ("idle_exit_s = inf", 1, "idle_exit_s must not be negative or endless", ""),
        ("idle_exit_s = nan", 1, "idle_exit_s must not be negative or endless", ""),
        ('door = "0.0.0.0:62893"', 1, "the door listens on loopback only", "127.0.0.1:62893"),
        ('door = "unix:/x"', 1, "the door listens on loopback only", "127.0.0.1:62893"),
        ('tls_keylog = "keys.log"', 1, "tls_keylog must be an absolute path", ""),
        ('door = "127.0.0.1:x"', 1, "is not an endpoint", ""),
    ],
)
def test_mistakes_name_file_line_and_key(file: Path, text: str, line: int, message: str, hint: str) -> None:
    file.write_text(text)
    with pytest.raises(HomeportError) as caught:
        load_settings(str(file), {})
    assert caught.value.code == "bad-config"
    assert caught.value.message.startswith(f"{file}, line {line}: ")
    assert message in caught.value.message
    assert caught.value.hint.startswith(hint)


@pytest.mark.parametrize(
    ("name", "value"), [("HOMEPORT_RECORDING", "maybe"), ("HOMEPORT_KEEP_DAYS", "two"), ("HOMEPORT_DOOR", "8.8.8.8:1")]
)
def test_mistakes_name_the_variable(file: Path, name: str, value: str) -> None:
    with pytest.raises(HomeportError) as caught:
        load_settings(str(file), {name: value})
    assert caught.value.code == "bad-config"
    assert caught.value.message.startswith(name)


def test_a_file_that_is_no_toml(file: Path) -> None:
    file.write_text("door: 1")
    with pytest.raises(HomeportError, match=r"is not TOML.*line 1"):
        load_settings(str(file), {})
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(HomeportError, match="cannot be read"):
        load_settings(str(file), {})


def test_each_setting_is_told_about() -> None:
    assert list(ABOUT) == [field.name for field in msgspec.structs.fields(Settings)]


def test_the_page_of_settings_names_each_with_its_default_and_its_purpose() -> None:
    page = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()
    for field in msgspec.structs.fields(Settings):
        default = f'"{field.default}"' if isinstance(field.default, str) else str(field.default).lower()
        assert f"| `{field.name}` | `{default}` | `HOMEPORT_{field.name.upper()}` | {ABOUT[field.name]} |" in page
    assert page.count("| `HOMEPORT_") == len(ABOUT)

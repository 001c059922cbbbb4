"""What is replaced in a command, and what is the shell's own."""

from __future__ import annotations

import pytest

from homeport.targets.command import Given, variable, words

GIVEN = Given(port=21000, ports={"ADMIN_PORT": 21001})


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("serve -p {port} --admin={ADMIN_PORT} {host}", "serve -p 21000 --admin=21001 127.0.0.1"),
        ("echo ${PORT} ${port} {a,b} {} {ports} {socket}", "echo ${PORT} ${port} {a,b} {} {ports} {socket}"),
        (["serve", "{port}", "{host}:{port}"], ["serve", "21000", "127.0.0.1:21000"]),
    ],
)
def test_replacing(command: str | list[str], expected: str | list[str]) -> None:
    assert words(command, GIVEN) == expected


def test_a_path_is_quoted_for_the_shell_only() -> None:
    given = Given(socket="/run/my app.sock")
    assert words("app {socket}", given) == "app '/run/my app.sock'"
    assert words(["app", "{socket}", "{port}"], given) == ["app", "/run/my app.sock", "{port}"]


def test_names_as_variables() -> None:
    assert [variable(name) for name in ("api", "my-api", "v2.api")] == ["API", "MY_API", "V2_API"]

"""docs/commands is kept true: a page for each command, each option in its table, and nothing that does not exist."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from homeport.cli.group import COMMANDS, homeport

PAGES = Path(__file__).parents[2] / "docs" / "commands"


def command_of(name: str) -> click.Command:
    context = click.Context(homeport)
    found = homeport if name == "homeport" else homeport.get_command(context, name)
    assert found is not None
    return found


def options_of(command: click.Command) -> set[str]:
    context = click.Context(command, help_option_names=["-h", "--help"])
    return {name for param in command.get_params(context) if isinstance(param, click.Option) for name in param.opts}


def section(page: str, title: str) -> str:
    return page.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


def test_one_page_for_each_command() -> None:
    assert {path.stem for path in PAGES.glob("*.md")} == {"homeport", *COMMANDS}


@pytest.mark.parametrize("name", ["homeport", *COMMANDS])
def test_page_names_every_option_and_no_other(name: str) -> None:
    page = (PAGES / f"{name}.md").read_text()
    cells = [line.split("|")[1] for line in section(page, "Options").splitlines() if line.startswith("| `-")]
    written = set(re.findall(r"`(--?[a-z][a-z0-9-]*)`", "".join(cells)))
    assert written == options_of(command_of(name))


@pytest.mark.parametrize("name", ["homeport", *COMMANDS])
def test_options_that_are_mentioned_exist_somewhere(name: str) -> None:
    every = set().union(*(options_of(command_of(other)) for other in ["homeport", *COMMANDS]))
    page = (PAGES / f"{name}.md").read_text()
    assert set(re.findall(r"`(--[a-z][a-z0-9-]*)", page)) <= every


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_a_purpose_and_examples(name: str) -> None:
    command = command_of(name)
    assert command.short_help
    assert command.help
    assert f"  homeport {name}" in command.help.partition("Examples:\n")[2]


def test_index_names_every_command() -> None:
    page = (PAGES / "homeport.md").read_text()
    assert set(re.findall(r"\[`([a-z]+)`\]\(\1\.md\)", page)) == set(COMMANDS)

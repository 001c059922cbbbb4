"""`homeport password`: the hash of a password, for `access` in homeport.toml and `--access basic:FILE`."""

from __future__ import annotations

import sys

import rich_click as click

from homeport.cli.options import command_options, pass_session
from homeport.cli.session import Session
from homeport.model.errors import HomeportError


@click.command("password", short_help="Hash a password for a route")
@click.argument("user")
@command_options(json=True)
@pass_session
def command(session: Session, user: str) -> None:
    """Ask for a password, and print USER and its hash.

    The password is typed twice without being shown, or read as one line from stdin; it never
    stands on a command line, where `ps` and the shell's history would show it. The hash is
    made with scrypt; it goes into a file for --access basic:FILE, or into homeport.toml.

    \b
    Examples:
      homeport password ann >> passwords
      homeport route admin 8080 --access basic:passwords
    """
    from homeport.model.password import hash_password

    if not user or ":" in user or not user.isprintable():
        raise HomeportError("bad-usage", "a user's name cannot be empty or have a colon in it", "homeport password ann")
    hashed = hash_password(_password(user))
    if session.as_json:
        session.json({"user": user, "hash": hashed})
        return
    session.data(f"{user}:{hashed}")
    session.say('in homeport.toml: access = { basic = { USER = "HASH" } }')


def _password(user: str) -> str:
    if sys.stdin.isatty():
        password = click.prompt(f"password for {user}", hide_input=True, confirmation_prompt=True, err=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise HomeportError("bad-usage", "the password is empty", f"homeport password {user}")
    return str(password)

"""`homeport completion`: the script that a shell needs for TAB."""

from __future__ import annotations

import rich_click as click

from homeport.cli import COMPLETE_VARIABLE
from homeport.cli.options import command_options, pass_session
from homeport.cli.session import Session

SHELLS = ("bash", "zsh", "fish")


@click.command("completion", short_help="Print the script for completion with TAB")
@click.argument("shell", type=click.Choice(SHELLS))
@command_options()
@click.pass_context
@pass_session
def command(session: Session, ctx: click.Context, shell: str) -> None:
    """Print the script that completes homeport's commands, options, apps, routes and requests.

    \b
    Examples:
      source <(homeport completion bash)                                       in ~/.bashrc
      source <(homeport completion zsh)                                        in ~/.zshrc
      homeport completion fish > ~/.config/fish/completions/homeport.fish      once
    """
    from click.shell_completion import get_completion_class

    completion = get_completion_class(shell)
    assert completion is not None
    root = ctx.find_root()
    session.data(completion(root.command, {}, root.info_name or "homeport", COMPLETE_VARIABLE).source())

"""`homeport down`."""

from __future__ import annotations

import rich_click as click

from homeport.cli.app_lines import has_ended
from homeport.cli.options import command_options, pass_session
from homeport.cli.session import Session


@click.command("down", short_help="Stop everything, and the engine")
@command_options(json=True)
@pass_session
def command(session: Session) -> None:
    """Stop every app of every project, then the engine and its door.

    What was recorded stays; routes made with `homeport route` go.

    \b
    Examples:
      homeport down
    """
    engine = session.maybe_engine()
    apps = [app for app in engine.apps.list() if not has_ended(app)] if engine else []
    if engine:
        engine.engine.stop()
        session.wait_until_ended()  # so that what follows in a script finds the door free and the home at rest
    else:
        for sentence in session.leftovers(forget=True):
            session.say_warning(sentence)
    if session.as_json:
        session.json({"engine": engine is not None, "stopped": [app.route for app in apps]})
    elif engine is None:
        session.say("nothing runs")
    else:
        stopped = f"stopped {', '.join(app.route for app in apps)}; " if apps else ""
        session.say(f"{stopped}the engine has ended")

"""From words to an exit status: runs click, catches everything. Knows no command by itself."""

from __future__ import annotations

from typing import Any

from homeport.cli import quiet_pipe
from homeport.cli.failure import PipeGone, report
from homeport.cli.session import Session


def run(words: list[str], session: Session | None = None) -> int:
    """Run one command line. Commands return an exit status, or None for 0."""
    from homeport.cli.group import homeport

    session = session or Session()
    try:
        status: Any = homeport.main(args=words, prog_name="homeport", standalone_mode=False, obj=session)
    except (BrokenPipeError, PipeGone):
        return quiet_pipe()
    except Exception as error:
        return report(error, session.terminal)
    return int(status or 0)

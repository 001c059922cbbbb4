"""What a foreground command shows while it follows: for people (Printer) or as a JSON object per line (JsonPrinter).

Log lines and requests are data (stdout); states, addresses, findings are talk (stderr), in JSON they are data too.
"""

from __future__ import annotations

from homeport.cli.app_lines import finding_lines, state_lines
from homeport.cli.log_lines import OWN_LINES, LogLines
from homeport.cli.request_line import request_line
from homeport.cli.session import Session
from homeport.model.app import AppState
from homeport.model.exchange import ExchangeSummary
from homeport.model.log import LogLine


class Printer:
    """For people. Remembers what was said, so that nothing is said twice."""

    def __init__(self, session: Session, names: list[str], *, always_named: bool = False) -> None:
        self._session = session
        self._logs = LogLines(session.terminal, names, always_named=always_named)
        self._said: dict[str, AppState] = {}

    def app(self, state: AppState) -> None:
        before = self._said.get(state.route)
        self._said[state.route] = state
        paint = self._session.terminal.paint_talk
        lines = []
        if before is None or before.state != state.state:
            lines += state_lines(state, paint)
        if state.finding and state.state != "waiting" and (before is None or before.finding != state.finding):
            lines += finding_lines(state.finding, paint)
        if state.notice and (before is None or before.notice != state.notice):
            lines.append(f"{paint('notice:', 'yellow')} {state.notice}")
        for line in lines:
            self.say(line)

    def log(self, line: LogLine) -> None:
        if line.stream != OWN_LINES:  # the states say the same
            self._logs.show(line)

    def exchange(self, summary: ExchangeSummary) -> None:
        self._logs.finish()
        terminal = self._session.terminal
        terminal.data(request_line(summary, terminal.paint, terminal.width))

    def say(self, text: str) -> None:
        self._logs.finish()
        self._session.say(text)

    def finish(self) -> None:
        self._logs.finish()


class JsonPrinter(Printer):
    """`{"event": "app", "data": {…}}` per line, in the words of the API's event stream."""

    def app(self, state: AppState) -> None:
        self._session.json_line({"event": "app", "data": state})

    def log(self, line: LogLine) -> None:
        self._session.json_line({"event": "log", "data": line})

    def exchange(self, summary: ExchangeSummary) -> None:
        self._session.json_line({"event": "exchange", "data": summary})


def printer_for(session: Session, names: list[str], *, always_named: bool = False) -> Printer:
    """`always_named`: log lines carry the app's name even where there is only one app."""
    kind = JsonPrinter if session.as_json else Printer
    return kind(session, names, always_named=always_named)

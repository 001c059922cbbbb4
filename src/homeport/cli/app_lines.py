"""What is said about an app when its state changes, as lines for stderr. Pure; remembers nothing."""

from __future__ import annotations

from homeport.cli.log_lines import colour_of
from homeport.cli.terminal import Paint
from homeport.model.app import AppState
from homeport.model.finding import Finding

ENDED = ("stopped", "exited", "failed")


def has_ended(state: AppState) -> bool:
    """True once no process of it is left; an app that failed to become ready may still run."""
    return state.state in ENDED and state.pid is None


def state_lines(state: AppState, paint: Paint) -> list[str]:
    """The change in a sentence, [] where it says nothing new to a person."""
    name = paint(state.route, colour_of(state.route), "bold")
    match state.state:
        case "ready":
            return [ready_line(state, paint)]
        case "idle":
            return [f"{paint('○', 'cyan')} {name} starts on the first request: {address(state, paint)}"]
        case "backoff":
            return [f"{paint('◌', 'yellow')} {name} ended{_code(state)} and will be started again"]
        case "exited":
            return [f"{paint('·', 'dim')} {name} ended"]
        case "failed" if state.finding is None:
            return [f"{paint('✗', 'red')} {name} ended{_code(state)}"]
        case "stopped":
            return [f"{paint('·', 'dim')} {name} stopped"]
        case "waiting" if state.finding is not None:
            return [f"{paint('◌', 'yellow')} {state.finding.what}"]
    return []


def ready_line(state: AppState, paint: Paint) -> str:
    name = paint(state.route, colour_of(state.route), "bold")
    return f"{paint('●', 'green')} {name} is ready: {address(state, paint)}"


def address(state: AppState, paint: Paint) -> str:
    """Where to reach it: the plain address first where it has that."""
    return "  ".join(paint(url, "bold") for url in shown_urls(state))


def shown_urls(state: AppState) -> list[str]:
    """The plain address and the name; the path form is for programs and only shown where there is nothing else."""
    urls = list(dict.fromkeys([*state.urls, state.url]))
    plain = [url for url in urls if url and "/@" not in url]
    return sorted(plain, key=lambda url: ".localhost" in url) or urls


def finding_lines(finding: Finding, paint: Paint) -> list[str]:
    """What is wrong (the sentence names the app), why, and what to do next."""
    lines = [f"{paint('✗', 'red')} {finding.what}"]
    if finding.why:
        lines.append(f"  {finding.why}")
    if finding.next:
        lines.append(f"{paint('hint:', 'cyan')} {finding.next}")
    return lines


def _code(state: AppState) -> str:
    return "" if state.exit_code is None else f" with code {state.exit_code}"

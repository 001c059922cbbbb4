"""Servers that refuse a Host they do not know, recognised by what they answer. Pure.

Vite, webpack, Django, Rails and Next each have a page of their own for it, and a setting of their own.
"""

from __future__ import annotations

import re

from homeport.doctor.facts import Answer, PathFacts
from homeport.model.finding import Finding

# (what its page says, whose it is, what allows the host)
_PAGES = (
    (
        r"Blocked request\. This host",
        "Vite",
        "server.allowedHosts in vite.config (or __VITE_ADDITIONAL_SERVER_ALLOWED_HOSTS)",
    ),
    (r"Invalid Host(?:/Origin)? header", "webpack-dev-server", "devServer.allowedHosts in its configuration"),
    (  # the last is its page without DEBUG, which it has for little else
        r"DisallowedHost|Invalid HTTP_HOST header|ALLOWED_HOSTS|<h1>Bad Request \(400\)</h1>",
        "Django",
        "ALLOWED_HOSTS in settings.py",
    ),
    (
        r"Blocked hosts?:|ActionDispatch::HostAuthorization|config\.hosts",
        "Rails",
        "config.hosts in config/environments/development.rb",
    ),
)
_NEXT = ("Next.js", "allowedDevOrigins in next.config")


def explain_host_check(facts: PathFacts) -> Finding | None:
    answer = facts.answer
    if answer is None:
        return None
    known = recognise(answer.status, answer.body) or _by_comparison(facts)
    if known is None:
        return None
    who, setting = known
    host = facts.target.asks_host or facts.target.host
    name = host.rpartition(":")[0] or host
    return Finding(
        code="host-check",
        what=f"{who} answers, but refuses the host {name}",
        why="It checks the Host header of each request, so that no page from the internet reaches it by another name.",
        next=f"add {name!r} to {setting}",
    )


def recognise(status: int, body: str) -> tuple[str, str] | None:
    """Whose page it is, and the setting. webpack answered with 200 for years."""
    if status in (200, 400, 403):
        for pattern, who, setting in _PAGES:
            if re.search(pattern, body) and (status != 200 or len(body) < 200):
                return who, setting
    return None


def _by_comparison(facts: PathFacts) -> tuple[str, str] | None:
    answer = facts.answer
    other = facts.answers[0] if facts.answers else None
    if answer is None or other is None:
        return None
    if "Next.js" in answer.server and _is_next_refusal(other):
        return _NEXT
    if answer.status in (400, 403) and other.status not in (0, answer.status):
        return "the server", "the hosts that it allows"
    return None


def _is_next_refusal(answer: Answer) -> bool:
    return answer.status == 403 and "Unauthorized" in answer.body

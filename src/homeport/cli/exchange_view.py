"""`homeport show` as text: what was asked, how it was answered, where the time went, both heads and both bodies.

Pure: a detail in, lines out. Everything that client or upstream chose passes through `visible`.
"""

from __future__ import annotations

import json

from homeport.cli.credentials import HIDDEN, is_secret
from homeport.cli.felt_view import felt_lines
from homeport.cli.request_line import status_styles
from homeport.cli.terminal import Paint
from homeport.cli.words import duration, moment, printable, size, visible
from homeport.model.exchange import COMPLETE, Body, ExchangeDetail, ExchangeSummary, Head, Message, Timings

BAR_COLUMNS = 32
BODY_LINES = 200  # of a body on the screen; --body gives all of it
PHASES = ("receive_head", "connect", "send", "wait", "receive")
PHASE_WORDS = {"receive_head": "head"}


def exchange_lines(detail: ExchangeDetail, paint: Paint, *, secrets: bool) -> list[str]:
    """The whole page. `secrets`: show the values of headers that carry credentials."""
    blocks = [
        _title(detail, paint),
        _timing_lines(detail.timings, paint),
        [] if detail.conditions is None else felt_lines(detail.conditions, paint),
        _head_lines("request", detail.request, paint, secrets),
        _body_lines(detail.request_body, paint),
        _head_lines("response", detail.response, paint, secrets),
        _body_lines(detail.response_body, paint),
        _message_lines(detail, paint),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block).split("\n")


def _title(detail: ExchangeDetail, paint: Paint) -> list[str]:
    summary = detail.summary
    has_url = summary.kind not in ("tcp", "udp")
    target = visible(f"{summary.method} {summary.scheme}://{summary.host}{summary.path}" if has_url else summary.path)
    facts = [
        _outcome(summary, paint),
        duration(summary.duration_ms),
        f"{size(summary.request_bytes)} up, {size(summary.response_bytes)} down",
        moment(summary.started),
    ]
    if summary.version == "2":
        facts.append("HTTP/2")
    way = [f"{summary.process or summary.client} → {summary.route or 'no route'}"]
    if detail.upstream:
        way.append(f"→ {detail.upstream}{' (pooled connection)' if detail.reused else ''}")
    lines = [f"{paint(f'#{summary.id}', 'dim')} {paint(target, 'bold')}", "  ".join(facts), visible(" ".join(way))]
    return lines + _ending_lines(summary, paint)


def _outcome(summary: ExchangeSummary, paint: Paint) -> str:
    if summary.kind in ("tcp", "udp"):
        return "connection" if summary.kind == "tcp" else "datagrams"
    return paint(str(summary.status), *status_styles(summary.status)) if summary.status else "no answer"


def _ending_lines(summary: ExchangeSummary, paint: Paint) -> list[str]:
    if summary.ending == COMPLETE:
        return []
    why = f": {visible(summary.why)}" if summary.why else ""
    return [f"{paint(summary.ending, 'red')}{why}"]


def _timing_lines(timings: Timings, paint: Paint) -> list[str]:
    """A waterfall: each phase begins where the one before it ended."""
    phases = [(phase, taken) for phase in PHASES if (taken := getattr(timings, phase)) is not None]
    total = sum(taken for _, taken in phases)
    lines, before = [], 0.0
    for phase, taken in phases:
        start = round(before / total * BAR_COLUMNS) if total else 0
        end = round((before + taken) / total * BAR_COLUMNS) if total else 0
        bar = "█" * (end - start) or "▏"
        word = PHASE_WORDS.get(phase, phase).ljust(7)
        # Padded by columns, not by characters of colour.
        lines.append(
            f"{paint(word, 'dim')} {' ' * start}{paint(bar, 'cyan')}{' ' * (BAR_COLUMNS + 1 - start - len(bar))}"
            f" {duration(taken):>8}"
        )
        before += taken
    return lines


def _head_lines(side: str, head: Head, paint: Paint, secrets: bool) -> list[str]:
    if not head.line:
        return []
    lines = [f"{paint(side, 'dim')}  {paint(visible(head.line), 'bold')}"]
    for name, value in head.headers:
        shown = visible(value) if secrets or not is_secret(name) else paint(HIDDEN, "yellow")
        lines.append(f"  {paint(visible(name) + ':', 'cyan')} {shown}")
    return lines


def _body_lines(body: Body, paint: Paint) -> list[str]:
    if not body.bytes_on_wire and not body.kept:
        return []
    if body.text is None:
        return [paint(f"  binary, {size(body.kept or body.bytes_on_wire)}, {visible(body.type) or 'no type'}", "dim")]
    lines = [f"  {printable(line, colour=False)}" for line in pretty(body.text, body.type).splitlines()]
    if len(lines) > BODY_LINES:
        lines = [*lines[:BODY_LINES], paint(f"  … {len(lines) - BODY_LINES} more lines", "dim")]
    if body.truncated:
        lines.append(paint(f"  … only the first {size(body.kept)} of {size(body.bytes_on_wire)} were kept", "dim"))
    return lines


def pretty(text: str, media_type: str) -> str:
    """JSON is indented; everything else, and what only claims to be JSON, stays as it is."""
    if "json" not in media_type and not text.lstrip().startswith(("{", "[")):
        return text
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def _message_lines(detail: ExchangeDetail, paint: Paint) -> list[str]:
    lines = [_message_line(message, paint) for message in detail.messages]
    if detail.messages_lost:
        lines.append(paint(f"  … {detail.messages_lost} messages were not kept", "dim"))
    return lines


def _message_line(message: Message, paint: Paint) -> str:
    arrow = paint("→", "cyan") if message.from_client else paint("←", "green")
    text = visible(message.text) if message.text is not None else size(message.bytes)
    kind = "" if message.kind == "text" else paint(f"{message.kind} ", "dim")
    return f"  {paint(f'{message.at_ms:>8.0f} ms', 'dim')} {arrow} {kind}{text}"

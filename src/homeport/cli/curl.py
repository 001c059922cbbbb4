"""A recorded request as a curl command that sends it again. Pure; the caller chooses about credentials."""

from __future__ import annotations

import shlex

from homeport.cli.credentials import is_secret
from homeport.model.exchange import ExchangeDetail

# curl makes these by itself; sent twice or stale they break the request.
_OWN = {"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "expect"}


def curl_command(detail: ExchangeDetail, *, secrets: bool) -> str:
    """One command of several lines. A body that is binary or was cut is left out, with a comment that says so."""
    summary = detail.summary
    parts = [f"curl {shlex.quote(f'{summary.scheme}://{summary.host}{summary.path}')}"]
    body = detail.request_body
    if summary.method != ("POST" if body.text else "GET"):
        parts.append("--head" if summary.method == "HEAD" else f"-X {shlex.quote(summary.method)}")
    for name, value in detail.request.headers:
        if name.lower() not in _OWN:
            shown = value if secrets or not is_secret(name) else "HIDDEN"
            parts.append(f"-H {shlex.quote(f'{name}: {shown}')}")
    if body.text and not body.truncated:
        parts.append(f"--data-raw {shlex.quote(body.text)}")
    command = " \\\n  ".join(parts)
    has_lost_body = body.bytes_on_wire and (body.text is None or body.truncated)
    return command + ("\n# its body was binary or too long to keep whole" if has_lost_body else "")

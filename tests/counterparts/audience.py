"""What everybody does who comes to see an app: curl at its three addresses, Chromium at its name, and the record."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.counterparts.stage import Stage


def everyone_sees(stage: Stage, page: Page, name: str, heading: str, *, is_default: bool = True) -> None:
    """The page of an app whose heading it is, by curl and by Chromium, and that both were recorded."""
    by_curl(stage, name, heading, is_default=is_default)
    by_chromium(stage, page, name, heading)


def by_curl(stage: Stage, name: str, text: str, *, is_default: bool = True) -> None:
    port = stage.port
    by_name = f"{name}.localhost:{port}"
    addresses = {
        f"127.0.0.1:{port}/": ["http://127.0.0.1:{port}/"],
        f"127.0.0.1:{port}/@{name}/": [f"http://127.0.0.1:{{port}}/@{name}/"],
        f"{by_name}/": ["--resolve", f"{by_name}:127.0.0.1", f"http://{by_name}/"],
    }
    if not is_default:
        del addresses[f"127.0.0.1:{port}/"]
    for words in addresses.values():
        answer = stage.curl(*words)
        assert answer.status == 200, answer
        assert text in answer.text
    seen = stage.requests(f"route:{name}", "header:curl")[-len(addresses) :]
    assert [one["host"] + one["path"] for one in seen] == list(addresses)
    assert {(one["method"], one["status"], one["ending"]) for one in seen} == {("GET", 200, "complete")}


def by_chromium(stage: Stage, page: Page, name: str, heading: str) -> None:
    host = f"{name}.localhost:{stage.port}"
    answer = page.goto(f"http://{host}/")
    assert answer
    assert answer.status == 200
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    seen = [one for one in stage.requests(f"route:{name}", "header:Chrome") if one["path"] == "/"]
    assert {(one["host"], one["status"]) for one in seen} >= {(host, 200)}

"""Which hosts go round a proxy, as the programs that read NO_PROXY agree on it."""

from __future__ import annotations

import pytest

from homeport.doctor.gather_proxy import goes_round, proxies


@pytest.mark.parametrize(
    ("no_proxy", "host", "expected"),
    [
        ("", "localhost", False),
        ("*", "anything", True),
        ("localhost", "localhost", True),
        ("localhost", "api.localhost", True),
        (".localhost", "api.localhost", True),
        ("*.localhost", "api.localhost", True),
        ("localhost", "notlocalhost", False),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.0/8", "127.0.0.5", True),
        ("10.0.0.0/8, ::1", "::1", True),
        ("[::1]", "::1", True),
        ("127.0.0.1,::1", "localhost", False),
        ("LOCALHOST example.com", "localhost", True),
    ],
)
def test_goes_round(no_proxy: str, host: str, expected: bool) -> None:
    assert goes_round(no_proxy, host) is expected


def test_each_proxy_counts_once_and_for_its_scheme() -> None:
    environment = {
        "http_proxy": "http://a:1",
        "HTTP_PROXY": "http://a:1",
        "HTTPS_PROXY": "http://b:2",
        "ALL_PROXY": "c:3",
    }
    assert [one.variable for one in proxies(environment, "http", "localhost")] == ["http_proxy", "ALL_PROXY"]
    assert [one.variable for one in proxies(environment, "https", "localhost")] == ["HTTPS_PROXY", "ALL_PROXY"]
    assert proxies({}, "http", "localhost") == ()

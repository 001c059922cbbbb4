"""The proxies that the environment names, whether a host goes round them, and what they answer. Changes nothing.

Programs read these variables each in its own way; here it is what curl, Go, Python and Node's agents agree on.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

from homeport.doctor import gather_http
from homeport.doctor.facts import Proxy, Target
from homeport.model.endpoint import Endpoint

LIMIT_S = 3.0
_DEFAULT_PORT = 1080  # curl's, where a proxy is named without one


def proxies(environment: Mapping[str, str], scheme: str, host: str) -> tuple[Proxy, ...]:
    """One for each proxy variable that counts for the scheme, with whether this host goes round it."""
    named = f"{scheme or 'http'}_proxy"
    no_proxy = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    found: list[Proxy] = []
    for variable in (named, named.upper(), "all_proxy", "ALL_PROXY"):
        value = environment.get(variable, "")
        if value and value not in [proxy.value for proxy in found]:
            is_bypassed = goes_round(no_proxy, host)
            found.append(Proxy(variable=variable, value=value, no_proxy=no_proxy, is_bypassed=is_bypassed))
    return tuple(found)


def goes_round(no_proxy: str, host: str) -> bool:
    """`localhost,127.0.0.1,::1,.localhost`: whole names, ends of names, networks, `*`."""
    for word in no_proxy.replace(",", " ").lower().split():
        word = word.removeprefix("*") if word.startswith("*.") else word
        name = word.strip("[]").partition("%")[0]
        if word == "*" or name.lstrip(".") == host or host.endswith("." + name.lstrip(".")) or _is_in(host, name):
            return True
    return False


def ask(proxy: Proxy, target: Target, limit_s: float = LIMIT_S, uid: int | None = None) -> Proxy:
    """The same proxy with what it answers on this URL. https is not asked through it: that needs a tunnel."""
    import msgspec

    if proxy.is_bypassed or target.scheme == "https":
        return proxy
    try:
        parts = urlsplit(proxy.value if "://" in proxy.value else f"http://{proxy.value}")
        endpoint = Endpoint(parts.hostname or "", parts.port or _DEFAULT_PORT)
    except ValueError:
        return msgspec.structs.replace(proxy, why="its address is not understood")
    if parts.scheme not in ("http", ""):
        return msgspec.structs.replace(proxy, why=f"{parts.scheme} proxies are not asked")
    endpoint = _first_address(endpoint)
    place = str(Endpoint(target.host, target.port))
    answer = gather_http.get(endpoint, place, f"http://{place}{target.path}", limit_s=limit_s, uid=uid)
    return msgspec.structs.replace(proxy, answer=answer)


def _first_address(endpoint: Endpoint) -> Endpoint:
    from homeport.doctor.gather_names import ask_system, is_address

    if is_address(endpoint.host):
        return endpoint
    addresses = ask_system(endpoint.host).addresses
    return Endpoint(addresses[0], endpoint.port) if addresses else endpoint


def _is_in(host: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False

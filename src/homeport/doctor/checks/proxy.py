"""HTTP_PROXY and kin: programs that send loopback traffic to a proxy, which cannot reach this loopback. Pure."""

from __future__ import annotations

from homeport.doctor.facts import Answer, MachineFacts, PathFacts, Proxy
from homeport.model.finding import Finding

_LOOPBACK = "localhost,127.0.0.1,::1,.localhost"


def explain_proxy(facts: PathFacts) -> Finding | None:
    """Tried with and without: a problem where the proxy breaks what works without it."""
    direct = facts.answer
    for proxy in facts.proxies:
        if proxy.is_bypassed or direct is None or not _is_loopback(facts):
            continue
        if proxy.answer is None:
            return _warning(proxy)
        if proxy.answer.status != direct.status:
            return Finding(
                code="proxy-in-the-way",
                what=f"{proxy.variable}={proxy.value} sends this request to a proxy, which {_end(proxy.answer)}",
                why=f"Without the proxy the answer is {direct.status}. NO_PROXY is {proxy.no_proxy or 'not set'}.",
                next=_advice(proxy),
            )
        return _warning(proxy)
    return None


def explain_proxies(machine: MachineFacts) -> Finding | None:
    return next((_warning(proxy) for proxy in machine.proxies if not proxy.is_bypassed), None)


def _warning(proxy: Proxy) -> Finding:
    return Finding(
        code="proxy-for-loopback",
        level="warning",
        what=f"{proxy.variable}={proxy.value} is used for localhost as well",
        why=f"NO_PROXY is {proxy.no_proxy or 'not set'}: many programs send even loopback requests to the proxy.",
        next=_advice(proxy),
    )


def _advice(proxy: Proxy) -> str:
    own = f"{proxy.no_proxy}," if proxy.no_proxy else ""
    return f"export NO_PROXY={own}{_LOOPBACK}"


def _end(answer: Answer) -> str:
    ends = {
        "closed": "closes the connection",
        "timeout": "does not answer",
        "reset": "closes the connection",
        "unreachable": "cannot be reached",
    }
    return f"answers {answer.status}" if answer.status else ends.get(answer.end, "answers nonsense")


def _is_loopback(facts: PathFacts) -> bool:
    return facts.connected is not None and facts.connected.endpoint.is_loopback

"""The conditions of an nftables rule, from the JSON that `nft -j` prints. What is not understood answers None. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from homeport.machine.firewall_packet import (
    ABSENT,
    PROTOCOLS,
    Maybe,
    Packet,
    Span,
    Value,
    both,
    either,
    named,
    network,
    one,
    opposite,
    within,
)
from homeport.machine.firewall_rules import Condition

Sets = Mapping[str, list[Any] | None]  # name -> elements; None where packets change it
_STATES = {1: "invalid", 2: "established", 4: "related", 8: "new", 64: "untracked"}
_FLAGS = {"fin": 1, "syn": 2, "rst": 4, "psh": 8, "ack": 16, "urg": 32, "ecn": 64, "cwr": 128}
_WORDS = {
    "nfproto": {"ipv4": 2, "ipv6": 10, "ip": 2, "ip6": 10},
    "l4proto": PROTOCOLS,
    "flags": _FLAGS,
}
_META = {"iifname": "iif", "iif": "iif", "oifname": "oif", "oif": "oif", "skuid": "uid", "l4proto": "l4proto"}


def match(expression: Mapping[str, Any], sets: Sets) -> Condition:
    """{"op", "left", "right"} as a condition."""
    operator, left, right = expression.get("op", "=="), expression.get("left"), expression.get("right")
    compares = comparison(left, right, sets, operator)
    return understood(lambda packet: _asked(left, packet) and compares(packet))


def understood(condition: Condition) -> Condition:
    """A condition that answers None where its JSON is not of the shape that we know."""

    def answer(packet: Packet) -> Maybe:
        try:
            return condition(packet)
        except (AttributeError, KeyError, TypeError, ValueError):
            return None

    return answer


def comparison(left: Any, right: Any, sets: Sets, operator: str = "==") -> Condition:
    """`left operator right`, without what `left` asks of the packet by itself."""
    if operator in ("<", ">", "<=", ">="):
        return _order(left, operator, right)
    if operator not in ("==", "!=", "in", "!"):
        return _unknown
    elements = _elements(right, sets)
    if elements is None:
        return _unknown
    is_negated = operator in ("!=", "!")

    def answer(packet: Packet) -> Maybe:
        found = either(_equals(left, element, packet, loose=operator in ("in", "!")) for element in elements)
        return opposite(found) if is_negated else found

    return understood(answer)


def asked(left: Any) -> Condition:
    """That the packet has what `left` names at all: an IPv6 packet has no `ip daddr`, a UDP packet no `tcp dport`."""
    return understood(lambda packet: _asked(left, packet))


def _unknown(packet: Packet) -> Maybe:
    return None


def _elements(right: Any, sets: Sets) -> list[Any] | None:
    if isinstance(right, str) and right.startswith("@"):
        return sets.get(right[1:])
    if isinstance(right, dict) and "set" in right:
        inner = right["set"]
        return _elements(inner, sets) if isinstance(inner, str) else list(inner)
    return list(right) if isinstance(right, list) else [right]


def _asked(left: Any, packet: Packet) -> Maybe:
    if isinstance(left, dict) and "concat" in left:
        return both(_asked(part, packet) for part in left["concat"])
    value = field(left, packet)
    return value is not ABSENT


def field(left: Any, packet: Packet) -> Value | None:
    """What the packet has of a field; None where that is not known."""
    if not isinstance(left, dict) or len(left) != 1:
        return None
    (kind, detail), *_ = left.items()
    if kind == "meta":
        return _meta(detail.get("key", ""), packet)
    if kind == "payload":
        return _payload(detail.get("protocol", ""), detail.get("field", ""), packet)
    if kind == "ct" and "dir" not in detail:
        return {"state": packet.get("ct"), "direction": packet.get("direction")}.get(detail.get("key", ""))
    if kind == "fib" and detail.get("result") == "type":
        return "local"  # both ends of a local connection have addresses of this computer
    if kind == "&" and isinstance(detail, list) and len(detail) == 2:
        value, mask = field(detail[0], packet), _bits(detail[1])
        if isinstance(value, Span) and value.low == value.high and mask is not None:
            return one(value.low & mask)
        return value if value is ABSENT else None
    return None


def _meta(key: str, packet: Packet) -> Value | None:
    return packet.get("nfproto") if key in ("nfproto", "protocol") else packet.get(_META.get(key, ""))


def _payload(protocol: str, name: str, packet: Packet) -> Value | None:
    if protocol in ("ip", "ip6"):
        if packet.family != protocol:
            return ABSENT
        return packet.get({"protocol": "l4proto", "nexthdr": "l4proto"}.get(name, name)) if name in _IP else None
    number = PROTOCOLS.get(protocol)
    if number is not None and packet.get("l4proto") != one(number):
        return ABSENT
    return packet.get(name) if name in ("dport", "sport", "flags") and protocol in ("tcp", "udp", "th") else None


_IP = ("saddr", "daddr", "protocol", "nexthdr")


def _equals(left: Any, element: Any, packet: Packet, *, loose: bool) -> Maybe:
    if isinstance(element, dict) and "elem" in element:
        element = element["elem"].get("val")
    if element == "*":
        return True
    if isinstance(left, dict) and "concat" in left:
        parts = element.get("concat") if isinstance(element, dict) else None
        if not isinstance(parts, list) or len(parts) != len(left["concat"]):
            return None
        return both(_equals(a, b, packet, loose=False) for a, b in zip(left["concat"], parts, strict=True))
    value, name = field(left, packet), _name(left)
    if value is ABSENT:
        return False
    if name in ("iif", "oif"):
        return named(value, element) if isinstance(element, str) else None
    if name == "state":
        return None if value is None else value == _STATES.get(element, element)
    if isinstance(value, str):
        return value == element if isinstance(element, str) else None
    if name == "flags" and loose:
        bits = _bits(element)
        return bool(value.low & bits) if isinstance(value, Span) and bits is not None else None
    span = _span(element, name, packet)
    return None if span is _NONSENSE else False if span is None else within(value, [span])


_NONSENSE = Span(-1, -1)


def _span(element: Any, name: str, packet: Packet) -> Span | None:
    """None: of the other family, so never equal. _NONSENSE: not understood."""
    try:
        if name in ("saddr", "daddr"):
            return _address(element, packet)
        if isinstance(element, dict) and "range" in element:
            low, high = (_number(end, name) for end in element["range"])
            return Span(low, high)
        return one(_number(element, name))
    except (ValueError, TypeError, KeyError):
        return _NONSENSE


def _address(element: Any, packet: Packet) -> Span | None:
    if isinstance(element, dict) and "prefix" in element:
        return network(f"{element['prefix']['addr']}/{element['prefix']['len']}", packet.family)
    if isinstance(element, dict) and "range" in element:
        low, high = (network(end, packet.family) for end in element["range"])
        return Span(low.low, high.high) if low and high else None
    return network(element, packet.family)


def _number(element: Any, name: str) -> int:
    if isinstance(element, int) and not isinstance(element, bool):
        return element
    if name == "flags":
        bits = _bits(element)
        if bits is not None:
            return bits
    if isinstance(element, str):
        return _WORDS[name][element]
    raise ValueError(element)


def _bits(value: Any) -> int | None:
    """`syn`, ["syn", "ack"], {"|": [...]} or a number."""
    if isinstance(value, dict) and "|" in value:
        value = value["|"]
    if isinstance(value, list):
        parts = [_bits(part) for part in value]
        return None if None in parts else sum({part for part in parts if part})
    return value if isinstance(value, int) else _FLAGS.get(value) if isinstance(value, str) else None


def _name(left: Any) -> str:
    """The field of `left`, in the words of Packet."""
    if not isinstance(left, dict) or len(left) != 1:
        return ""
    (kind, detail), *_ = left.items()
    if kind == "&":
        return _name(detail[0])
    name = str(detail.get("key" if kind in ("meta", "ct") else "field", ""))
    return {"protocol": "nfproto" if kind == "meta" else "l4proto", "nexthdr": "l4proto"}.get(
        name, _META.get(name, name)
    )


_ORDERS: dict[str, Callable[[int], Span]] = {
    "<": lambda limit: Span(0, limit - 1),
    "<=": lambda limit: Span(0, limit),
    ">": lambda limit: Span(limit + 1, 1 << 128),
    ">=": lambda limit: Span(limit, 1 << 128),
}


def _order(left: Any, operator: str, right: Any) -> Condition:
    if not isinstance(right, int) or _name(left) in ("saddr", "daddr"):
        return _unknown
    span = _ORDERS[operator](right)
    return understood(lambda packet: within(field(left, packet), [span]))

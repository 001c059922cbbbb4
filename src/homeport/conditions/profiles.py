"""Networks that people know by name, as data: what each asks for, and where its numbers come from.

Latencies are one way, so a published round trip stands here halved. DevTools adds its latency to each request and
multiplies it for that; here stand the values that it aims at.
"""

from __future__ import annotations

from typing import NamedTuple

DEVTOOLS = "Chrome DevTools, the values that its preset aims at"
CONDITIONER = "Apple's Network Link Conditioner, by independent copies of its presets"
ATC = "Facebook's Augmented Traffic Control"
UNITY = "Unity Multiplayer Tools, network simulator presets"
NETCODE = "Unity Netcode for Entities, simulator presets"
UNREAL = "Unreal Engine, packet simulation profiles of BaseEngine.ini"
COMCAST = "the table in comcast's README, its latency taken as the round trip"
THROTTLE = "sitespeed.io's throttle"
LOADERO = "Loadero's network conditions"
OURS = "an estimate of our own: no measurement stands behind it"


class Profile(NamedTuple):
    name: str
    text: str
    source: str


PROFILES: tuple[Profile, ...] = (
    Profile("offline", "outage=refuse", DEVTOOLS),
    Profile("3g", "latency=200ms rate=500kbit", DEVTOOLS),
    Profile("slow-4g", "latency=75ms up.rate=750kbit down.rate=1.6mbit", DEVTOOLS),
    Profile("fast-4g", "latency=30ms up.rate=1.5mbit down.rate=9mbit", DEVTOOLS),
    Profile("4g", "latency=42.5ms rate=9mbit", THROTTLE),
    Profile("lte", "latency=17.5ms rate=12mbit", THROTTLE),
    Profile("3g-fast", "latency=37.5ms up.rate=768kbit down.rate=1.6mbit", THROTTLE),
    Profile("3g-em", "latency=100ms rate=400kbit", THROTTLE),
    Profile("2g", "latency=200ms up.rate=256kbit down.rate=280kbit", THROTTLE),
    Profile("edge", "latency=210ms up.rate=200kbit down.rate=240kbit", THROTTLE),
    Profile("cable", "latency=7ms up.rate=1mbit down.rate=5mbit", THROTTLE),
    Profile("dsl", "latency=12.5ms up.rate=384kbit down.rate=1.5mbit", THROTTLE),
    Profile("fiber", "latency=1ms up.rate=5mbit down.rate=20mbit", THROTTLE),
    Profile("dial-up", "latency=60ms up.rate=30kbit down.rate=49kbit", THROTTLE),
    Profile("nlc-3g", "latency=100ms up.rate=330kbit down.rate=780kbit", CONDITIONER),
    Profile("nlc-3g-lossy", "latency=100ms up.rate=330kbit down.rate=780kbit down.loss=1%", CONDITIONER),
    Profile("nlc-edge", "up.latency=440ms down.latency=400ms up.rate=200kbit down.rate=240kbit", CONDITIONER),
    Profile("nlc-edge-good", "up.latency=370ms down.latency=350ms up.rate=200kbit down.rate=250kbit", CONDITIONER),
    Profile(
        "nlc-edge-lossy",
        "up.latency=440ms down.latency=400ms up.rate=200kbit down.rate=240kbit down.loss=1%",
        CONDITIONER,
    ),
    Profile("nlc-dsl", "latency=5ms up.rate=256kbit down.rate=2mbit", CONDITIONER),
    Profile("nlc-cable", "latency=2ms up.rate=1mbit down.rate=6mbit", CONDITIONER),
    Profile("2g-rural", "latency=650ms up.rate=18kbit down.rate=20kbit loss=2%", ATC),
    Profile("2g-urban", "latency=650ms up.rate=32kbit down.rate=35kbit", ATC),
    Profile("unity-broadband", "latency=32ms jitter=12ms loss=2%", UNITY),
    Profile("unity-fiber", "latency=10ms jitter=1ms", UNITY),
    Profile("unity-cable", "latency=25ms jitter=5ms", UNITY),
    Profile("unity-dsl", "latency=30ms jitter=10ms", UNITY),
    Profile("unity-satellite", "latency=100ms jitter=10ms", UNITY),
    Profile("unity-congested", "latency=50ms jitter=50ms loss=1%", UNITY),
    Profile("unity-2g", "latency=520ms jitter=50ms loss=7%", UNITY),
    Profile("unity-gprs", "latency=480ms jitter=40ms loss=7%", UNITY),
    Profile("unity-edge", "latency=440ms jitter=40ms loss=7%", UNITY),
    Profile("unity-3g", "latency=360ms jitter=30ms loss=7%", UNITY),
    Profile("unity-3.5g", "latency=160ms jitter=30ms loss=6%", UNITY),
    Profile("unity-3.75g", "latency=130ms jitter=30ms loss=6%", UNITY),
    Profile("unity-4g", "latency=100ms jitter=20ms loss=4%", UNITY),
    Profile("unity-4.5g", "latency=80ms jitter=20ms loss=4%", UNITY),
    Profile("unity-5g", "latency=30ms jitter=20ms loss=4%", UNITY),
    Profile("unity-unplayable", "latency=300ms jitter=400ms loss=30%", NETCODE),
    Profile("unity-mitm", "latency=200ms jitter=400ms loss=2% corrupt=1%", NETCODE),
    Profile("unreal-average", "latency=45ms jitter=15ms loss=1%", UNREAL),
    Profile("unreal-bad", "latency=150ms jitter=50ms loss=5%", UNREAL),
    Profile("comcast-gprs", "latency=250ms rate=50kbit loss=2%", COMCAST),
    Profile("comcast-edge", "latency=150ms rate=250kbit loss=1.5%", COMCAST),
    Profile("comcast-3g", "latency=125ms rate=750kbit loss=1.5%", COMCAST),
    Profile("comcast-dial-up", "latency=92.5ms rate=40kbit loss=2%", COMCAST),
    Profile("comcast-dsl-poor", "latency=35ms rate=2mbit loss=2%", COMCAST),
    Profile("comcast-dsl", "latency=20ms rate=8mbit loss=0.5%", COMCAST),
    Profile("comcast-wifi", "latency=20ms rate=30mbit loss=0.2%", COMCAST),
    Profile("starlink", "latency=10ms loss=2.5%", COMCAST),
    Profile("satellite", "latency=300ms up.rate=256kbit down.rate=1mbit", LOADERO),
    Profile("train", "latency=60ms jitter=40ms jitter-shape=pareto rate=2mbit loss=3% burst=20", OURS),
    Profile("conference-wifi", "latency=10ms jitter=40ms jitter-shape=exponential rate=1mbit loss=3% burst=4", OURS),
)  # fmt: skip
BY_NAME: dict[str, str] = {profile.name: profile.text for profile in PROFILES}

"""The loopback report on a terminal of 80 columns, in colour, without, and in ASCII."""

from __future__ import annotations

import json
import math

import pytest

from homeport.app.loopback import LoopbackReport
from homeport.cli.loopback_view import bar, histogram_lines, micros, report_lines
from homeport.cli.terminal import Paint
from homeport.doctor.checks.loopback import explain_loopback
from homeport.doctor.loopback_facts import Echoed, LoopbackFacts, Times, summed
from homeport.doctor.loopback_limits import limits_of
from tests.cli.fake_engine import invoke
from tests.doctor.test_loopback import facts, failed


def report(found: LoopbackFacts) -> LoopbackReport:
    return LoopbackReport(facts=found, limits=limits_of(found), findings=tuple(explain_loopback(found)), took_ms=612)


def test_a_healthy_computer() -> None:
    lines = report_lines(report(facts()), Paint(False), 80)
    assert lines[0] == "lo is up, 127.0.0.1 and ::1"
    assert lines[-1] == "✓ all of this is normal (0.6 s)"
    assert any(line.startswith("outgoing ports") and "28,232 (32768-60999)" in line for line in lines)
    assert max(map(len, lines)) <= 80


def test_what_failed_and_what_is_not_known() -> None:
    found = facts(echoed=failed("udp", "::1"), tuning={"receive_buffer_max": None}, time_wait=None)
    lines = report_lines(report(found), Paint(False), 80)
    assert any(line.split() == ["UDP", "::1", "no", "answer"] for line in lines)
    assert sum("not known here" in line for line in lines) >= 2
    assert any("[loopback-blocked]" in line for line in lines)
    assert "normal (" not in "\n".join(lines)
    assert max(map(len, lines)) <= 80


def test_ascii_alone() -> None:
    text = "\n".join(report_lines(report(facts()), Paint(False), 80, ascii_only=True))
    assert text.isascii()
    assert "<= 20 us  ####" in text


@pytest.mark.parametrize(
    ("count", "drawn"), [(0, ""), (1, "▏"), (500, "████"), (1000, "████████"), (516, "████▏"), (984, "███████▉")]
)
def test_bars(count: int, drawn: str) -> None:
    assert bar(count, 1000, 8, False) == drawn


def test_a_long_tail_is_one_row() -> None:
    times = summed([10.0] * 2990 + [500.0] * 4 + [9000.0] * 3 + [70_000.0] * 3)
    lines = histogram_lines(times, 80)
    assert len(lines) == 2
    assert lines[-1].split() == ["longer", "▏", "10"]
    flat = Times(count=3, p50_us=1, p90_us=1, p99_us=1, max_us=1, histogram=((1, 2), (math.inf, 1)))
    assert [line.split()[-1] for line in histogram_lines(flat, None)] == ["2", "1"]


@pytest.mark.parametrize(("us", "said"), [(0.4, "0.4 µs"), (9.99, "10 µs"), (999.4, "999 µs"), (1500, "1.5 ms")])
def test_micros(us: float, said: str) -> None:
    assert micros(us) == said


def test_the_command() -> None:
    done = invoke(["doctor", "--loopback", "--json"])
    told = json.loads(done.out)
    assert {"facts", "limits", "findings", "took_ms"} == set(told)
    assert [one["code"] for one in told["findings"] if one["level"] != "note"] == []
    assert done.status == 0
    assert invoke(["doctor", "--loopback", "3000"]).status == 4
    screen = invoke(["doctor", "--loopback"], screen=True)
    assert "measuring loopback" in screen.err
    assert "round trips of 64 bytes, TCP on 127.0.0.1" in screen.out


def test_nothing_measured_is_no_plot() -> None:
    found = facts({"is_up": False, "addresses": ()}, echoed=(Echoed(protocol="tcp", address="127.0.0.1", error="x"),))
    lines = report_lines(report(found), Paint(False), None)
    assert not any("round trips" in line for line in lines)
    assert any("[lo-down]" in line for line in lines)

"""What `--fix` shows before it asks: commands that do in a shell what homeport would do."""

from __future__ import annotations

import subprocess

from homeport.cli.doctor_fix import fix_lines
from homeport.model.firewall import Deciding, Fix, Rule

RULE = Rule(tool="pf", chain="", text="block drop quick on lo0", verdict="drop")


def test_what_a_command_reads_is_piped_into_it() -> None:
    fix = Fix(
        tool="pf",
        commands=(("pfctl", "-a", "com.apple/homeport.3000", "-f", "-"),),
        undo=(("pfctl", "-a", "com.apple/homeport.3000", "-F", "rules"),),
        why="lets tcp port 3000 through on lo0",
        stdin="pass quick on lo0 proto tcp from any to any port 3000\n",
    )
    assert fix_lines(Deciding(verdict="drop", rule=RULE, tool="pf"), fix) == [
        "the rule: block drop quick on lo0 (pf)",
        "lets tcp port 3000 through on lo0",
        "  printf '%s\\n' 'pass quick on lo0 proto tcp from any to any port 3000' | "
        "pfctl -a com.apple/homeport.3000 -f -",
        "to undo it later:",
        "  pfctl -a com.apple/homeport.3000 -F rules",
    ]


def test_the_shell_hands_over_every_byte() -> None:
    for text in ("pass 'it'\n", "no end", "two\nlines\n", "%s \\n $HOME\n"):
        fix = Fix(tool="pf", commands=(("cat",),), undo=(), stdin=text)
        (line,) = fix_lines(Deciding(verdict="drop"), fix)
        assert subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True).stdout == text

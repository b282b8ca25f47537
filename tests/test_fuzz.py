"""Nothing typed, however wrong, changes a sounding layer by a bit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_a_thousand_wrong_lines_change_nothing():
    script = Path(__file__).with_name("fuzz_prompt.py")
    command = [sys.executable, str(script), "--lines", "1000", "--seed", "3"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=170)
    assert told.returncode == 0, told.stderr[-2000:] + told.stdout[-2000:]
    assert told.stdout.startswith("1000 typed, ")
    assert told.stdout.endswith(" samples are the same\n")

"""SIGTERM at random moments between the start of a process and its first steps."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from pathlib import Path

from tests.survival.runs import Run

FLAGS = ("--dataset=digits", "--hidden_size=8", "--steps=2000000", "--eval_every=2000000")

PATIENCE = 60.0
"""Seconds in which a process that has heard the signal has ended, on a busy machine too."""


def stopped_in_start_up(work: Path, count: int, moments: random.Random) -> str:
    """None of the signals is swallowed, and none ends in a traceback."""
    whole = time_until_training(Run("mnist_rnn", FLAGS, work / "first"))
    codes: dict[int, int] = {}
    for i in range(count):
        moment = moments.uniform(0.0, 1.2 * whole)
        running = Run("mnist_rnn", FLAGS, work / str(i)).start()
        time.sleep(moment)
        running.process.send_signal(signal.SIGTERM)
        try:
            out, err = running.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            running.process.kill()
            running.wait()
            return f"FAILED: SIGTERM after {moment:.3f} s was swallowed"
        code = running.process.returncode
        # Before Python has a handler, the system ends the process, which a shell shows as 143.
        if code not in (143, -signal.SIGTERM) or "Traceback" in err:
            return f"FAILED: SIGTERM after {moment:.3f} s ended with {code}: {(out + err)[-2000:]}"
        codes[code] = codes.get(code, 0) + 1
    told = ", ".join(f"{n} with {code}" for code, n in sorted(codes.items()))
    return f"survived; {count} signals in the first {1.2 * whole:.1f} s: {told}"


def time_until_training(run: Run) -> float:
    """Seconds until the first evaluation of a run, whose programs are compiled already then."""
    for _ in range(2):
        start = time.monotonic()
        running = run.start("--resume=auto")
        running.wait_for("step")
        seconds = time.monotonic() - start
        running.process.kill()
        running.wait()
    return seconds

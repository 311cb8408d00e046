"""SIGTERM and Ctrl-C at random moments between the start of a process and its first steps.

The signal itself was lost once: where it came in a callback of the garbage collector, Python
dropped what the handler raised, and the training went on to its end.
"""

from __future__ import annotations

import collections
import random
import signal
import subprocess
import time
from pathlib import Path

from tests.survival.runs import Run

FLAGS = ("--dataset=digits", "--hidden_size=8", "--steps=2000000", "--eval_every=2000000")

ENDS = {
    signal.SIGTERM: (143, -signal.SIGTERM),  # the last before Python has heard of a handler
    signal.SIGINT: (130, -signal.SIGINT),
}

PATIENCE = 60.0
"""Seconds in which a process that has heard the signal has ended, on a busy machine too."""

PYTHON_ITSELF = 0.3
"""Seconds in which Python comes up, before a script can do anything: Ctrl-C ends in a traceback,
and with 1 where not even the module ``site`` was there."""


def stopped_in_start_up(work: Path, count: int, moments: random.Random) -> str:
    """None of the signals is swallowed, and none ends in a traceback; every fourth is Ctrl-C."""
    # A shell starts what it puts in the background with Ctrl-C ignored, and so would its children.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    whole = time_until_training(Run("mnist_rnn", FLAGS, work / "first"))
    ends: collections.Counter[int] = collections.Counter()
    for i in range(count):
        number = signal.SIGINT if i % 4 == 3 else signal.SIGTERM
        moment = moments.uniform(0.0, 1.2 * whole)
        running = Run("mnist_rnn", FLAGS, work / str(i)).start()
        time.sleep(moment)
        running.process.send_signal(number)
        try:
            out, err = running.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            running.process.kill()
            running.wait()
            return f"FAILED: {number.name} after {moment:.3f} s was swallowed"
        code = running.process.returncode
        is_early = number == signal.SIGINT and moment < PYTHON_ITSELF
        has_traceback = "Traceback" in err and not is_early
        ended = code in ENDS[number] or (is_early and code == 1)
        if not ended or has_traceback or "Exception ignored" in err:
            said = (out + err)[-2000:]
            return f"FAILED: {number.name} after {moment:.3f} s ended with {code}: {said}"
        ends[code] += 1
    told = ", ".join(f"{n} with {code}" for code, n in sorted(ends.items()))
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

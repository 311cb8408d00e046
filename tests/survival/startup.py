"""SIGTERM and Ctrl-C at random moments between the start of a training and its first steps.

    python -m tests.survival.startup --starts=200

Nothing is to be lost then, but the signal itself was: where it came in a callback of the garbage
collector, Python dropped what the handler raised, and the training went on to its end.
"""

from __future__ import annotations

import argparse
import collections
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.survival.runs import Run

FLAGS = ("--dataset=digits", "--hidden_size=8", "--steps=40000", "--eval_every=40000")
ENDS = {
    signal.SIGTERM: (143, -signal.SIGTERM),  # the last before Python has heard of a handler
    signal.SIGINT: (130, -signal.SIGINT),
}


def seconds_to_start(work: Path) -> float:
    """How long it takes until training begins."""
    run = Run("mnist_rnn", FLAGS, work)
    start = time.monotonic()
    running = run.start()
    running.wait_until(lambda folder: (folder / "metrics.jsonl").exists())
    seconds = time.monotonic() - start
    running.process.kill()
    running.wait()
    return seconds


def stop_at(moment: float, number: signal.Signals, work: Path) -> str | None:
    """What was wrong when a training was stopped so many seconds after its start, if anything."""
    running = Run("mnist_rnn", FLAGS, work).start()
    time.sleep(moment)
    running.process.send_signal(number)
    code, said = running.wait()
    # Python's own first 0.1 s, before a script can do anything, end with a traceback.
    strange = "Exception ignored" in said or ("Traceback" in said and moment > 0.3)
    if code in ENDS[number] and not strange:
        return None
    return f"{number.name} after {moment:.3f} s: code {code}, {said[-500:]}"


def main() -> int:
    """Stops many starts; the exit code is 1 if a signal was swallowed, or was told otherwise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    options = parser.parse_args()
    moments = random.Random(options.seed)
    counts: collections.Counter[str] = collections.Counter()
    # A shell starts what it puts in the background with Ctrl-C ignored, and so would its children.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as work:
        seconds_to_start(Path(work) / "cold")  # which compiles
        most = seconds_to_start(Path(work) / "warm")
        for i in range(options.starts):
            number = signal.SIGINT if i % 4 == 3 else signal.SIGTERM
            wrong = stop_at(moments.uniform(0, most), number, Path(work) / str(i))
            counts[number.name] += 1
            if wrong is not None:
                counts["wrong"] += 1
                print(wrong, flush=True)
    print(f"within {most:.1f} s: {dict(counts)}")
    return int(counts["wrong"] > 0)


if __name__ == "__main__":
    sys.exit(main())

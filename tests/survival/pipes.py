"""Nobody reads any more what a run prints, as after ``| head``."""

from __future__ import annotations

from pathlib import Path

from tests.survival.runs import Run, differences, finished_checkpoints

FLAGS = ("--dataset=digits", "--hidden_size=16", "--steps=3000", "--eval_every=100")


def a_reader_that_goes_away(work: Path) -> str:
    """The run saves, or goes on to its end; the same command then ends with the same bits."""
    calm, unread = Run("mnist_rnn", FLAGS, work / "calm"), Run("mnist_rnn", FLAGS, work / "run")
    calm.finish()
    running = unread.start("--checkpoint_every=1h")
    running.wait_for("step")
    process = running.process
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    said = process.stderr.read()
    code = process.wait()
    saved = finished_checkpoints(unread.folder)
    if "Traceback" in said or not saved:
        return f"FAILED: it ended with {code}, {len(saved)} checkpoints and: {said[-2000:]}"
    unread.finish()
    found = differences(calm.folder, unread.folder)
    return f"FAILED: {', '.join(found)} differ" if found else f"survived; ended with {code}"

"""Two runs and one folder: begun beside each other, or one in the place of the other's."""

from __future__ import annotations

import shutil
import signal
import time
from pathlib import Path

from tests.survival.disk import OFTEN
from tests.survival.runs import Run, Running, differences, finished_checkpoints, is_saving

FLAGS = ("--dataset=digits", "--hidden_size=16", "--steps=3000", "--eval_every=400")


def two_runs_in_one_folder(work: Path) -> str:
    """The second one is refused in a sentence, and the first one ends as if it were alone."""
    calm, shared = Run("mnist_rnn", FLAGS, work / "calm"), Run("mnist_rnn", FLAGS, work / "run")
    calm.finish()
    first = shared.start(OFTEN)
    first.wait_until(lambda folder: bool(finished_checkpoints(folder)))
    # It would have ended before the second one has begun; stopped, it keeps what it holds.
    first.process.send_signal(signal.SIGSTOP)
    code, said = shared.start(OFTEN).wait()
    first.process.send_signal(signal.SIGCONT)
    if code != 2 or sentences(said) != 1 or "another process is writing" not in said:
        return f"FAILED: the second run ended with {code}: {said[-2000:]}"
    code, said = first.wait()
    found = [f"the first run ended with {code}: {said[-2000:]}"] if code else []
    found = found or differences(calm.folder, shared.folder)
    return f"FAILED: {', '.join(found)}" if found else "survived"


def a_folder_deleted_and_used_again(work: Path) -> str:
    """The first run stops in a sentence, and the second one ends as if it were alone."""
    other = (*FLAGS, "--seed=1")
    calm, second = Run("mnist_rnn", other, work / "calm"), Run("mnist_rnn", other, work / "run")
    calm.finish()
    first = Run("mnist_rnn", (*FLAGS, "--steps=2000000"), work / "run").start(OFTEN)
    # In the middle of writing, which is when folders may be made again.
    first.wait_until(lambda folder: bool(finished_checkpoints(folder)) and is_saving(folder))
    delete(work / "run")
    running = second.start(OFTEN)
    found = [*lost(first), *ended(running, 0)]
    found = found or differences(calm.folder, second.folder)
    return f"FAILED: {', '.join(found)}" if found else "survived"


def a_folder_deleted(work: Path) -> str:
    """The run stops in a sentence, and does not make the folder again."""
    running = Run("mnist_rnn", (*FLAGS, "--steps=2000000"), work / "run").start(OFTEN)
    running.wait_until(lambda folder: bool(finished_checkpoints(folder)) and is_saving(folder))
    delete(work / "run")
    found = lost(running)
    if (work / "run").exists():
        found.append(f"there is {[str(p) for p in (work / 'run').rglob('*')]}")
    return f"FAILED: {', '.join(found)}" if found else "survived"


def delete(folder: Path) -> None:
    """Deletes a folder into which somebody may be writing."""
    while folder.exists():
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(0.01)


def lost(running: Running) -> list[str]:
    """What is wrong with the end of a run that has lost its folder."""
    return ended(running, 1, "deleted")


def ended(running: Running, expected: int, sentence: str = "") -> list[str]:
    """What is wrong with the end of a run that should have this code and say so once."""
    code, said = running.wait()
    fine = code == expected and said.count(sentence) >= 1 and sentences(said) == bool(sentence)
    return [] if fine else [f"a run ended with {code}: {said[-2000:]}"]


def sentences(said: str) -> int:
    """How many errors a process has told of; many, if there is a traceback."""
    return 100 if "Traceback" in said else said.count("error: ")

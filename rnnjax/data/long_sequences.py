"""The tasks of long memory as data to learn from: made up, images pixel by pixel, worms.

Pixels come one at a time, from the upper left to the lower right, or in one fixed random order
(Q. Le, N. Jaitly, G. Hinton, "A simple way to initialize recurrent networks of rectified linear
units", arXiv:1504.00941). The worms are EigenWorms of the UEA archive: how a worm's shape changes,
17,984 steps of six numbers, and which of five strains it is of.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rnnjax.data import memory_tasks, mnist
from rnnjax.data.baseline import logistic_metrics, majority_metrics
from rnnjax.data.memory_tasks import Examples
from rnnjax.data.reading import own_file
from rnnjax.data.source import Progress, data_root
from rnnjax.data.ts_file import read_ts
from rnnjax.errors import DataError, DataUnavailableError

PIXELS = ("pixel_mnist", "permuted_mnist")
WORMS = "eigen_worms"
TASKS = (*memory_tasks.TASKS, *PIXELS, WORMS)

NUM_VALIDATION, NUM_TEST = 500, 2000
"""Made-up sequences that are asked in training and after it."""
HELD_OUT = 12
"""Of images and worms each so-and-so-many-th validates: 5,000 images of MNIST."""
ORDER_SEED = 92916
"""Of the one random order of the pixels, that of M. Lezcano's expRNN."""
WORM_FILES = ("EigenWorms_TRAIN.ts", "EigenWorms_TEST.ts")


class LongSequences(NamedTuple):
    """A task of remembering.

    Attributes:
        task: One of `TASKS`.
        name: The data really used.
        origin: One phrase that says where they came from.
        train: What is learnt from.
        validation: What is asked in training.
        test: What is asked after it.
        class_names: What each label stands for; none where a number is asked.
        known: What answers without memory reach, as `memory_tasks.without_memory`; none of real
            data, of which `baselines` says it.
        warning: Where other data than was asked for stand in, the sentence that says so.
    """

    task: str
    name: str
    origin: str
    train: Examples
    validation: Examples
    test: Examples
    class_names: tuple[str, ...]
    known: Mapping[str, Mapping[str, float]]
    warning: str | None = None

    @property
    def num_steps(self) -> int:
        """T, of the sequences to learn from."""
        return self.train.inputs.shape[1]

    def baselines(self) -> dict[str, dict[str, float]]:
        """What the test figures of answers without memory are, and of a linear model."""
        if self.known:
            return {name: dict(figures) for name, figures in self.known.items()}
        both = (*self.train, *self.test)
        majority = {
            "the most frequent class": majority_metrics(self.train.targets, self.test.targets)
        }
        return majority | {"logistic regression on all steps": logistic_metrics(*both)}

    def described(self) -> str:
        """How many there are and how long, and what an answer without memory is worth."""
        steps = f"{self.num_steps:,}"
        if self.test.inputs.shape[1] != self.num_steps:
            steps += f", {self.test.inputs.shape[1]:,} in the test"
        lines = [
            f"task     {self.task}; {len(self.train.inputs):,} sequences to train, "
            f"{len(self.validation.inputs):,} to validate, {len(self.test.inputs):,} to test",
            f"steps    {steps}",
        ]
        for name, figures in self.known.items():
            told = ", ".join(f"{n.replace('_', ' ')} {v:.4f}" for n, v in figures.items())
            lines.append(f"without memory ({name}): {told}")
        return "\n".join(lines)


def class_names(task: str) -> tuple[str, ...]:
    """What the classes of a made-up task stand for; none where a number is asked."""
    if task == "adding":
        return ()
    if task == "parity":
        return "even", "odd"
    return "blank", *map(str, range(1, memory_tasks.NUM_SYMBOLS + 1))


def made_up(
    task: str, length: int, *, test_length: int | None = None, shortest: int | None = None,
    number: int = 10_000, seed: int = 0,
) -> LongSequences:  # fmt: skip
    """One of `memory_tasks`.

    Args:
        task: which.
        length: as of `memory_tasks.make`.
        test_length: that of the test, if it is another.
        shortest: as of `memory_tasks.make`, in training.
        number: of sequences to learn from.
        seed: of what is drawn.

    Raises:
        ValueError: as `memory_tasks.make`.
    """
    asked = length if test_length is None else test_length
    rngs = np.random.default_rng(seed).spawn(3)
    train = memory_tasks.make(task, rngs[0], number, length, shortest)
    validation = memory_tasks.make(task, rngs[1], NUM_VALIDATION, length)
    test = memory_tasks.make(task, rngs[2], NUM_TEST, asked)
    return LongSequences(
        task, f"{task} {length}", f"made by a program, seed {seed}", train, validation, test,
        class_names(task), memory_tasks.without_memory(task, asked),
    )  # fmt: skip


def pixels(
    task: str, dataset: str, data_dir: str | os.PathLike[str] | None, progress: Progress | None
) -> LongSequences:
    """Images pixel by pixel; arguments and errors of `mnist.load`."""
    images = mnist.load(dataset, data_dir, progress=progress)
    order = np.arange(images.train_images[0].size)
    if task == "permuted_mnist":
        order = np.random.RandomState(ORDER_SEED).permutation(len(order))

    def as_steps(of: np.ndarray, labels: np.ndarray) -> Examples:
        return Examples(of.reshape(len(of), -1)[:, order], labels)

    train = as_steps(images.train_images, images.train_labels)
    test = as_steps(images.test_images, images.test_labels)
    return LongSequences(
        task, images.name, f"{images.origin}, pixel by pixel", *_held_out(train), test,
        images.class_names, {}, images.warning,
    )  # fmt: skip


def worms(data_dir: str | os.PathLike[str] | None) -> LongSequences:
    """EigenWorms, from the two files of the UEA archive.

    Args:
        data_dir: A folder with them in it, or in a folder EigenWorms in it, as for
            `rnnjax.data.source.data_root`.

    Raises:
        DataUnavailableError: They are not there.
        DataError: They are no such files, or their sequences are not of one length.
    """
    root = data_root(data_dir)
    folders = [root / inside for inside in ("EigenWorms", WORMS, "")]
    found = [f for f in folders if all((f / name).is_file() for name in WORM_FILES)]
    if not found:
        raise DataUnavailableError(
            f"--task={WORMS} needs {' and '.join(WORM_FILES)} of the UEA archive "
            f"(https://timeseriesclassification.com), which are not in {root}; put them there, or "
            "name their folder with --data_dir."
        )
    both = [read_ts(own_file(found[0] / name, "a .ts file"), name) for name in WORM_FILES]
    lengths = {len(one) for file in both for one in file.sequences}
    if len(lengths) > 1 or both[0].class_names != both[1].class_names:
        raise DataError(
            f"The sequences of {' and '.join(WORM_FILES)} in {found[0]} must be of one length and "
            "of the same classes; put the files of the archive there."
        )
    train, test = (
        Examples(np.stack(file.sequences), np.array(file.labels, np.int32)) for file in both
    )
    return LongSequences(
        WORMS, WORMS, f"the original files in {Path(found[0])}", *_held_out(train), test,
        both[0].class_names, {},
    )  # fmt: skip


def _held_out(given: Examples) -> tuple[Examples, Examples]:
    """All but every `HELD_OUT`-th example, and these."""
    inputs, targets = given
    chosen = np.arange(len(targets)) % HELD_OUT == HELD_OUT - 1
    return Examples(inputs[~chosen], targets[~chosen]), Examples(inputs[chosen], targets[chosen])

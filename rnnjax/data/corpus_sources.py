"""Where the texts for language models are published."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rnnjax.data.examples import TEXT
from rnnjax.data.originals import Originals
from rnnjax.data.prepare import find_or_prepare
from rnnjax.data.records import read_examples
from rnnjax.data.source import Progress, RemoteFile, Source

TINY_SHAKESPEARE = Source(
    name="tiny_shakespeare",
    version="1.0.0",
    splits=(("train", 1), ("validation", 1), ("test", 1)),
    mirrors=("https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/",),
    files=(
        RemoteFile(
            "input.txt",
            1_115_394,
            "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
        ),
    ),
    description="40,000 lines from plays of Shakespeare's, as char-rnn has them.",
    homepage="https://github.com/karpathy/char-rnn",
    citation="Karpathy: The Unreasonable Effectiveness of Recurrent Neural Networks, 2015.",
)
_SHAKESPEARE_PARTS = {"train": 1_003_854, "validation": 55_770, "test": 55_770}

WIKITEXT2 = Originals(
    name="wikitext2",
    files=(
        RemoteFile(
            "wiki.train.tokens",
            10_797_148,
            "9e9fa1ad55b1c2c95b08e37dd8e653f638fac2c6de904b79e813611eefbc985f",
        ),
        RemoteFile(
            "wiki.valid.tokens",
            1_121_681,
            "f0737ed31fc1329026e95cb8b98e19c2a182c39c240ab909dc31abf2f8af58e8",
        ),
        RemoteFile(
            "wiki.test.tokens",
            1_256_449,
            "d790b833ef8cf03a90db7bf1271b7520b83c45ce07ba3c1a9699df81e239eca0",
        ),
    ),
    licence="CC BY-SA 3.0 and GFDL (the authors of Wikipedia; Merity et al. 2016)",
    homepage="wikitext-2-v1.zip of Merity et al. (2016)",
)

PENN_TREEBANK_FILES = ("ptb.train.txt", "ptb.valid.txt", "ptb.test.txt")


def shakespeare(
    source: Source,
    data_dir: str | os.PathLike[str] | None,
    timeout: float,
    progress: Progress | None,
) -> tuple[tuple[str, str, str], str]:
    """Returns the three parts of tiny Shakespeare as TFDS has them, and where they came from.

    Raises:
        DataUnavailableError: It is neither here nor to be had.
        DataError: The prepared folder is damaged.
    """
    folder, origin = find_or_prepare(
        source, data_dir, _features, _examples, timeout=timeout, progress=progress
    )

    def read(split: str) -> str:
        (text,) = read_examples(source, folder, split, {"text": TEXT}, lambda v: v["text"])
        return text.decode()

    return (read("train"), read("validation"), read("test")), origin


def _features() -> Any:
    import tensorflow_datasets as tfds

    return tfds.features.FeaturesDict({"text": tfds.features.Text()})


def _examples(paths: Mapping[str, Path]) -> dict[str, Iterator[tuple[str, dict[str, Any]]]]:
    (path,) = paths.values()
    text, parts, start = path.read_text(encoding="utf-8"), {}, 0
    for split, length in _SHAKESPEARE_PARTS.items():
        parts[split] = iter([(split, {"text": text[start : start + length]})])
        start += length
    return parts

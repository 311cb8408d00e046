"""What takes long to import, and is not needed to train, is not imported before training."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnjax.data import imdb, mnist
from rnnjax.data.image_sources import MNIST
from rnnjax.data.packed_texts import PackedTexts
from rnnjax.data.review_records import IMDB
from rnnjax.data.source import INFO_FILE
from tests.data.synthetic import make_arrays
from tests.experiments.starting import ROOT

SMALL: dict[str, dict[str, Any]] = {
    "binary_sequence": {"batch_size": 4, "row_length": 20},
    "mnist_rnn": {"hidden_size": 2, "batch_size": 4},
    "imdb_sentiment": {"hidden_size": 2, "embedding_size": 2, "num_validation": 1, "batch_size": 4},
    "language_model": {"hidden_size": 2, "batch_size": 4, "dataset": "brackets"},
    "translation": {
        "hidden_size": 2,
        "embedding_size": 2,
        "batch_size": 4,
        "dataset": "numbers",
        "max_length": 8,
        "length_groups": 1,
    },
    "image_description": {
        "hidden_size": 2,
        "embedding_size": 2,
        "channels": "2,2",
        "batch_size": 4,
        "dataset": "seven_segments",
    },
    "letters_to_sounds": {
        "hidden_size": 2,
        "embedding_size": 2,
        "batch_size": 4,
        "dataset": "spelling",
        "max_length": 8,
        "length_groups": 1,
    },
    "speaker": {"hidden_size": 2, "batch_size": 4, "dataset": "drifting_voices"},
    "music": {"hidden_size": 2, "batch_size": 4, "dataset": "canon", "length_groups": 1},
    "text_similarity": {"hidden_size": 2, "batch_size": 4, "dataset": "slot_sentences"},
    "time_series": {"hidden_size": 2, "batch_size": 4, "dataset": "two_sines", "horizon": 2},
    "drawing": {"hidden_size": 2, "batch_size": 4, "dataset": "polygons", "length_groups": 1},
    "speech_digits": {
        "hidden_size": 2,
        "num_layers": 1,
        "batch_size": 4,
        "strings": 8,
        "dataset": "telephone_tones",
        "length_groups": 1,
    },
    "long_memory": {"hidden_size": 2, "batch_size": 4, "length": 4, "num_train": 4},
    "compare": {"hidden_size": 2, "batch_size": 4, "num_seeds": 2, "question": "learning_rate"},
}
LABEL = "class_label_feature.ClassLabel"
FEATURES = {
    "mnist": {"image": "image_feature.Image", "label": LABEL},
    "imdb_reviews": {"text": "text_feature.Text", "label": LABEL},
}
SCRIPTS = sorted(
    path.stem
    for path in Path(ROOT / "experiments").glob("[!_]*.py")
    if '__name__ == "__main__"' in path.read_text()
)


def prepared(folder: Path) -> Path:
    """A TFDS folder of both data sets as it was when what they hold was cached."""
    for source in (MNIST, IMDB):
        source.folder(folder).mkdir(parents=True)
        splits = [{"name": name, "shardLengths": [count]} for name, count in source.splits]
        info = {"name": source.name, "splits": splits}
        (source.folder(folder) / INFO_FILE).write_text(json.dumps(info))
        described = {
            name: {"pythonClassName": f"tensorflow_datasets.core.features.{kind}"}
            for name, kind in FEATURES[source.name].items()
        }
        features = {"featuresDict": {"features": described}}
        (source.folder(folder) / "features.json").write_text(json.dumps(features))
        for name, _ in source.splits:
            shard = f"{source.name}-{name}.tfrecord-00000-of-00001"
            (source.folder(folder) / shard).write_bytes(b"records")
    texts = ["a good film", "a bad film"] * 6
    packed = PackedTexts.pack(texts).utf8
    labels = np.array([1, 0] * 6, np.int32)
    reviews = {"utf8": packed.values, "offsets": packed.offsets, "labels": labels}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mnist, "decode_images", lambda *_: make_arrays())
        patch.setattr(imdb, "read_reviews", lambda *_: reviews)
        mnist.load("mnist", folder)
        imdb.load("imdb_reviews", folder)
    return folder


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Of each script the large packages that it has imported when its first update begins."""
    folder = tmp_path_factory.mktemp("start")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        data_dir = prepared(folder / "tfds")
        settings = {
            name: given | {"data_dir": str(data_dir), "workdir": str(folder / name)}
            for name, given in SMALL.items()
        }
        done = subprocess.run(
            [sys.executable, "-m", "tests.experiments.first_update", json.dumps(settings)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            env=os.environ | {"JAX_PLATFORMS": "cpu", "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"},
        )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", SCRIPTS)
def test_nothing_large_is_imported_before_the_first_update(imported, name):
    assert imported[name] == []

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rnnjax.data.examples import LABEL, TEXT
from rnnjax.data.prepare import find_or_prepare
from rnnjax.data.records import read_examples
from rnnjax.data.source import RemoteFile, Source, find_prepared
from tests.data.local_server import LocalServer

READ = {"text": TEXT, "label": LABEL}
TEXTS = {"train": ["good", "bad", "é <br />"], "unsupervised": ["who knows"]}


def test_text_with_a_named_variant(tmp_path: Path) -> None:
    contents = "\n".join(text for texts in TEXTS.values() for text in texts).encode()
    server = LocalServer({"reviews.txt": contents})
    source = Source(
        name="imdb_reviews",
        config="plain_text",
        version="1.0.0",
        splits=tuple((split, len(texts)) for split, texts in TEXTS.items()),
        mirrors=(server.url,),
        files=(RemoteFile("reviews.txt", len(contents), hashlib.sha256(contents).hexdigest()),),
        description="Reviews.",
        homepage="http://example.org/",
        citation="Nobody, 2026.",
    )

    def features() -> Any:
        import tensorflow_datasets as tfds

        return tfds.features.FeaturesDict(
            {"text": tfds.features.Text(), "label": tfds.features.ClassLabel(num_classes=2)}
        )

    def examples(paths: Mapping[str, Path]) -> dict[str, Iterator[tuple[str, dict[str, Any]]]]:
        lines = iter(paths["reviews.txt"].read_text("utf-8").split("\n"))
        labels = {"train": 1, "unsupervised": -1}
        return {
            split: iter(
                [
                    (f"{split}_{i}", {"text": next(lines), "label": labels[split]})
                    for i in range(len(texts))
                ]
            )
            for split, texts in TEXTS.items()
        }

    try:
        prepared = find_or_prepare(source, tmp_path, features, examples)
    finally:
        server.close()
    assert prepared.folder == tmp_path / "imdb_reviews" / "plain_text" / "1.0.0"
    assert find_prepared(source, tmp_path) == prepared.folder
    for split, texts in TEXTS.items():
        read = list(read_examples(source, prepared.folder, split, READ, lambda values: values))
        assert sorted(example["text"].decode() for example in read) == sorted(texts)
        assert {example["label"] for example in read} == {1 if split == "train" else -1}
    assert find_or_prepare(source, tmp_path, features, examples).origin == (
        f"the prepared TFDS folder {prepared.folder}"
    )

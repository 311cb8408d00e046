"""``keras50`` in Keras, by its own training loop, on the backend that KERAS_BACKEND names.

python -m benchmarks.whole_runs.keras_run --data=images.npz
"""

from __future__ import annotations

import keras  # pyright: ignore[reportMissingImports]
import numpy as np

from benchmarks.whole_runs.schedule import BATCH, pieces, read, tell


def main() -> None:
    (images, labels, test, test_labels), steps = read()
    model = keras.Sequential(
        [keras.Input((28, 28)), keras.layers.SimpleRNN(50), keras.layers.Dense(10, "softmax")]
    )
    model.compile(
        keras.optimizers.Adam(1e-3),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        steps_per_execution=50,
    )
    history = []
    for piece in pieces(steps):
        rows = np.arange(piece[0] * BATCH, (piece[-1] + 1) * BATCH) % len(images)
        model.fit(images[rows], labels[rows], batch_size=BATCH, shuffle=False, verbose=0)
        loss, accuracy = model.evaluate(test, test_labels, batch_size=1000, verbose=0)
        history.append((piece[-1], loss, accuracy))
    tell(history)


if __name__ == "__main__":
    main()

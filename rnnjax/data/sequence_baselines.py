"""What simple methods make of sequences with classes, by numbers that forget the order."""

from __future__ import annotations

import numpy as np

from rnnjax.data.labelled_sequences import LabelledSequences, Sequences


def summaries(sequences: Sequences) -> np.ndarray:
    """Mean, standard deviation, first and last value of each feature, and the length, ``[N, F]``.

    >>> one = Sequences.of([np.array([[1.0], [3.0]])], [0], 4)
    >>> summaries(one).tolist()
    [[2.0, 1.0, 1.0, 3.0, 2.0]]
    """
    rows = []
    for values, length in zip(sequences.values, sequences.lengths, strict=True):
        own = values[:length].astype(np.float64)
        rows.append(np.concatenate((own.mean(0), own.std(0), own[0], own[-1], [length])))
    return np.stack(rows)


def metrics(data: LabelledSequences) -> dict[str, dict[str, float]]:
    """Test accuracy of logistic regression and of the nearest neighbour, on such summaries.

    Each number of a summary is standardised over the training sequences.
    """
    from sklearn.linear_model import LogisticRegression  # it takes a second
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    train, test = summaries(data.train), summaries(data.test)
    methods = {
        "logistic regression on summaries": LogisticRegression(max_iter=1000),
        "nearest neighbour by summaries": KNeighborsClassifier(1),
    }
    found = {}
    for name, method in methods.items():
        fitted = make_pipeline(StandardScaler(), method).fit(train, data.train.labels)
        found[name] = {"test_accuracy": float(fitted.score(test, data.test.labels))}
    return found

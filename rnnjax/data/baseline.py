"""What a classifier of texts reaches without reading in order: the figure an RNN has to beat."""

from __future__ import annotations

from collections.abc import Sequence

from numpy.typing import ArrayLike

from rnnjax.data.text import split_words


def bag_of_words_accuracy(
    train_texts: Sequence[str],
    train_labels: ArrayLike,
    test_texts: Sequence[str],
    test_labels: ArrayLike,
    *,
    num_words: int | None = None,
) -> float:
    """Test accuracy of logistic regression on word counts, blind to the order of the words.

    Args:
        train_texts: Texts to learn from; they alone decide which words are counted.
        train_labels: Their labels, 0 or 1.
        test_texts: Texts to classify.
        test_labels: Their labels.
        num_words: Count only so many words, the most frequent of the training texts; None for
            all.

    Returns:
        Share of test texts classified correctly.

    Raises:
        ValueError: If texts and labels differ in number, or all the training labels are equal.

    >>> train, test = ["good", "so good", "bad"], ["bad day", "good day"]
    >>> bag_of_words_accuracy(train, [1, 1, 0], test, [0, 1])
    1.0
    """
    # It takes a second, and is needed for stand-ins only.
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression

    vectorizer = CountVectorizer(
        analyzer=split_words,  # pyright: ignore[reportArgumentType] (documented, not in the stub)
        max_features=num_words,
    )
    counts = vectorizer.fit_transform(train_texts)
    classifier = LogisticRegression(solver="liblinear").fit(counts, train_labels)
    return float(classifier.score(vectorizer.transform(test_texts), test_labels))

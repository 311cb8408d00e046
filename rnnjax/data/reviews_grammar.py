"""Film reviews from a small grammar, in which the order of the words alone decides the label.

They stand in for the IMDB reviews where those cannot be had, and test what IMDB cannot: whether a
model reads in order. Every opinion of a review holds one word of praise and one of blame, and the
words around them ("not", "but", "although", "turned out" …) tell which of the two the writer stands
for. Exchange the two, and the review turns into its opposite **with the same words**: each bag of
words is exactly as likely to be positive as negative. So a classifier that counts words is right
half of the time, however good it is, while one that reads in order can always be right, even after
punctuation and capitals have gone. What other people said does not count; it stands in between,
together with sentences which hold no opinion at all.

The grammar knows about 180 words and writes 12 to 60 of them per review.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# The writer stands for {yes}; {no} is a word of the opposite meaning. An "although" or a "not"
# binds within its own sentence, and each sentence is recognisable without its punctuation.
_OPINIONS = (
    "The {x} was {no}, but the {y} was {yes}.",
    "The {x} was not {yes}, but the {y} was not {no}.",
    "Although the {x} was {no}, the {y} was {yes}.",
    "The {x} was {yes}, although the {y} was {no}.",
    "The {x} was not {no}, it was {yes}.",
    "The {x} was {yes}, not {no}.",
    "The {x} was {yes} and anything but {no}.",
    "The {x} was never {no}. The {y} was {yes} throughout.",
    "The {x} seemed {no}, yet turned out {yes}.",
    "What looked {no} at first became {yes} in the end.",
    "This film is {yes}, despite the {no} {x}.",
    "Despite the {no} {x}, this film is {yes}.",
)
_HEARSAY = (
    "My {person} called the {x} {one} and the {y} {other}.",
    "One critic found it {one}, another found it {other}.",
    "The poster says {one}, the newspaper says {other}.",
    "Some people in the queue called it {one}, others called it {other}.",
)
_ASIDES = (
    "I saw it with my {person} last {day}.",
    "My {person} had bought the tickets a week before.",
    "We sat in the third row of a small cinema.",
    "It runs for about two hours.",
    "Some scenes take place in winter.",
    "Two of the actors are brothers in real life.",
    "The director lives in a harbour town.",
    "A sequel is planned for next year.",
    "It was raining when we left the cinema.",
    "We talked about it on the train home.",
    "I had read nothing about it before {day}.",
    "The book came out in the seventies.",
)
_LEXICON = {
    kind: words.split()
    for kind, words in {
        "person": "brother sister neighbour colleague friend mother father cousin teacher dentist",
        "day": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
        "aspect": """
            plot acting story music ending script photography dialogue pacing cast direction humour
            editing soundtrack opening scenery action romance finale camerawork""",
        "praise": """
            good great wonderful brilliant superb delightful charming moving gripping funny clever
            beautiful excellent memorable fresh touching enjoyable fantastic convincing lovely
            impressive masterful inspired witty""",
        "blame": """
            bad awful terrible dreadful dull boring clumsy weak silly tedious predictable
            forgettable ugly lifeless stale annoying horrible poor shallow messy tiresome laughable
            bland painful""",
    }.items()
}
_INTENSIFIERS = ("", "", "really ", "truly ")

_MIN_SENTENCES, _MAX_SENTENCES, _MAX_OPINIONS = 2, 5, 3


def generate(num_reviews: int, seed: int) -> tuple[list[str], np.ndarray]:
    """Writes reviews, half of them positive, in random order.

    Args:
        num_reviews: How many.
        seed: Equal seeds give equal reviews; different seeds give independent ones, for
            training and for testing.

    Returns:
        The texts, and their labels ``[num_reviews]``, int32: 1 is positive, 0 negative.

    Raises:
        ValueError: For less than one review, or a negative seed.

    >>> texts, labels = generate(num_reviews=1000, seed=0)
    >>> texts[1], int(labels[1])
    ('The action was silly, not touching. The pacing was gripping, but the dialogue was ugly.', 0)
    """
    if num_reviews < 1:
        raise ValueError(f"num_reviews is {num_reviews}: ask for one review or more.")
    if seed < 0:
        raise ValueError(f"seed is {seed}: give 0 or a positive whole number.")
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(num_reviews, dtype=np.int32) % 2)
    return [write_review(rng, label) for label in labels.tolist()], labels


def best_accuracy() -> float:
    """Accuracy of the best possible reader: 1.0, for each text says which label it has.

    The best possible counter of words, in contrast, has 0.5: see the head of this module.
    """
    return 1.0


def write_review(rng: np.random.Generator, label: int) -> str:
    """Writes one review.

    Args:
        rng: Draws everything but the label. Two generators in the same state write, for the two
            labels, two reviews of the same words in a different order.
        label: 1 for a positive review, 0 for a negative one.

    Returns:
        The text: two to five sentences or pairs of sentences, one to three of them opinions.

    >>> print(write_review(np.random.default_rng(6), label=1)[:72])
    The dialogue seemed really predictable, yet turned out really enjoyable.
    >>> print(write_review(np.random.default_rng(6), label=0)[:72])
    The dialogue seemed really enjoyable, yet turned out really predictable.
    """
    num_sentences = int(rng.integers(_MIN_SENTENCES, _MAX_SENTENCES + 1))
    num_opinions = int(rng.integers(1, min(num_sentences, _MAX_OPINIONS) + 1))
    # Each is used once at most, so that a review neither repeats nor contradicts itself.
    aspects, opinions, hearsay, asides = (
        [options[i] for i in rng.permutation(len(options))]
        for options in (_LEXICON["aspect"], _OPINIONS, _HEARSAY, _ASIDES)
    )
    sentences = []
    for place in rng.permutation(num_sentences):
        templates = opinions if place < num_opinions else (hearsay, asides)[rng.integers(2)]
        words = [_choose(rng, _LEXICON[kind]) for kind in ("blame", "praise")]
        intensifiers = [_choose(rng, _INTENSIFIERS) for _ in words]
        no, yes = words if label else reversed(words)
        one, other = words if rng.integers(2) else reversed(words)
        sentences.append(
            templates.pop().format(
                x=aspects.pop(),
                y=aspects.pop(),
                no=intensifiers[0] + no,
                yes=intensifiers[1] + yes,
                one=one,
                other=other,
                person=_choose(rng, _LEXICON["person"]),
                day=_choose(rng, _LEXICON["day"]),
            )
        )
    return " ".join(sentences)


def _choose(rng: np.random.Generator, options: Sequence[str]) -> str:
    return options[int(rng.integers(len(options)))]

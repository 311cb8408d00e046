"""Text as numbers: splitting into words, and a vocabulary ranked by frequency.

Words are split off exactly as Keras's ``Tokenizer`` does, so the line break ``<br />`` of the IMDB
reviews becomes the word ``br``, the 7th most frequent one, as it is in Keras's own archive
``imdb.npz``. That archive is not the same in all, though: its test reviews skip the words which
never occur in the training reviews, where they are `UNKNOWN` here, its reviews come in another
order, and some words of similar frequency have ranks that differ by a place or two.
"""

from __future__ import annotations

import collections
import dataclasses
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from functools import cached_property

import numpy as np

from rnnjax.data.ragged import PADDING, Ragged
from rnnjax.storage import typed_json

START, UNKNOWN, UNUSED = range(1, 4)
NUM_SPECIAL = 4

_SPECIAL_WORDS = ("<padding>", "<start>", "<unknown>", "<unused>")
_FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
_BLANKS = str.maketrans(dict.fromkeys(_FILTERS, " "))
_CONTROL_CHARACTER = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")


def split_words(text: str) -> list[str]:
    r"""Splits a text into lower-case words, as ``text_to_word_sequence`` of Keras does.

    Punctuation except the apostrophe separates words, and so do blank, tab and newline. Other
    white space does not: a no-break space stays inside its word, as in Keras.

    Args:
        text: The text.

    Returns:
        Its words in order; none for a text of separators only.

    >>> split_words("It's <b>not</b> well-made,\nI'm afraid!")
    ["it's", 'b', 'not', 'b', 'well', 'made', "i'm", 'afraid']
    """
    return [word for word in text.lower().translate(_BLANKS).split(" ") if word]


def check_sentence(sentence: str | bytes) -> str:
    r"""Refuses what a user typed or piped in if it is no text.

    Args:
        sentence: A sentence or a review, possibly of several lines, as a string or as raw bytes.
            Bytes on the command line that are not UTF-8 reach Python as lone surrogates in a
            string.

    Returns:
        The text as a string.

    Raises:
        ValueError: If it holds bytes that are not UTF-8, a null or another control character
            (tab and line ends aside), or no word.

    >>> check_sentence("Not bad at all.")
    'Not bad at all.'
    >>> check_sentence(b"\x1f\x8b\x08\x00")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: The sentence holds bytes that are not UTF-8, so it cannot be read as text: ...
    """
    try:
        text = sentence.decode() if isinstance(sentence, bytes) else sentence
        text.encode()
    except UnicodeError as error:
        raise ValueError(
            "The sentence holds bytes that are not UTF-8, so it cannot be read as text: pass "
            "plain text in UTF-8."
        ) from error
    if control := _CONTROL_CHARACTER.search(text):
        raise ValueError(
            f"The sentence holds the control character {control[0]!r}, so it is binary data, not "
            "text: pass plain text in UTF-8."
        )
    if not split_words(text):
        raise ValueError(
            f"The sentence {text[:40]!r} holds no word, only white space or punctuation: pass at "
            "least one word."
        )
    return text


def limit_words(indices: np.ndarray, num_words: int) -> np.ndarray:
    """Turns all but the most frequent words into `UNKNOWN`.

    A corpus encoded once with its full vocabulary so serves every smaller one.

    Args:
        indices: Indices of any shape.
        num_words: Size of the smaller vocabulary. As in Keras's ``imdb.load_data`` it counts the
            four special indices: what stays is below `num_words`.

    Returns:
        An array like `indices`.

    Raises:
        ValueError: If `num_words` leaves no word.

    >>> limit_words(np.array([1, 4, 9, 10]), num_words=10).tolist()
    [1, 4, 9, 2]
    """
    _check_num_words(num_words)
    return np.where(indices < num_words, indices, np.asarray(UNKNOWN, indices.dtype))


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """Words ranked by how often they occur in the training text.

    Index 0 is padding, 1 the start of a review, 2 an unknown word, 3 is unused; the most frequent
    word is 4. Of words that are equally frequent the one met first comes first, as in Keras's
    ``Tokenizer``.

    Attributes:
        words: The words themselves, the most frequent first.

    >>> vocabulary = Vocabulary.build(["a film, a good film", "a bad one"], num_words=7)
    >>> vocabulary
    <Vocabulary of 7: a, film, good …>
    >>> vocabulary.encode("A good, good start!")
    [1, 4, 6, 6, 2]
    >>> vocabulary.decode([1, 4, 6, 6, 2, 0])
    '<start> a good good <unknown>'
    """

    words: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.words:
            raise ValueError("A vocabulary needs at least one word, and there is none.")
        if len(set(self.words)) < len(self.words):
            word, count = collections.Counter(self.words).most_common(1)[0]
            raise ValueError(
                f"A vocabulary holds each word once, but {word!r} occurs {count} times."
            )

    @classmethod
    def build(cls, texts: Iterable[str], num_words: int | None = None) -> Vocabulary:
        """Ranks the words of the training text.

        Args:
            texts: The training texts alone: held-out texts must not shape the vocabulary.
            num_words: Size of the vocabulary, the four special indices included; None for every
                word that occurs.

        Raises:
            ValueError: If there is no word in the texts, or `num_words` leaves none.
        """
        if isinstance(texts, str):
            raise ValueError("texts is a single string: pass a list of texts.")
        if num_words is not None:
            _check_num_words(num_words)
        counts: collections.Counter[str] = collections.Counter()
        for text in texts:
            counts.update(split_words(text))
        kept = None if num_words is None else num_words - NUM_SPECIAL
        return cls(tuple(word for word, _ in counts.most_common(kept)))

    def __len__(self) -> int:
        """Number of indices, the four special ones included: the size of an embedding."""
        return NUM_SPECIAL + len(self.words)

    def __repr__(self) -> str:
        # Tens of thousands of words would bury whatever message they appear in.
        return f"<Vocabulary of {len(self)}: {', '.join(self.words[:3])} …>"

    @cached_property
    def _index(self) -> Mapping[str, int]:
        return {word: index for index, word in enumerate(self.words, start=NUM_SPECIAL)}

    def encode(self, text: str) -> list[int]:
        """Turns a text into indices, `START` first.

        Args:
            text: Any text; a word outside the vocabulary becomes `UNKNOWN`.
        """
        index = self._index
        return [START, *(index.get(word, UNKNOWN) for word in split_words(text))]

    def encode_all(self, texts: Iterable[str]) -> Ragged:
        """Turns each text into indices, as `encode` does.

        Args:
            texts: The texts; they are read once, one at a time.
        """
        return Ragged.from_sequences(map(self.encode, texts))

    def decode(self, indices: Iterable[int]) -> str:
        """Turns indices into words, leaving padding out.

        Args:
            indices: Indices below the vocabulary's size.

        Returns:
            The words with a blank between them; special indices show as ``<start>``,
            ``<unknown>`` and ``<unused>``, which no word can be mistaken for.

        Raises:
            ValueError: If an index is outside the vocabulary.
        """
        words = []
        for index in map(int, indices):
            if not 0 <= index < len(self):
                raise ValueError(
                    f"Index {index} is outside this vocabulary of {len(self)}: the indices were "
                    "made with another one."
                )
            if index >= NUM_SPECIAL:
                words.append(self.words[index - NUM_SPECIAL])
            elif index != PADDING:
                words.append(_SPECIAL_WORDS[index])
        return " ".join(words)

    def limited(self, num_words: int) -> Vocabulary:
        """The vocabulary of the most frequent words, to go with `limit_words`.

        Args:
            num_words: Size of the smaller vocabulary, the four special indices included.

        Raises:
            ValueError: If `num_words` leaves no word.
        """
        _check_num_words(num_words)
        return Vocabulary(self.words[: num_words - NUM_SPECIAL])

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the words in their order: equal for equal vocabularies, in hexadecimal.

        Stored with trained weights, it shows whether a vocabulary is the one they belong to.
        """
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def to_json(self) -> str:
        """The vocabulary as JSON text, for `from_json`."""
        return json.dumps({"words": self.words})

    @classmethod
    def from_json(cls, text: str) -> Vocabulary:
        """Reads what `to_json` wrote.

        Args:
            text: The JSON text.

        Raises:
            ValueError: If it is no JSON, or not that of a vocabulary.
        """
        try:
            found = typed_json.parse(text, typed_json.Fields({"words": list[str]}))
        except typed_json.ShapeError as error:
            raise ValueError(
                f"The text is not a vocabulary in JSON ({error}): it must be what `to_json` wrote."
            ) from error
        return cls(tuple(found["words"]))


def _check_num_words(num_words: int) -> None:
    if num_words <= NUM_SPECIAL:
        raise ValueError(
            f"num_words is {num_words}, but {NUM_SPECIAL} indices are special (padding, start, "
            f"unknown, unused): ask for {NUM_SPECIAL + 1} or more."
        )

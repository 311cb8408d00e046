"""Spoken digits, alone and in strings: real recordings, or telephone tones.

The Free Spoken Digit Dataset has the English digits, fifty takes of each by five voices, and by a
sixth one that is never learnt from. Voices are numbered.
"""

from __future__ import annotations

import functools
import hashlib
import io
import lzma
import os
import re
import tarfile
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from rnnjax.data import digit_strings, log_mel, telephone_tones
from rnnjax.data.cache import load_or_build
from rnnjax.data.digit_strings import DigitStrings
from rnnjax.data.originals import Originals, read_originals
from rnnjax.data.recordings import RATE, Recordings
from rnnjax.data.source import Progress, RemoteFile
from rnnjax.data.stand_in import check_dataset, or_stand_in
from rnnjax.data.wav_file import samples_of
from rnnjax.errors import DataError, DataUnavailableError

DATASETS = ("auto", "spoken_digit", "telephone_tones")
MOST_BYTES = 2**20
"""Of one recording."""
MEMBER = re.compile(r"[^/]+/recordings/(\d)_([a-z]+)_(\d{1,2})\.wav")
UNHEARD = 6
"""The voice that is never learnt from."""
TEST_TAKES, VALIDATION_TAKES = 5, 10
"""Takes below the first test, others below the second validate, the rest is learnt from."""

SPOKEN_DIGIT = Originals(
    name="spoken_digit",
    files=(
        RemoteFile(
            "free-spoken-digit-dataset-1.0.9-recordings.tar.xz",
            10_355_916,
            "07f961f27f6ef8b9f5e77a62aa792e95abd622ba70e5203b1d3c78a8cb043c80",
        ),
        RemoteFile(
            "free-spoken-digit-dataset-1.0.10-lucas.tar.xz",
            3_154_532,
            "5ca5321b867e4f790765e69a69359dfa9ab772ab00536182e15df86d6a9688fb",
        ),
    ),
    licence="CC BY-SA 4.0 (the Free Spoken Digit Dataset and its contributors)",
    homepage="https://github.com/Jakobovski/free-spoken-digit-dataset",
)


class Heard(NamedTuple):
    """Fixed strings with their features: what validates and what tests."""

    strings: DigitStrings
    features: np.ndarray
    """float32 ``[N, T, 80]``."""
    mask: np.ndarray
    """Where there is no padding, bool ``[N, T]``."""
    labels: np.ndarray
    """int32 ``[N, 7]``."""
    padding: np.ndarray
    """Where there is no label, bool ``[N, 7]``."""
    begins: np.ndarray
    """When each digit begins, in seconds ``[N, 7]``."""
    ends: np.ndarray
    """When it ends, in seconds ``[N, 7]``."""

    def texts(self) -> list[str]:
        """The digits of each string between blanks."""
        rows = zip(self.labels.tolist(), self.strings.counts.tolist(), strict=True)
        return [" ".join(map(str, digits[:count])) for digits, count in rows]


class SpokenDigits(NamedTuple):
    """Recordings of single digits, and who of them is heard when.

    Attributes:
        name: The data really used.
        origin: One phrase that says where they came from.
        licence: One phrase that says who may do what with them.
        recordings: All of them.
        unheard: The number of the voice that is not learnt from.
        warning: Where other data than was asked for stand in, the sentence that says so.
    """

    name: str
    origin: str
    licence: str
    recordings: Recordings
    unheard: int
    warning: str | None = None

    def part(self, name: str) -> np.ndarray:
        """Which recordings are of "train", "validation", "test" or "unheard", bool ``[all]``."""
        voices, takes = self.recordings.voices, self.recordings.takes
        if name == "unheard":
            return voices == self.unheard
        known = (voices != self.unheard) & (voices != UNHEARD)
        tests, validates = takes < TEST_TAKES, takes < VALIDATION_TAKES
        which = {"train": ~validates, "validation": validates & ~tests, "test": tests}
        return known & which[name]

    def strings(self, name: str, number: int, counts: tuple[int, int] = (5, 5)) -> Heard:
        """Strings of a part, the same ones at every call."""
        seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
        rng = np.random.default_rng(seed)
        return hear(
            digit_strings.draw(rng, self.recordings, self.part(name), number, counts),
            self.recordings, rng,
        )  # fmt: skip

    def described(self) -> str:
        """How many recordings there are of whom, and the licence."""
        sizes = {name: int(self.part(name).sum()) for name in ("train", "validation", "test")}
        seconds = self.recordings.lengths.sum() / RATE
        return (
            f"recordings  {len(self.recordings.digits):,} of single digits, {seconds / 60:.0f} "
            f"minutes; {sizes['train']:,} to train, {sizes['validation']:,} to validate, "
            f"{sizes['test']:,} to test\n"
            f"unheard  voice {self.unheard}: {int(self.part('unheard').sum()):,} recordings\n"
            f"licence  {self.licence}"
        )


def hear(strings: DigitStrings, recordings: Recordings, rng: np.random.Generator) -> Heard:
    """The features of strings, and when each of their digits is said.

    Args:
        strings: N of them.
        recordings: That they consist of.
        rng: Of the noise.
    """
    ends = strings.ends(recordings.lengths)
    longest = int(ends.max())
    heard = []
    for row in range(len(ends)):  # one by one: a few MB at a time
        own = DigitStrings(*(array[row : row + 1] for array in strings))
        samples, lengths = own.samples(recordings, rng.normal(size=(1, int(ends[row, -1]))))
        heard.append(log_mel.features(samples, lengths)[0][0].astype(np.float32))
    steps = int(log_mel.num_steps(longest))
    features = np.zeros((len(heard), steps, log_mel.FEATURES), np.float32)
    mask = np.zeros(features.shape[:2], bool)
    for row, own in enumerate(heard):
        features[row, : len(own)] = own
        mask[row, : len(own)] = True
    begins = ends[:, :-1:2] / RATE
    return Heard(
        strings, features, mask, *strings.labels(recordings.digits), begins, ends[:, 1::2] / RATE
    )


def load(
    dataset: str = "auto",
    data_dir: str | os.PathLike[str] | None = None,
    *,
    leave_out: int | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    timeout: float = 4.0,
    progress: Progress | None = None,
) -> SpokenDigits:
    """Returns recordings of single digits.

    Args:
        dataset: ``"spoken_digit"``; ``"telephone_tones"`` (`rnnjax.data.telephone_tones`); or
            ``"auto"``: the former, and where they are not here, the latter with a ``warning``. A
            ``data_dir`` is a wish for what it holds, so that with one ``"auto"`` never stands in.
        data_dir: A folder with ``spoken_digit`` in it, or that one itself, as for
            `rnnjax.data.source.data_root`.
        leave_out: One of the five voices, not to be learnt from either, but tested as the unheard
            one in the place of the sixth.
        cache_dir: Where the decoded recordings are kept; by default the user's cache folder.
        timeout: Seconds within which a server has to begin to answer.
        progress: Told how far downloads are.

    Raises:
        DataUnavailableError: The data are neither here nor to be had.
        DataError: ``dataset`` or the voice is unknown, or a file is not what was expected.
    """
    check_dataset(dataset, DATASETS)
    if leave_out is not None and not 1 <= leave_out < UNHEARD:
        raise DataError(f"There is no voice {leave_out} to leave out; take one of 1 to 5.")
    unheard = leave_out or UNHEARD

    def read() -> SpokenDigits:
        found = read_originals(SPOKEN_DIGIT, data_dir, timeout=timeout, progress=progress)
        digests = [file.sha256 for file in SPOKEN_DIGIT.files]
        arrays = load_or_build(
            "spoken_digit", {"files": digests, "version": 1},
            functools.partial(_build, found.contents), cache_dir=cache_dir,
        )  # fmt: skip
        return SpokenDigits(
            SPOKEN_DIGIT.name, found.origin, SPOKEN_DIGIT.licence, Recordings(**arrays), unheard
        )

    def made_up(error: DataUnavailableError) -> SpokenDigits:
        return _tones(
            unheard,
            "NOT SPOKEN DIGITS: telephone tones that a program makes stand in for them, and the "
            f"results cannot be compared with theirs. {error} To insist on them, say "
            "--dataset=spoken_digit.",
        )

    if dataset == "telephone_tones":
        return _tones(unheard)
    return or_stand_in(dataset, data_dir, read, made_up)


def _tones(unheard: int, warning: str | None = None) -> SpokenDigits:
    return SpokenDigits(
        "telephone_tones", "made up by a program", "none needed", telephone_tones.recorded(),
        unheard, warning,
    )  # fmt: skip


def _build(contents: Mapping[str, bytes]) -> dict[str, np.ndarray]:
    waves, digits, names, takes = [], [], [], []
    for number, file in enumerate(SPOKEN_DIGIT.files):
        for match, packed in _members(contents[file.name], file.name):
            wave, rate = samples_of(packed, match.string)
            if rate != RATE or wave.ndim != 1 or not len(wave):
                raise DataError(f"{file.name}: {match.string} is no recording of one channel.")
            waves.append(np.round(wave * 32768).astype(np.int16))
            digits.append(int(match[1]))
            names.append((number, match[2]))  # who came later has the last number
            takes.append(int(match[3]))
    numbers = {name: i for i, name in enumerate(sorted(set(names)), start=1)}
    return Recordings.of(waves, digits, [numbers[name] for name in names], takes)._asdict()


def _members(packed: bytes, name: str) -> Iterator[tuple[re.Match[str], bytes]]:
    """The recordings in an archive; all else in it is passed over."""
    try:
        with tarfile.open(fileobj=io.BytesIO(packed), mode="r:xz") as archive:
            for member in archive:
                match = MEMBER.fullmatch(member.name)
                if match is None or not member.isreg():
                    continue
                if member.size > MOST_BYTES:
                    raise DataError(f"{name}: {member.name} has {member.size:,} bytes.")
                contents = archive.extractfile(member)
                yield match, b"" if contents is None else contents.read()
    except (tarfile.TarError, lzma.LZMAError, EOFError) as error:
        raise DataError(f"{name} is damaged ({error}); replace it.") from None

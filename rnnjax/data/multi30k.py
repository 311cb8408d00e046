"""Multi30k: what is seen on 31,014 photographs, in English, German and French.

Elliott, Frank, Sima'an, Specia: Multi30K: Multilingual English-German Image Descriptions, 2016;
French: Elliott, Frank, Barrault, Bougares, Specia, 2017. The texts are the authors' own:
lower-cased, with normalised punctuation, and tokenised by Moses.
"""

from __future__ import annotations

import dataclasses
import gzip
import itertools
import os
from collections.abc import Mapping

from rnnjax.data.originals import Originals, read_originals
from rnnjax.data.pairs import PairDataset, Pairs, normalized
from rnnjax.data.source import Progress, RemoteFile
from rnnjax.errors import DataError

LANGUAGES = {"de": "German", "en": "English", "fr": "French"}
DIRECTIONS = tuple("-".join(two) for two in itertools.permutations(LANGUAGES, 2))
"""From what into what: "de-en" is German to English."""

TEST, TEST_2017 = "test_2016_flickr", "test_2017_flickr"
_FILES = """
tok train de 2150008 cb5a23529b65ec2061f1dc446192a9c37382b63cc75f81a0be59d34894b3a505
tok train en 1837696 08925f8e0572bcd5a006702fc5fe20e2d77c6917d4eebd576fc20de6693c2119
tok train fr 2235588 8fa41bb718412bcb7c5dfa58603842810a01543eae86a51279f9886b901266e1
tok val de 77273 97232bd273eceb7207f689527386a97e4be2616b18ada47576bdaf96c8ae1f00
tok val en 64608 46573ce391ae227f1c72f873392436a20ef18e0a6d518098cfbd70b77c8572ec
tok val fr 78242 b303e301aa21fe7822a846b2b3fb2d5a1121ec807cd5b1d006fb7b2b5507168a
tok test_2016_flickr de 71917 c6a33d39d48f9f510de147651316cd9d918e09ad0219df734a2f16b6baccacc4
tok test_2016_flickr en 63307 5b7f32627cf99eced828311b955dae9800bb52bc8b91cf8b6526829e605b29d2
tok test_2016_flickr fr 76394 1463bd5960f9bfe098ec3cd752d3df0c49c84dc646fb518964a29232658cd836
tok test_2017_flickr de 65228 02067e4a9402786a4fcb8c1b6f4307e4a5073ced64800abead5273b54f5f31f6
tok test_2017_flickr en 56123 c9d1dfd7a26add989382e534af235af9f0f658b2a30e7eb0efdaf142496ee54f
tok test_2017_flickr fr 69537 c0583117a47b31e8a6c6a97cfe8de153e462074668f4e994764fcc80b21d33b4
raw val de 24681 f0cba2f995189cf5770f29a8a9a537a3ad3f51657ad873405082ff6863a5e75a
raw val en 21650 14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28
raw val fr 23001 ca3106f1a72390591d25f6c45cb4cd39dec4cd3f123e099748a3ce5256c160e9
raw test_2016_flickr de 22890 9204244e408ccb38d2a55cfcd344df15005fc42a07a6e55ca6c52b6ababb8cc8
raw test_2016_flickr en 21077 611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9
raw test_2016_flickr fr 22310 6d326e188d259fb1d04ac19eae3af956559b3a0b93d7635e56c90987c40c8b90
raw test_2017_flickr de 21471 a2c89666db00c495cd8513b9d708d5a3acc205d7de312ef2bf5fb7ebc1540aee
raw test_2017_flickr en 19138 76a444ee25172e72695cddb13ae4a3bda59430617be88e0bb46b60504f054074
raw test_2017_flickr fr 20434 3ba671ceb2299f3304ffafefea7a833d08632fbaf0ba18546f8a2ec2391af496
"""


def _name(kind: str, part: str, language: str) -> str:
    return f"raw/{part}.{language}.gz" if kind == "raw" else f"tok/{part}.lc.norm.tok.{language}"


MULTI30K = Originals(
    name="multi30k",
    files=tuple(
        RemoteFile(_name(kind, part, language), int(size), sha256)
        for kind, part, language, size, sha256 in map(str.split, _FILES.split("\n")[1:-1])
    ),
    licence="CC BY-NC-SA 4.0 (Elliott et al. 2016, 2017); for non-commercial research",
    homepage="https://github.com/multi30k/dataset (its folder data/task1)",
    mirrors=(
        "https://raw.githubusercontent.com/multi30k/dataset/"
        "a3d2e0d26b56f3846f66a952536ffed4e401d05a/data/task1/",
    ),
)
"""Of the raw texts those that answers are compared with."""


def read(
    direction: str,
    data_dir: str | os.PathLike[str] | None = None,
    *,
    timeout: float = 4.0,
    progress: Progress | None = None,
) -> PairDataset:
    """Returns its 29,000 pairs for training, 1,014 for validation, and the 1,000 tests of 2016.

    Args:
        direction: One of `DIRECTIONS`.
        data_dir: A folder with one named "multi30k" in it, or that one itself, as published: with
            folders "tok" and "raw", in which files may be compressed; as for
            `rnnjax.data.source.data_root`.
        timeout: Seconds within which a server has to begin to answer.
        progress: Told how far downloads are.

    Raises:
        DataUnavailableError: The files are neither here nor to be had.
        DataError: There is no such direction, or the folder's files are others.
    """
    source, target = _languages(direction)
    texts, raw = ("train", "val", TEST), ("val", TEST)
    contents, origin = _contents(direction, texts, raw, data_dir, timeout, progress)
    return PairDataset(
        f"{MULTI30K.name} {direction}",
        origin,
        MULTI30K.licence,
        LANGUAGES[source],
        LANGUAGES[target],
        train=_pairs(contents, "train", source, target),
        validation=_pairs(contents, "val", source, target),
        test=_pairs(contents, TEST, source, target),
    )


def read_test_2017(
    direction: str,
    data_dir: str | os.PathLike[str] | None = None,
    *,
    timeout: float = 4.0,
    progress: Progress | None = None,
) -> Pairs:
    """Returns the 1,000 tests of 2017, of other photographs and harder; arguments as for `read`."""
    parts = (TEST_2017,)
    contents, _ = _contents(direction, parts, parts, data_dir, timeout, progress)
    return _pairs(contents, TEST_2017, *_languages(direction))


def _languages(direction: str) -> tuple[str, str]:
    if direction not in DIRECTIONS:
        raise DataError(
            f"Multi30k has no direction {direction!r}; take one of {', '.join(DIRECTIONS)}."
        )
    source, target = direction.split("-")
    return source, target


def _contents(
    direction: str,
    texts: tuple[str, ...],
    raw: tuple[str, ...],
    data_dir: str | os.PathLike[str] | None,
    timeout: float,
    progress: Progress | None,
) -> tuple[dict[str, bytes], str]:
    """Of the data set only what one direction needs has to be there."""
    source, target = _languages(direction)
    wanted = {_name("tok", part, code) for part in texts for code in (source, target)}
    wanted |= {_name("raw", part, target) for part in raw}
    files = tuple(file for file in MULTI30K.files if file.name in wanted)
    needed = dataclasses.replace(MULTI30K, files=files)
    found = read_originals(needed, data_dir, timeout=timeout, progress=progress)
    return found.contents, found.origin


def _pairs(contents: Mapping[str, bytes], part: str, source: str, target: str) -> Pairs:
    sources = tuple(map(normalized, _lines(contents[_name("tok", part, source)])))
    targets = tuple((normalized(line),) for line in _lines(contents[_name("tok", part, target)]))
    raw = contents.get(_name("raw", part, target))
    return Pairs(sources, targets, None if raw is None else tuple(_lines(gzip.decompress(raw))))


def _lines(contents: bytes) -> list[str]:
    # At line feeds alone: `splitlines` would break sentences at rarer characters, too.
    return contents.decode().removesuffix("\n").split("\n")

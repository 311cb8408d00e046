"""Pronounces words: an encoder reads letters, a decoder with attention writes phonemes.

    python experiments/letters_to_sounds.py --data_dir=DIR                 # CMUdict
    python experiments/letters_to_sounds.py --preset=full --data_dir=DIR   # larger, five beams
    python experiments/letters_to_sounds.py --dataset=spelling             # no data, no network
    python experiments/letters_to_sounds.py --workdir=RUN --pronounce=thorough

Every pronunciation of a training word is an example; an answer is right if the dictionary has it.
Without CMUdict and without a network, an invented language stands in, whose rules of spelling have
no exception. Published for that split of CMUdict: words wrong 24.4 % by joint n-grams, 31.3 and
23.3 % by two layers of 64 and 512 LSTM units, 20.2 % by a transformer.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rnnjax.outset import begin

if __name__ == "__main__":
    begin()  # before the imports, which take seconds

from rich.table import Table
from rich.text import Text

import rnnjax.experiment as xp
from rnnjax.data import pronunciations
from rnnjax.data.codes import UNKNOWN, WordVocabulary
from rnnjax.data.edit_distance import confusions, error_rates
from rnnjax.data.joint_ngrams import joint_metrics
from rnnjax.data.letter_table import aligned, letter_metrics
from rnnjax.data.pairs import PairDataset, Pairs
from rnnjax.experiment import encoder_decoder as ed
from rnnjax.experiment import looked_at, pair_tasks, sentences
from rnnjax.export import Model
from rnnjax.reports import plots

PRESETS = {
    "full": {"hidden_size": 512, "num_layers": 2, "beam_size": 5},
    "small64": {  # two layers of 64 and no attention
        "hidden_size": 64, "num_layers": 2, "bidirectional": False, "decoder": "plain",
        "bridge": "copy", "readout": "plain", "reverse_source": True, "beam_size": 1,
    },
}  # fmt: skip
TELLING = ("ough", "ph", "kn", "mb", "tch", "sh", "oo", "ce")
"""Spellings whose letters are not one sound each."""
LONGEST_SHOWN = 10
NUM_SHOWN = 6


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(ed.Config):
    dataset: str = xp.setting("auto", "which words", choices=pronunciations.DATASETS)
    cell: str = xp.setting("lstm", "recurrent cell of both", choices=ed.CELLS)
    embedding_size: int = xp.setting(64, "features of a letter, and of a phoneme", at_least=1)
    max_length: int = xp.setting(
        24, "letters, or phonemes and the end; longer words are not learnt from", at_least=2
    )
    learning_rate: float = xp.setting(3e-3, "learning rate of the first step", positive=True)
    dropout: float = xp.setting(0.1, "rate, on embeddings and between layers", **ed.RATE)
    readout_dropout: float = xp.setting(0.1, "rate, on what the last matrix reads", **ed.RATE)
    batch_size: int = xp.setting(256, "words per step", at_least=1)
    epochs: int | None = xp.setting(7, "passes over the training words", at_least=1)
    beam_size: int = xp.setting(3, "answers searched at a time; 1: the likeliest", at_least=1)
    pronounce: str | None = xp.command(
        "a word to pronounce with the run in --workdir, or - for one per line of standard input"
    )


def encoding_of(config: Config, train: Pairs) -> ed.Encoding:
    """All letters and phonemes of the training words."""
    targets = [text for own in train.references for text in own]
    letters, sounds = (WordVocabulary.of(texts, min_count=1) for texts in (train.sources, targets))
    return ed.Encoding(letters, sounds, config.reverse_source)


def rates(answers: list[str], references: Sequence[Sequence[str]]) -> dict[str, float]:
    """Phonemes and words that are wrong, in per cent."""
    found = error_rates(answers, references)
    return {"test_per": 100 * found.tokens, "test_wer": 100 * found.texts}


def problem(config: Config, layout: xp.Layout, data: PairDataset) -> xp.Problem:
    """What is to be learnt: each phoneme of a word, after those before it."""
    return pair_tasks.problem(config, layout, data, encoding_of(config, data.train), rates)


def telling(words: Sequence[str]) -> list[int]:
    """The places of some words whose spelling tells how a model reads."""
    plain = ["".join(word.split()).lower() for word in words]
    short = [i for i, word in enumerate(plain) if len(word) <= LONGEST_SHOWN]
    found = [next((i for i in short if part in plain[i]), None) for part in TELLING]
    return list(dict.fromkeys([*(i for i in found if i is not None), *short]))[:NUM_SHOWN]


def report(run: xp.Outcome) -> dict[str, Any]:
    """What is taken for what, and some words beside the right sounds."""
    test, answers = run.data.test, run.outputs
    all_references = [own for _ in answers for own in test.references]
    found = confusions(itertools.chain(*answers), all_references)
    table = Table(title=Text("the commonest confusions", "table.title"))
    for column in ("is", "taken for", "times"):
        table.add_column(column, justify="right" if column == "times" else "left")
    for (right, own), count in found:
        table.add_row(Text(right), Text(own), f"{count:,}")
    run.console.print(table)
    words = []
    for i in telling(test.sources):
        word, own, right = "".join(test.sources[i].split()), answers[0][i], test.references[i]
        run.console.print(f"{word}: {own}\n  right: {', or '.join(right)}", highlight=False)
        words.append({"word": word, "answer": own, "right": list(right)})
    told = [{"is": right, "taken_for": own, "times": count} for (right, own), count in found]
    return {"confusions": told, "words": words}


def draw(folder: Path, run: xp.Outcome) -> None:
    """The curves, and which letters were looked at for which sounds."""
    plots.plot_losses(folder / "curves.png", run.problem.title, run.history, {})
    encoding, places = encoding_of(run.config, run.data.train), telling(run.data.test.sources)
    path = folder / "attention.png"
    looked_at.draw_attention(path, run, encoding, places, title=lambda word: word.replace(" ", ""))


def baselines(run: xp.Outcome) -> xp.Baselines:
    """What tables of letters reach, and n-grams of letters with their sounds."""
    words = aligned(run.data.train.examples())
    return letter_metrics(run.data, words) | joint_metrics(run.data, words)


def spelt(word: str, encoding: ed.Encoding, longest: int) -> str:
    """A user's word as the data spell it, its letters between blanks.

    Raises:
        UsageError: it is too long, or has a letter that training lacked.
    """
    known = encoding.source.symbols[UNKNOWN + 1 :]
    letters = [c if c in known else c.swapcase() for c in word.strip()]
    if strange := [c for c in letters if c not in known]:
        raise xp.UsageError(
            f"--pronounce: {word.strip()[:40]!r} has {strange[0].swapcase()!r}, which is no letter "
            f"of the training words; give one word of {''.join(sorted(known))}."
        )
    if len(letters) > longest:
        raise xp.UsageError(
            f"--pronounce: a word of {len(letters)} letters is longer than the {longest} that the "
            "model has seen; divide it."
        )
    return " ".join(letters)


def pronounce(console: xp.Console, config: Config) -> None:
    """Pronounces what --pronounce gives, by the run in --workdir."""
    saved = xp.saved_config(config)
    model, params, encoding = pair_tasks.trained(saved, WordVocabulary)
    answers = ed.answering(saved, model, encoding)
    for words in sentences.given(config.pronounce, "--pronounce"):
        found = answers(params, [spelt(word, encoding, saved.max_length) for word in words])
        for own in found.tokens:
            console.out(encoding.target.decode(own[0]), highlight=False)


def trained_model(config: Config) -> Model:
    """What a run has learnt: a function from letters to phonemes."""
    title = f"{config.cell} {config.hidden_size}, from letters to sounds"
    return pair_tasks.exported(config, WordVocabulary, title, "a word's letters", "its phonemes")


EXPERIMENT = xp.Experiment(
    name="letters_to_sounds", config=Config, presets=PRESETS, load=pronunciations.load,
    problem=problem, describe=lambda config, data: [data.described()], report=report, draw=draw,
    metrics=(*pair_tasks.METRICS, xp.Metric("per", False), xp.Metric("wer", False)),
    baselines=baselines, commands={"pronounce": pronounce},
    trained_model=trained_model,
)  # fmt: skip

if __name__ == "__main__":
    xp.launch(EXPERIMENT)

"""Translates sentences: an encoder reads one, a decoder with attention writes the other.

    python experiments/translation.py --data_dir=DIR                # Multi30k, German to English
    python experiments/translation.py --preset=seq2seq --data_dir=DIR     # published: BLEU 13.76
    python experiments/translation.py --source=MINE.de --target=MINE.en   # two files of your own
    python experiments/translation.py --workdir=RUN --translate="ein hund läuft ."

Words of both languages are numbered by frequency, or with ``--units=subwords`` their pieces are.
Training gives the decoder the right words so far; a translation gives it its own. Without Multi30k
and without a network, number words written by a program stand in, which can be translated without
a mistake.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rnnjax.outset import begin

if __name__ == "__main__":
    begin()  # before the imports, which take seconds

import numpy as np

import rnnjax.experiment as xp
from rnnjax.data import multi30k, translations
from rnnjax.data.codes import WordVocabulary
from rnnjax.data.pairs import PairDataset, Pairs
from rnnjax.data.subwords import Subwords
from rnnjax.data.word_table import WordTable
from rnnjax.experiment import encoder_decoder as ed
from rnnjax.experiment import looked_at, pair_tasks, sentences
from rnnjax.experiment.bleu import bleu, raw_bleu
from rnnjax.export import Model
from rnnjax.models import EncoderDecoder
from rnnjax.reports import plots

UNITS = ("words", "subwords")
TUTORIAL = {  # sizes and rates of the published notebooks
    "embedding_size": 256, "hidden_size": 512, "dropout": 0.5, "readout_dropout": 0.0,
    "learning_rate": 1e-3, "schedule": "constant", "batch_size": 128, "epochs": 10,
    "units": "words",
}  # fmt: skip
PRESETS = {
    "seq2seq": TUTORIAL | {
        "cell": "lstm", "num_layers": 2, "bidirectional": False, "decoder": "plain",
        "bridge": "copy", "readout": "plain", "uniform": 0.08, "reverse_source": True,
    },
    "cho": TUTORIAL | {
        "cell": "gru", "bidirectional": False, "decoder": "context", "bridge": "copy",
        "readout": "wide",
    },
    "bahdanau": TUTORIAL | {
        "cell": "gru", "bidirectional": True, "decoder": "attending", "attention": "additive",
        "bridge": "tanh", "readout": "wide",
    },
    "best": {
        "units": "subwords", "hidden_size": 256, "embedding_size": 256, "decoder": "conditional",
        "tied": True, "dropout": 0.3, "memory_dropout": 0.3,
        "readout_dropout": 0.3, "label_smoothing": 0.1, "epochs": 30, "beam_size": 5,
        "length_penalty": 1.0, "batch_size": 64,
    },
}  # fmt: skip


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(ed.Config):
    dataset: str = xp.setting("auto", "which sentences", choices=translations.DATASETS)
    direction: str | None = xp.setting(None, "from what into what, such as de-en or en-fr")
    source: str | None = xp.setting(
        None, "a text file of your own, a sentence a line", is_path=True
    )
    target: str | None = xp.setting(None, "its translation, line by line", is_path=True)
    units: str = xp.setting("words", "what is numbered", choices=UNITS)
    merges: int = xp.setting(10_000, "of pieces of words, in both languages", at_least=0)
    learning_rate: float = xp.setting(2e-3, "learning rate of the first step", positive=True)
    batch_size: int = xp.setting(64, "pairs per step", at_least=1)
    epochs: int | None = xp.setting(8, "passes over the training pairs", at_least=1)
    translate: str | None = xp.command(
        "a sentence to translate with the run in --workdir, or - for one per line of standard input"
    )

    num_answers: int = xp.setting(
        1, "with --translate, the best so many, with their scores", at_least=1, changes_result=False
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.source is None) != (self.target is None):
            raise xp.UsageError("--source and --target belong together; give both files.")


def load(
    dataset: str, data_dir: str | None, *, direction: str | None, source: str | None,
    target: str | None, progress: Any,
) -> PairDataset:  # fmt: skip
    """The sentences that the settings name."""
    files = None if source is None or target is None else (source, target)
    return translations.load(dataset, data_dir, direction=direction, files=files, progress=progress)


def encoding_of(config: Config, train: Pairs) -> ed.Encoding:
    """Words or pieces of words, as training has them."""
    targets = [text for own in train.references for text in own]
    if config.units == "words":
        both = WordVocabulary.of(train.sources), WordVocabulary.of(targets)
        return ed.Encoding(*both, config.reverse_source)
    joint = Subwords.learnt([*train.sources, *targets], config.merges)
    return ed.Encoding(joint, joint, config.reverse_source)


def problem(config: Config, layout: xp.Layout, data: PairDataset) -> xp.Problem:
    """What is to be learnt: each word of a translation, after those before it."""

    def measure(translated: list[str], references: Sequence[Sequence[str]]) -> dict[str, float]:
        return {"test_bleu": bleu(translated, references).score}

    return pair_tasks.problem(config, layout, data, encoding_of(config, data.train), measure)


CODES = {"words": WordVocabulary, "subwords": Subwords}


def trained(config: Config) -> tuple[EncoderDecoder, Any, ed.Encoding]:
    """The model of a run, its parameters, and what its numbers stand for."""
    return pair_tasks.trained(config, CODES[config.units])


def trained_model(config: Config) -> Model:
    """What a run has learnt: a function from sentences to their translations."""
    title, kind = f"{config.cell} {config.hidden_size}, a translation", CODES[config.units]
    return pair_tasks.exported(config, kind, title, "a sentence", "its translation")


LENGTHS = (8, 12, 16)
"""Words of a source, up to which and above which translations are scored apart."""
LONGEST_SHOWN = 12
NUM_SHOWN = 4
VERB_LAST = re.compile(r" , (der|die|das|den|dem|während|weil|dass|wie) ([^,]* )?\w+(t|en) \.$")
"""German clauses that end in a verb."""


def report(run: xp.Outcome) -> dict[str, Any]:
    """Some translations, BLEU by length of the source, and that of all seeds together."""
    test, texts = run.data.test, run.outputs[0]
    for source, own, (right, *_) in zip(test.sources[:5], texts, test.references, strict=False):
        run.console.print(f"{source}\n  {own}\n  right: {right}", highlight=False, markup=False)
    found: dict[str, Any] = {"bleu_signature": bleu(texts, test.references).signature}
    found["bleu_by_length"] = by_length(test, texts)
    for words, score in found["bleu_by_length"].items():
        run.console.print(f"{words}: BLEU {score:.2f}")
    found |= against_raw(run)
    if run.config.num_seeds > 1:
        encoding = encoding_of(run.config, run.data.train)
        ask = ed.answering(run.config, run.problem.model, encoding, is_ensemble=True)
        answers = ask(run.params, test.sources).tokens
        together = [encoding.target.decode(best) for best, *_ in answers]
        found["ensemble_bleu"] = bleu(together, test.references).score
        run.console.print(f"all seeds together: BLEU {found['ensemble_bleu']:.2f}")
    return found


def against_raw(run: xp.Outcome) -> dict[str, Any]:
    """BLEU against the test's sentences as people wrote them, where they are there."""
    raw, codes = run.data.test.raw_references, {v: k for k, v in multi30k.LANGUAGES.items()}
    if raw is None:
        return {}
    try:
        each = [raw_bleu(own, raw, codes[run.data.target_language]) for own in run.outputs]
    except xp.UsageError as error:  # no reason to lose the report of a training
        run.console.print(str(error), soft_wrap=True)
        return {}
    score, signature = float(np.mean([own.score for own in each])), each[0].signature
    run.console.print(f"against raw texts: BLEU {score:.2f} ({signature})", soft_wrap=True)
    return {"raw_bleu": score, "raw_bleu_signature": signature}


def baselines(run: xp.Outcome) -> xp.Baselines:
    """What a table of words reaches, which knows no order."""
    table, test = WordTable.learnt(run.data.train), run.data.test
    answers = [table.translate(source) for source in test.sources]
    return {"word table": {"test_bleu": bleu(answers, test.references).score}}


def by_length(test: Pairs, texts: Sequence[str]) -> dict[str, float]:
    """BLEU of the sources of each range of lengths, where there are any."""
    lengths = np.array([len(source.split()) for source in test.sources])
    found = {}
    for low, high in itertools.pairwise((0, *LENGTHS, 10**9)):
        places = np.nonzero((lengths > low) & (lengths <= high))[0].tolist()
        if places:
            name = f"{low + 1} to {high} words" if high < 10**9 else f"more than {low} words"
            right = [test.references[i] for i in places]
            found[name] = bleu([texts[i] for i in places], right).score
    return found


def telling(sources: Sequence[str]) -> list[int]:
    """The places of some short sentences, of German ones with its verb last, or a compound noun."""
    short = [i for i, source in enumerate(sources) if len(source.split()) <= LONGEST_SHOWN]
    verb_last = [i for i in short if VERB_LAST.search(sources[i])]
    by_word = sorted(short, key=lambda i: -max(len(w) * w.isalpha() for w in sources[i].split()))
    return list(dict.fromkeys([*verb_last[:1], *by_word[:1], *short]))[:NUM_SHOWN]


def draw(folder: Path, run: xp.Outcome) -> None:
    """The curves, what was looked at, and all translations of the test beside the right ones."""
    title, test = run.problem.title, run.data.test
    plots.plot_losses(folder / "curves.png", title, run.history, {})
    plots.plot_scores(folder / "lengths.png", title, by_length(test, run.outputs[0]), "BLEU")
    encoding, places = encoding_of(run.config, run.data.train), telling(test.sources)
    looked_at.draw_attention(folder / "attention.png", run, encoding, places, columns=2)
    each = zip(test.sources, run.outputs[0], test.references, strict=True)
    lines = [f"{source}\n  {own}\n  right: {right}\n" for source, own, (right, *_) in each]
    (folder / "translations.txt").write_text("\n".join(lines), encoding="utf-8")


def translate(console: xp.Console, config: Config) -> None:
    """Translates what --translate gives, by the run in --workdir."""
    saved = xp.saved_config(config)
    model, params, encoding = trained(saved)
    number = config.num_answers
    wider = dataclasses.replace(saved, beam_size=max(saved.beam_size, number))
    answers = ed.answering(wider, model, encoding, num_results=number)
    for texts in sentences.given(config.translate, "--translate"):
        for text in texts:
            if len(encoding.source.encode(text)) > saved.max_length:
                raise xp.UsageError(
                    f"--translate: a sentence of {len(text.split())} words is longer than the "
                    f"{saved.max_length} symbols that the model has seen; divide it."
                )
        found = answers(params, texts)
        for own, scores in zip(found.tokens, found.scores, strict=True):
            for numbers, score in zip(own, scores, strict=True):
                front = f"{score:8.3f}  " if number > 1 else ""
                console.out(front + encoding.target.decode(numbers), highlight=False)


EXPERIMENT = xp.Experiment(
    name="translation", config=Config, presets=PRESETS, load=load,
    load_by=("direction", "source", "target"), problem=problem,
    describe=lambda config, data: [data.described()], report=report, draw=draw,
    metrics=(*pair_tasks.METRICS, xp.Metric("bleu")), commands={"translate": translate},
    baselines=baselines, trained_model=trained_model,
)  # fmt: skip

if __name__ == "__main__":
    xp.launch(EXPERIMENT)

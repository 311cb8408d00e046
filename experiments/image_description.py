"""Says in words what a picture shows: "Show and Tell", and "Show, Attend and Tell".

    python experiments/image_description.py --data_dir=DIR                   # emoji and their names
    python experiments/image_description.py --preset=show_and_tell --data_dir=DIR
    python experiments/image_description.py --dataset=mnist_scenes           # sentences on digits
    python experiments/image_description.py --workdir=RUN --describe=PICTURE.png

Convolutions read a picture; a recurrent decoder writes word by word, and at each one looks at the
places of the picture (attention), or has read the picture as one vector before. Further tests ask
for combinations of words that training lacks. Without emoji and without a network, scenes of digits
drawn by a program stand in.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rnnjax.outset import begin

if __name__ == "__main__":
    begin()  # before the imports, which take seconds

import jax
import jax.numpy as jnp
import numpy as np

import rnnjax
import rnnjax.experiment as xp
from rnnjax import attention as at
from rnnjax.data import description_tasks, emoji
from rnnjax.data.codes import WordVocabulary
from rnnjax.data.described_pictures import DescribedPictures
from rnnjax.data.description_metrics import nearest_picture
from rnnjax.data.picture_file import read_picture
from rnnjax.experiment import describing as ds
from rnnjax.experiment import encoder_decoder as ed
from rnnjax.experiment.pair_tasks import best_answers, told_of_answers
from rnnjax.export import Array, Model
from rnnjax.models import PictureDescriber
from rnnjax.reports import plots
from rnnjax.training.sequence_losses import scoring_symbols

WORDS, KIND = "words.json", "pictures.json"
BEAMS = 5
"""Of the report, beside the likeliest word each time."""
RATE: Any = {"at_least": 0, "below": 1}
SCENES = {"channels": "32,64,128,128", "dropout": 0.1, "learning_rate": 2e-3, "epochs": 25}
SUITED = dict.fromkeys(ds.SCENES, SCENES)
PUBLISHED = {  # the papers' ideas, an LSTM of 512 and a large network for pictures scaled down
    "cell": "lstm", "hidden_size": 256, "embedding_size": 128, "dropout": 0.5,
    "optimizer": "adam", "learning_rate": 1e-3,
}  # fmt: skip
PRESETS = {
    "show_and_tell": PUBLISHED | {"attention": False},
    "show_attend_and_tell": PUBLISHED | {"attention": True},
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(xp.Config):
    dataset: str = xp.setting("auto", "which pictures", choices=description_tasks.DATASETS)
    style: str | None = xp.setting(
        None, "whose emoji (default: google); unknown_hand tests known ones in Twitter's hand",
        choices=emoji.STYLES,
    )  # fmt: skip
    language: str | None = xp.setting(
        None, "of the emoji's names (default: english)", choices=emoji.LANGUAGES
    )
    cell: str = xp.setting("lstm", "recurrent cell", choices=rnnjax.CELLS)
    hidden_size: int = xp.setting(256, "units of each recurrent layer", at_least=1)
    embedding_size: int = xp.setting(128, "features of a word", at_least=1)
    attention: bool = xp.setting(True, "look at the places of the picture for each word")
    scoring: str = xp.setting("additive", "how places are scored for it", choices=ed.ATTENTIONS)
    channels: str = xp.setting(
        "32,64,128", "features after each convolution, of which each halves the picture's sides"
    )
    dropout: float = xp.setting(0.5, "rate, on what the decoder reads and gives", **RATE)
    shift: int = xp.setting(
        2, "in training, pixels that a picture is shifted by at most", at_least=0, at_most=1000
    )
    initialization: str = xp.setting("torch", "distributions", choices=("keras", "torch"))
    max_length: int = xp.setting(40, "most words of a description, its end counted", at_least=2)
    learning_rate: float = xp.setting(1e-3, "learning rate of the first step", positive=True)
    schedule: str = xp.setting("cosine", "how the rate falls", choices=xp.SCHEDULES)
    clip_norm: float | None = xp.setting(5.0, "largest norm of the gradient", positive=True)
    batch_size: int = xp.setting(64, "pictures per step", at_least=1)
    epochs: int | None = xp.setting(60, "passes over the training pictures", at_least=1)
    keep_best: bool = xp.setting(True, "end with the parameters that validated best")
    beam_size: int = xp.setting(1, "texts searched at a time; 1: the likeliest word", at_least=1)
    length_penalty: float = xp.setting(0.0, "exponent that favours long texts", at_least=0)
    describe: str | None = xp.setting(
        None, "a PNG file to describe with the run in --workdir", is_path=True, is_command=True,
        needs_run=True, changes_result=False,
    )  # fmt: skip
    sheet: bool = xp.setting(
        False, "with --describe, draw beside the file where each word was looked for",
        changes_result=False,
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        sizes = xp.whole_numbers("--channels", self.channels)
        if not 1 <= len(sizes) <= 16 or 0 in sizes:
            raise xp.UsageError(
                f"--channels={self.channels} must be 1 to 16 numbers from 1 on, one of each "
                "convolution, such as 32,64,128."
            )
        if self.sheet and self.trains:
            raise xp.UsageError("--sheet belongs to --describe; give the picture as well.")

    @classmethod
    def suited_to(cls, given: Mapping[str, Any]) -> Mapping[str, Any]:
        return SUITED.get(given.get("dataset", ""), {})


def build_model(config: Config, num_words: int) -> PictureDescriber:
    """Convolutions and a decoder, with attention or without."""
    channels = xp.whole_numbers("--channels", config.channels)
    how: Any = {"initialization": config.initialization}
    decoder: Any = xp.build_layer(config, config.embedding_size, dropout=config.dropout, **how)
    if config.attention:
        size = config.hidden_size
        scoring = ed.ATTENTIONS[config.scoring](size, channels[-1], how)
        decoder = at.Attending(decoder, scoring, **how)
    same = ("embedding_size", "dropout", "shift", "initialization")
    return PictureDescriber(
        num_words, decoder, channels=channels, **{name: getattr(config, name) for name in same}
    )


def initial(model: PictureDescriber, kind: ds.Kind) -> Any:
    """The function that draws the model's parameters."""
    shapes = ((1, *kind.shape), jnp.uint8), ((1, 2), jnp.int32)
    return xp.initializing(model, *(jax.ShapeDtypeStruct(*shape) for shape in shapes))


def problem(config: Config, layout: xp.Layout, data: DescribedPictures) -> xp.Problem:
    """What is to be learnt: each word of a description, after those before it."""
    words = WordVocabulary.of((t for own in data.train.descriptions for t in own), min_count=1)
    height, width, channels = data.train.pictures.shape[1:]
    kind = ds.Kind(height, width, channels, config.language or "english")
    model = build_model(config, len(words))
    train, validation, test = (
        ds.examples(part, words, config.max_length)
        for part in (data.train, data.validation, data.test)
    )
    loss, sums = ds.learning(config, model)
    validate = scoring_symbols(sums, validation, layout, "validation")
    score = scoring_symbols(sums, test, layout, "test")
    describe = ds.describing(config, model, words)

    def telling(name: str) -> Callable[[Any], list[list[str]]]:
        """Of each seed what it says of the pictures of a part."""
        seeds, pictures = range(layout.num_seeds), getattr(data, name).pictures
        return lambda params: [describe(layout.part(params, s), pictures) for s in seeds]

    told = {"validation": telling("validation"), "test": xp.remembered(telling("test"))}

    def judged(params: Any, name: str) -> dict[str, np.ndarray]:
        part = getattr(data, name)
        each = [ds.judged(data, part, own) for own in told[name](params)]
        figures = {kind: np.array([one[kind] for one in each]) for kind in each[0]}
        single = layout.num_seeds == 1
        return {f"{name}_{k}": v[0] if single else v for k, v in figures.items()}

    init = initial(model, kind)
    return xp.Problem(
        title=xp.run_title(config, config.cell, data, *["attention"] * config.attention),
        dataset=data, model=model, init=init, keys=layout.keys(config.seed, 2), loss=loss,
        batches=xp.ExampleBatches(len(train.pictures), config.batch_size, shuffle=True), data=train,
        evaluate=lambda params: validate(params) | judged(params, "validation"),
        test=lambda params: score(params) | judged(params, "test"), watched="validation",
        best_by=xp.Metric("f1"), keep_best=config.keep_best,
        files=files_of(words, kind),
        predict=told["test"],
        needs=xp.needs_of(
            config, layout, init, layer=model.decoder, time_steps=train.targets.shape[-1],
            data=xp.num_bytes((train, validation, test)), data_flags="--dataset",
            outputs=len(words),
        ),
    )  # fmt: skip


def trained(config: Config) -> tuple[PictureDescriber, Any, WordVocabulary, ds.Kind]:
    """The model of a run, its parameters, the words that it knows and the kind of its pictures."""
    words = WordVocabulary.from_json(xp.read_file(config, WORDS))
    kind = ds.Kind.from_json(xp.read_file(config, KIND))
    model = build_model(config, len(words))
    return model, xp.load_model(config, initial(model, kind)), words, kind


def trained_model(config: Config) -> Model:
    """What a run has learnt: a function from pictures to words."""
    model, params, words, kind = trained(config)
    how = ds.how_to_describe(config)
    return Model(
        title=f"{config.cell} {config.hidden_size}, which describes pictures",
        apply=functools.partial(best_answers, model, how), params=params,
        inputs={"pictures": Array(("batch", *kind.shape), "uint8", "from 0 to 255")},
        outputs=told_of_answers("a description", how),
        notes=f"`{WORDS}` has the words by number.", files=files_of(words, kind),
    )  # fmt: skip


def files_of(words: WordVocabulary, kind: ds.Kind) -> dict[str, str]:
    """What the parameters mean nothing without."""
    return {WORDS: words.to_json() + "\n", KIND: kind.to_json()}


def of_first_seed(run: xp.Outcome) -> tuple[PictureDescriber, Any, WordVocabulary, ds.Kind]:
    """The same of a run that is still at hand; of several seeds the first one's."""
    files = run.problem.files
    words, kind = WordVocabulary.from_json(files[WORDS]), ds.Kind.from_json(files[KIND])
    return run.problem.model, run.params_of(0), words, kind


@functools.lru_cache(maxsize=1)
def written(run: xp.Outcome) -> dict[str, dict[str, list[str]]]:
    """What the first seed writes in each test, as the settings say and with `BEAMS` beams."""
    model, params, words, _ = of_first_seed(run)
    write, search = (ds.describing(run.config, model, words, size) for size in (None, BEAMS))
    told: dict[str, dict[str, list[str]]] = {}
    for name, part in {"test": run.data.test, **run.data.tests}.items():
        own = run.outputs[0] if name == "test" else write(params, part.pictures)
        told[name] = {"written": own, f"{BEAMS} beams": search(params, part.pictures)}
    return told


def report(run: xp.Outcome) -> dict[str, Any]:
    """The further tests, and the test with several beams."""
    texts = written(run)
    searched = ds.judged(run.data, run.data.test, texts["test"][f"{BEAMS} beams"])
    tests = ds.further(run.data, {name: texts[name]["written"] for name in run.data.tests})
    for name, figures in {f"test, {BEAMS} beams": searched, **tests}.items():
        shown = ", ".join(f"{kind.replace('_', ' ')} {v:.4f}" for kind, v in figures.items())
        run.console.print(f"{name}: {shown}", soft_wrap=True)
    return {f"beams_{BEAMS}": searched, "tests": tests}


def draw(folder: Path, run: xp.Outcome) -> None:
    """The curves; pictures with the truth and what was written; where the words were looked for."""
    title, (model, params, words, kind) = run.problem.title, of_first_seed(run)
    plots.plot_losses(folder / "curves.png", title, run.history, {})
    parts = {"test": run.data.test, **run.data.tests}
    for name, texts in written(run).items():
        path = folder / f"{name.replace(' ', '_')}.png"
        say(run.console, ds.draw_sheet(path, f"{title}\n{name}", parts[name], texts, kind))
    if not run.config.attention:
        return
    for i, text in enumerate(written(run)["test"]["written"][:4]):
        path, picture = folder / f"attention_{i}.png", run.data.test.pictures[i]
        say(run.console, ds.draw_looks(path, model, params, picture, text, words, kind))


def say(console: xp.Console, sentence: str | None) -> None:
    """Shows why something was not drawn, where it was not."""
    if sentence is not None:
        console.print(sentence, soft_wrap=True)


def describe(console: xp.Console, config: Config) -> None:
    """Says what --describe shows, by the run in --workdir."""
    saved = xp.saved_config(config)
    if config.sheet and not saved.attention:
        raise xp.UsageError(
            "--sheet draws attention, and the run in --workdir has none; leave it out, or train "
            "with --attention."
        )
    model, params, words, kind = trained(saved)
    path = Path(str(config.describe)).expanduser()
    picture = read_picture(path, kind.shape)
    (text,) = ds.describing(saved, model, words)(params, picture[None])
    console.out(emoji.as_name(text, kind.language), highlight=False)
    if config.sheet:
        sheet = path.with_name(f"{path.stem}-attention.png")
        told = ds.draw_looks(sheet, model, params, picture, text, words, kind)
        say(console, told or f"written to {sheet}")


EXPERIMENT = xp.Experiment(
    name="image_description", config=Config, presets=PRESETS, load=description_tasks.load,
    load_by=("style", "language"), problem=problem,
    describe=lambda config, data: [data.described()], report=report, draw=draw,
    metrics=(xp.Metric("perplexity", False), xp.Metric("exact"), xp.Metric("f1")),
    commands={"describe": describe}, trained_model=trained_model,
    baselines=lambda run: {
        "nearest picture": {
            f"test_{k}": v for k, v in nearest_picture(run.data.test, run.data.train).items()
        }
    },
)  # fmt: skip

if __name__ == "__main__":
    xp.launch(EXPERIMENT)

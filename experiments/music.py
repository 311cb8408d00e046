"""Learns to foretell the next frame of a piece of music, and so to compose.

    python experiments/music.py --data_dir=DIR                     # Bach's chorales in quarters
    python experiments/music.py --dataset=jsb16 --data_dir=DIR     # their four voices in sixteenths
    python experiments/music.py --midi_dir=FOLDER                  # your own .mid files
    python experiments/music.py --dataset=canon                    # made up; the limit is known
    python experiments/music.py --workdir=RUN --sample --length=64 --seed=3
    python experiments/music.py --workdir=RUN --sample --voices=soprano   # harmonises a melody

Of a piano roll each of the 88 keys sounds or not, independent of the others given the past; the
loss is the sum of their cross-entropies, the mean over all predicted frames of a part. Of four
voices each is given the past and the voices above; the loss is that of a note. The first frame of
a piece is given. Without the chorales, a canon made up by a program stands in.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rnnjax.outset import begin

if __name__ == "__main__":
    begin()  # before the imports, which take seconds

import jax
import jax.numpy as jnp

import rnnjax
import rnnjax.experiment as xp
from rnnjax.data import chorales, roll_baselines
from rnnjax.data.music_pieces import NUM_KEYS, VOICES, Music, Pieces
from rnnjax.experiment import composing
from rnnjax.export import Array, Model
from rnnjax.models import PianoRollModel, VoicesModel
from rnnjax.models.transposing import transposed_rolls, transposed_voices
from rnnjax.reports import plots
from rnnjax.reports.piano_roll import plot_probabilities
from rnnjax.training.sequence_losses import mean_by_symbol, scoring_symbols, sums_by_row

KIND = "music.json"
LOAD_BY = ("roll", "midi_dir", "per_quarter")
SHOWN = 64
"""Quarters of the pieces that are drawn."""
RATE: Any = {"at_least": 0, "below": 1}
WRITING: Any = {"changes_result": False}
OWN: Any = {"transpose": 5}  # pieces in many keys
SUITED = {
    "jsb16": {
        "dropout": 0.3, "state_dropout": 0.0, "batch_size": 16,
        "learning_rate": 2e-3, "transpose": 5, "window": 192, "epochs": 60,
    },
    "piano_midi": OWN | {"epochs": 40},
    "canon": {
        "cell": "gru", "hidden_size": 128, "input_dropout": 0.0, "dropout": 0.0,
        "state_dropout": 0.0, "learning_rate": 1e-2, "epochs": 40,
    },
}  # fmt: skip
PRESETS = {
    "tcn_lstm": {  # layers, dropout and limit of the gradient of Bai, Kolter and Koltun
        "cell": "lstm", "num_layers": 2, "hidden_size": 200, "dropout": 0.2, "input_dropout": 0.0,
        "state_dropout": 0.0, "transpose": 0, "skip": False, "average": None, "clip_norm": 1.0,
    },
}  # fmt: skip


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(xp.Config):
    dataset: str = xp.setting("auto", "which pieces", choices=chorales.DATASETS)
    roll: str | None = xp.setting(
        None, "a .mat file of piano rolls of your own instead", is_path=True
    )
    midi_dir: str | None = xp.setting(
        None, "a folder of MIDI files of your own instead", is_path=True
    )
    per_quarter: int = xp.setting(
        4, "frames of a quarter note, of your own files", at_least=1, at_most=48
    )
    cell: str = xp.setting("lstm", "recurrent cell", choices=rnnjax.CELLS)
    num_layers: int = xp.setting(1, "recurrent layers", at_least=1, at_most=64)
    hidden_size: int = xp.setting(256, "units of each recurrent layer", at_least=1)
    embedding_size: int = xp.setting(32, "features of a note, of voices", at_least=1)
    input_dropout: float = xp.setting(0.2, "rate, on what the first layer reads", **RATE)
    dropout: float = xp.setting(0.5, "rate, on what layers give", **RATE)
    state_dropout: float = xp.setting(0.2, "rate, on the state that a layer reads", **RATE)
    skip: bool = xp.setting(True, "of rolls, a matrix from each frame straight to the next one")
    transpose: int = xp.setting(
        0, "in training, semitones that a piece is moved by at most", at_least=0, at_most=24
    )
    initialization: str = xp.setting("keras", "distributions", choices=("keras", "torch"))
    window: int = xp.setting(
        200, "frames that training pieces are cut to, each part from an empty state", at_least=1
    )
    length_groups: int = xp.setting(
        3, "lengths that batches are cut to, each with a program of its own", at_least=1
    )
    batch_size: int = xp.setting(8, "pieces per step", at_least=1)
    learning_rate: float = xp.setting(5e-3, "learning rate of the first step", positive=True)
    schedule: str = xp.setting("cosine", "how the rate falls", choices=xp.SCHEDULES)
    clip_norm: float | None = xp.setting(1.0, "largest norm of the gradient", positive=True)
    average: float | None = xp.setting(
        0.99, "evaluate and keep an average of the parameters with this decay", above=0, below=1
    )
    epochs: int | None = xp.setting(120, "passes over the training pieces", at_least=1)
    keep_best: bool = xp.setting(True, "end with the parameters that validated best")

    sample: bool = xp.setting(
        False, "compose with the run in --workdir", is_command=True, needs_run=True,
        changes_result=False,
    )  # fmt: skip
    length: int = xp.setting(64, "frames to compose", at_least=2, at_most=2_000, **WRITING)
    temperature: float = xp.setting(1.0, "below 1 bolder, 0 the likeliest", at_least=0, **WRITING)
    piece: int = xp.setting(
        0, "test piece, from 0, whose first frame to begin with", at_least=0, **WRITING
    )
    voices: str | None = xp.setting(
        None, "voices of that piece to keep, such as soprano or soprano,bass", **WRITING
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.roll is not None and self.midi_dir is not None:
            raise xp.UsageError("--roll and --midi_dir name two sets of pieces; give one of them.")

    @classmethod
    def suited_to(cls, given: Mapping[str, Any]) -> Mapping[str, Any]:
        if given.get("roll") is not None or given.get("midi_dir") is not None:
            return OWN
        return SUITED.get(given.get("dataset", ""), {})


def build_model(config: Config, num_symbols: int, per_quarter: int) -> Any:
    """Recurrent layers and what foretells a frame: keys, or voices where there are symbols."""

    def wrap(place: int, cell: rnnjax.Layer) -> rnnjax.Layer:
        rate = config.dropout if place else config.input_dropout
        if rate or config.state_dropout:
            return rnnjax.Dropout(cell, inputs=rate, state=config.state_dropout)
        return cell

    how: Any = {"initialization": config.initialization}
    if not num_symbols:
        layer = xp.build_layer(config, NUM_KEYS, wrap=wrap, **how)
        return PianoRollModel(layer, NUM_KEYS, config.dropout, config.skip, **how)
    places = 4 * per_quarter
    num_features = VoicesModel.input_size(len(VOICES), places, config.embedding_size)
    layer = xp.build_layer(config, num_features, wrap=wrap, **how)
    return VoicesModel(
        layer, num_symbols, len(VOICES), places, config.embedding_size, dropout=config.dropout,
        **how,
    )  # fmt: skip


def initial(model: Any) -> Callable[[jax.Array], Any]:
    """The function that draws the model's parameters."""
    width = len(VOICES) if isinstance(model, VoicesModel) else NUM_KEYS
    return xp.initializing(model, jax.ShapeDtypeStruct((1, 2, width), jnp.float32))


def problem(config: Config, layout: xp.Layout, data: Music) -> xp.Problem:
    """What is to be learnt: each frame of a piece, after those before it."""
    num_symbols = len(data.pitches)
    model = build_model(config, num_symbols, data.per_quarter)
    init, unit = initial(model), len(VOICES) if num_symbols else 1
    dtype = jnp.int32 if num_symbols else jnp.float32
    apply = xp.applying(config, model, lambda frames: frames.astype(dtype))
    if num_symbols and config.window % model.num_places:
        raise xp.UsageError(
            f"--window={config.window} cuts bars apart, which voices are told the place in; take a "
            f"multiple of {model.num_places}, such as {12 * model.num_places}."
        )
    train = data.train.cut(config.window)
    batches, cut = xp.batches_by_length(
        train.lengths, train.frames.shape[1], config.batch_size, config.length_groups
    )

    def loss(params: Any, carry: Any, batch: Any, key: jax.Array) -> tuple[jax.Array, Any]:
        frames, mask = batch[0]
        key, drawn = jax.random.split(key)
        if config.transpose and num_symbols:
            frames = transposed_voices(drawn, frames, config.transpose, num_symbols)
        elif config.transpose:
            frames = transposed_rolls(drawn, frames, config.transpose)
        nats = apply(params, frames, method="losses", training=True, rngs={"dropout": key})
        return mean_by_symbol(nats / unit, mask[:, 1:]), carry

    def sums(params: Any, pieces: Pieces) -> jax.Array:
        nats = apply(params, pieces.frames, method="losses")
        return sums_by_row(nats / unit, jnp.asarray(pieces.mask[:, 1:]))

    def scored(part: str) -> Callable[[Any], dict[str, Any]]:
        score, name = scoring_symbols(sums, getattr(data, part), layout, part), f"{part}_loss"
        return lambda params: {name: score(params)[name]}

    return xp.Problem(
        title=xp.run_title(config, config.cell, data), dataset=data, model=model, init=init,
        keys=layout.keys(config.seed, 2), loss=loss, batches=batches, data=(train,),
        cut=cut.of_first(layout), evaluate=scored("validation"), test=scored("test"),
        watched="validation", best_by=xp.LOSS, keep_best=config.keep_best,
        files={KIND: json.dumps([data.per_quarter, *data.pitches]) + "\n"},
        needs=xp.needs_of(
            config, layout, init, layer=model.layer, time_steps=train.frames.shape[1],
            data=xp.num_bytes((train, data.validation, data.test)), data_flags="--window",
            outputs=num_symbols * unit or NUM_KEYS,
        ),
    )  # fmt: skip


def report(run: xp.Outcome) -> dict[str, Any]:
    """The best loss, where it is known."""
    if run.data.best_loss is None:
        return {}
    run.console.print(f"best possible test loss {run.data.best_loss:.4f}")
    return {"best_loss": run.data.best_loss}


def draw(folder: Path, run: xp.Outcome) -> None:
    """The curves; how likely each key was in a test piece; a piece composed, in all forms."""
    data, model, title = run.data, run.problem.model, run.problem.title
    limits = {} if data.best_loss is None else {"best possible": data.best_loss}
    plots.plot_losses(folder / "curves.png", title, run.history, limits)
    length = SHOWN * data.per_quarter
    params, real = run.params_of(0), next(data.test.each())[:length]
    likely = composing.likely_keys(model, params, real, data.pitches)
    plot_probabilities(
        folder / "probabilities.png", title, likely, data.roll(real)[1:], data.per_quarter
    )
    how: Any = {"piece": 0, "length": length, "seed": run.config.seed}
    piece = composing.composed(model, params, data, **how)
    composing.write(run.console, folder, "composed", title, data, piece, real)


def trained(config: Config) -> tuple[Any, Any, list[int]]:
    """The model of a run, its parameters, and the MIDI numbers of its symbols."""
    per_quarter, *pitches = json.loads(xp.read_file(config, KIND))
    model = build_model(config, len(pitches), per_quarter)
    return model, xp.load_model(config, initial(model)), pitches


def sample(console: xp.Console, config: Config) -> None:
    """Composes what --length, --seed, --voices and their like ask for, by the run in --workdir."""
    saved = xp.saved_config(config)
    model, params, pitches = trained(saved)
    given = {name: getattr(saved, name) for name in LOAD_BY}
    data = chorales.load(saved.dataset, saved.data_dir, **given)
    if [*data.pitches] != pitches:
        raise xp.UsageError(
            f"--workdir={config.workdir} was trained on other pieces than {data.name}; name those "
            "of that run with --data_dir."
        )
    same = ("piece", "length", "seed", "temperature", "voices")
    piece = composing.composed(model, params, data, **{n: getattr(config, n) for n in same})
    real = data.test.frames[config.piece, : data.test.lengths[config.piece]]
    stem = f"sample-{config.seed}" + f"-{config.voices}" * (config.voices is not None)
    folder = Path(str(config.workdir)).expanduser()
    title = f"composed by {xp.run_title(saved, saved.cell, data)}, seed {config.seed}"
    files = composing.write(console, folder, stem, title, data, piece, real)
    console.print(f"written to {folder}: {', '.join(files)}", soft_wrap=True)


def trained_model(config: Config) -> Model:
    """What a run has learnt: a function of a piece, what it says of each next frame."""
    model, params, pitches = trained(config)
    width, top = (len(VOICES), len(pitches)) if pitches else (NUM_KEYS, 2)

    def apply(params: Any, frames: jax.Array, *after: jax.Array) -> dict[str, jax.Array]:
        if after:
            found = model.apply({"params": params}, frames, *after, method="next_logits")
            return {"logits": found}
        return {"logits": model.apply({"params": params}, frames.astype(jnp.float32))[1]}

    def array(what: str) -> Array:
        return Array(("batch", "time", width), "int32", what, below=top)

    inputs = {"frames": array("of a piece, from its first one on")}
    if pitches:
        inputs["next_frames"] = array("the same piece a frame later; read for the voices above")
    what = "of each symbol of each voice, given those above" if pitches else "of each key"
    return Model(
        title=f"{config.cell} {config.hidden_size} for {xp.saved_dataset(config)}", apply=apply,
        params=params, files={KIND: xp.read_file(config, KIND)},
        inputs=inputs, outputs={"logits": f"{what}, in the frame after each"},
        notes=f"`{KIND}` has the frames of a quarter note, then the MIDI numbers of symbols.",
    )  # fmt: skip


EXPERIMENT = xp.Experiment(
    name="music", config=Config, presets=PRESETS, load=chorales.load, load_by=LOAD_BY,
    problem=problem, metrics=(), describe=lambda config, data: [data.described()], report=report,
    draw=draw, baselines=lambda run: roll_baselines.metrics(run.data), commands={"sample": sample},
    trained_model=trained_model,
)  # fmt: skip

if __name__ == "__main__":
    xp.launch(EXPERIMENT)

"""Understands strings of spoken digits: a network that reads both ways, and CTC.

    python experiments/speech_digits.py --data_dir=DIR                  # real voices
    python experiments/speech_digits.py --data_dir=DIR --leave_out=1    # another unheard voice
    python experiments/speech_digits.py --dataset=telephone_tones       # no data, no network
    python experiments/speech_digits.py --workdir=RUN --transcribe=FILE.wav

Strings are put together from recordings of single digits, new ones in every epoch, so that every
boundary is known, and nothing of it is learnt from: connectionist temporal classification finds
where the digits are. Tested are known voices and one that was never heard in training. Without the
recordings, telephone tones that a program makes stand in.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
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
from rnnjax.data import log_mel, nearest_digits, spoken_digits
from rnnjax.data.spoken_digits import SpokenDigits
from rnnjax.experiment import spoken
from rnnjax.export import Array, Model
from rnnjax.models import SequenceTagger
from rnnjax.reports import plots
from rnnjax.reports.spoken_strings import plot_occupancy, plot_spikes

PRESETS = {
    "full": {"hidden_size": 256, "epochs": 30},
    "plain": {"augment": False, "noise": 0.1, "dropout": 0.0, "learning_rate": 1e-3},
}
SUITED = {"telephone_tones": {"hidden_size": 32, "epochs": 5}}
RATE: Any = {"at_least": 0, "below": 1}
METRICS = xp.Metric("digit_error", False), xp.Metric("string_accuracy")
NUM_VALIDATION, NUM_TEST, NUM_UNHEARD = 100, 500, 200


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(xp.Config):
    dataset: str = xp.setting("auto", "which recordings", choices=spoken_digits.DATASETS)
    leave_out: int | None = xp.setting(
        None, "one of the five voices, to test as the unheard one instead of the sixth",
        at_least=1, at_most=5,
    )  # fmt: skip
    cell: str = xp.setting("lstm", "recurrent cell", choices=rnnjax.CELLS)
    hidden_size: int = xp.setting(128, "units of each recurrent layer, each way", at_least=1)
    num_layers: int = xp.setting(2, "recurrent layers", at_least=1, at_most=64)
    dropout: float = xp.setting(0.3, "rate, between the layers", **RATE)
    augment: bool = xp.setting(
        True, "in training, change the speed and leave out bands and stretches of time"
    )
    speed_change: float = xp.setting(
        0.15, "with --augment, the share by which a string is played slower or faster at most",
        at_least=0, at_most=0.5,
    )  # fmt: skip
    noise: float = xp.setting(
        0.4, "in training, deviation of what is added to each feature, whose own is 1", at_least=0
    )
    strings: int = xp.setting(5000, "new strings in each epoch", at_least=1, at_most=10**6)
    length_groups: int = xp.setting(
        4, "groups of batches by length, each a program", at_least=1, at_most=100
    )
    batch_size: int = xp.setting(32, "strings per step", at_least=1)
    learning_rate: float = xp.setting(3e-3, "learning rate of the first step", positive=True)
    schedule: str = xp.setting("cosine", "how the rate falls", choices=xp.SCHEDULES)
    clip_norm: float | None = xp.setting(1.0, "largest norm of the gradient", positive=True)
    epochs: int | None = xp.setting(12, "passes over as many strings", at_least=1)
    beam_size: int = xp.setting(25, "prefixes searched at a time, in the test", at_least=1)

    transcribe: str | None = xp.setting(
        None, "a WAV file whose digits to tell with the run in --workdir", is_path=True,
        is_command=True, needs_run=True, changes_result=False,
    )  # fmt: skip

    @classmethod
    def suited_to(cls, given: Mapping[str, Any]) -> Mapping[str, Any]:
        return SUITED.get(given.get("dataset", ""), {})


def build_model(config: Config) -> SequenceTagger:
    """Recurrent layers, each read both ways, and a dense layer to the digits and the blank."""
    layers: list[rnnjax.Layer] = []
    for _ in range(config.num_layers):
        size = layers[-1].output_size if layers else log_mel.FEATURES
        layers.append(rnnjax.Bidirectional(xp.build_cell(config, size)))
    return SequenceTagger(rnnjax.Stack(tuple(layers), dropout=config.dropout), spoken.CLASSES)


def initial(model: SequenceTagger) -> Any:
    """The function that draws the model's parameters."""
    return xp.initializing(model, jax.ShapeDtypeStruct((1, 2, log_mel.FEATURES), jnp.float32))


def problem(config: Config, layout: xp.Layout, data: SpokenDigits) -> xp.Problem:
    """What is to be learnt: the digits of a string, wherever in it they are."""
    model = build_model(config)
    apply, init = xp.applying(config, model), initial(model)
    per_epoch = math.ceil(config.strings / config.batch_size)
    parts = config.epochs or math.ceil((config.steps or 1) / per_epoch)
    change = config.speed_change if config.augment else 0.0
    strings, lengths = spoken.to_learn(data, config.strings, parts, (1 - change, 1 + change))
    batches, cut = xp.batches_by_length(
        lengths, int(lengths.max()), config.batch_size, config.length_groups, parts=parts
    )
    heard = {
        "validation": data.strings("validation", NUM_VALIDATION),
        "test": data.strings("test", NUM_TEST),
        "unheard": data.strings("unheard", NUM_UNHEARD),
    }

    def logits(params: Any, inputs: Any) -> jax.Array:
        features, mask = inputs
        return apply(params, features, mask=mask)[1]

    def reading(name: str) -> Any:
        inputs = heard[name].features, heard[name].mask
        return xp.remembered(xp.Predictor(logits, inputs, spoken.BATCH, layout))

    read = {name: reading(name) for name in heard}

    def judged(params: Any, name: str, prefix: str, **how: Any) -> dict[str, np.ndarray]:
        found = read[name](params)
        seeds = [found] if layout.num_seeds == 1 else list(found)
        each = [spoken.judged(own, heard[name], prefix, **how) for own in seeds]
        figures = {kind: np.array([one[kind] for one in each]) for kind in each[0]}
        return {k: v[0] if layout.num_seeds == 1 else v for k, v in figures.items()}

    @xp.remembered
    def test(params: Any) -> dict[str, np.ndarray]:
        how = {"beam_size": config.beam_size}
        known, unheard = (
            judged(params, name, prefix, **how)
            for name, prefix in (("test", "test"), ("unheard", "test_unheard"))
        )
        return known | unheard

    return xp.Problem(
        title=xp.run_title(config, f"bidirectional {config.cell}", data), dataset=data,
        model=model, init=init, keys=layout.keys(config.seed, 2),
        loss=spoken.learning(config, apply, data.recordings), data=strings, batches=batches,
        cut=cut.of_first(layout), watched="validation", test=test,
        evaluate=lambda params: judged(params, "validation", "validation"), test_inputs=heard,
        predict=lambda params: {name: read[name](params) for name in ("test", "unheard")},
        needs=xp.needs_of(
            config, layout, init, layer=model.layer, time_steps=cut.limits[-1],
            data=xp.num_bytes((strings, data.recordings)), data_flags="--strings",
        ),
    )  # fmt: skip


def report(run: xp.Outcome) -> dict[str, Any]:
    """The figures of voices that were known and of the one that was not, side by side."""
    figures = run.problem.test(run.params)
    names = {"test": "known voices", "test_unheard": f"voice {run.data.unheard}, unheard"}
    run.console.print(spoken.table(figures, names))
    told = {f"test_{metric.name}" for metric in (xp.LOSS, *METRICS)}
    more = {name: np.asarray(own).tolist() for name, own in figures.items() if name not in told}
    return more | {"unheard_voice": run.data.unheard}


def draw(folder: Path, run: xp.Outcome) -> None:
    """The curves; spikes beside the true boundaries; which step belongs to which digit."""
    title, logits = run.problem.title, run.of_seed(0)[1]
    plots.plot_curves(folder / "curves.png", title, run.history, "validation", metric="digit_error")
    heard = run.problem.test_inputs
    strings = []
    for part, name in (("test", "known voice"), ("unheard", f"unheard voice {run.data.unheard}")):
        own, found = heard[part], spoken.understood(logits[part], heard[part].mask)
        right = np.equal(found.texts, own.texts())
        rows = [*np.flatnonzero(right)[:1], *np.flatnonzero(~right)[:1]]
        for row in rows:
            said = "right" if right[row] else f"understood as {found.texts[row] or 'nothing'}"
            strings.append(spoken.shown(logits[part], own, row, f"{name}: {said}"))
    names = [*map(str, range(spoken.BLANK)), "blank"]
    plot_spikes(folder / "spikes.png", title, strings, names)
    plot_occupancy(folder / "occupancy.png", title, strings[0])


def baselines(run: xp.Outcome) -> xp.Baselines:
    """Cut at the silence, and compared with every training recording."""
    heard = run.problem.test_inputs
    tests = {"test": heard["test"], "test_unheard": heard["unheard"]}
    found = nearest_digits.metrics(run.data, heard["validation"], tests)
    return {"nearest recording of pieces cut at silence": found}


def transcribe(console: xp.Console, config: Config) -> None:
    """Tells the digits of --transcribe and when each is heard, by the run in --workdir."""
    saved = xp.saved_config(config)
    model = build_model(saved)
    features, mask = spoken.recording(str(config.transcribe))
    apply = xp.applying(saved, model)
    _, logits = jax.jit(apply)(xp.load_model(saved, initial(model)), features, mask=mask)
    found = spoken.understood(logits, mask, saved.beam_size)
    console.out(found.searched[0] or "no digit", highlight=False)
    for digit, time in zip(found.texts[0].split(), found.times[0], strict=True):
        console.out(f"{time:7.2f} s  {digit}", highlight=False)


def trained_model(config: Config) -> Model:
    """What a run has learnt: a function from features and a mask to logits of the digits."""
    model = build_model(config)
    shape = ("batch", "time", log_mel.FEATURES)
    return Model(
        title=f"bidirectional {config.cell} {config.hidden_size}, which understands digits",
        apply=lambda params, features, mask: {
            "logits": model.apply({"params": params}, features, mask=mask)[1]
        },
        params=xp.load_model(config, initial(model)),
        labels=[*map(str, range(spoken.BLANK)), "blank"],
        inputs={
            "features": Array(shape, "float32", "50 steps a second, by rnnjax.data.log_mel"),
            "mask": Array(shape[:2], "bool", "where there are steps"),
        },
        outputs={"logits": "of ten digits and the blank at each step, for CTC"},
    )  # fmt: skip


EXPERIMENT = xp.Experiment(
    name="speech_digits", config=Config, presets=PRESETS, load=spoken_digits.load,
    load_by=("leave_out",), problem=problem, describe=lambda config, data: [data.described()],
    metrics=METRICS, report=report,
    draw=draw, baselines=baselines, commands={"transcribe": transcribe},
    trained_model=trained_model,
)  # fmt: skip

if __name__ == "__main__":
    xp.launch(EXPERIMENT)

"""Draws characters point by point: Graves's mixture density network, and sketch-rnn.

    python experiments/drawing.py --data_dir=DIR                       # kanji
    python experiments/drawing.py --dataset=omniglot --data_dir=DIR    # fifty alphabets
    python experiments/drawing.py --preset=sketch_rnn --data_dir=DIR   # with an encoder
    python experiments/drawing.py --dataset=polygons                   # made up; the limit is known
    python experiments/drawing.py --workdir=RUN --sample --temperature=0.4 --out=drawn.svg

A recurrent network says of each next point a mixture of Gaussians, and whether the pen draws, is
lifted or has ended; so it draws by itself, goes on with what was begun, and with an encoder what
lies between two drawings. The figure is in nats per point, offsets divided by their deviation;
no deviation of a Gaussian is less than 0.01 of it. Kanji: KanjiVG, copyright Ulrich Apel, CC BY-SA
3.0; Omniglot: copyright Brenden Lake, MIT.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rnnjax.outset import begin

if __name__ == "__main__":
    begin()  # before the imports, which take seconds

import jax
import jax.numpy as jnp

import rnnjax
import rnnjax.experiment as xp
from rnnjax.data import stroke_baselines, strokes
from rnnjax.data.drawings import FLOOR, PADDING, Drawings, DrawingsDataset
from rnnjax.experiment import sketches as sk
from rnnjax.export import Array, Model, carry_arrays
from rnnjax.models import Sketcher
from rnnjax.models.mixture_density import num_outputs
from rnnjax.models.sketch import NUM_FEATURES, point_losses, stretched
from rnnjax.reports import plots
from rnnjax.training.sequence_losses import mean_by_symbol

FIRST_SHARE = 0.01
"""Of the weight of the divergence, at the first update."""
RATE: Any = {"at_least": 0, "below": 1}
DRAWING: Any = {"changes_result": False}
COMMAND: Any = {"is_command": True, "needs_run": True, "changes_result": False}
SUITED = {
    "omniglot": {"epochs": 30},
    "polygons": {
        "hidden_size": 64, "stretch": 0.0, "recurrent_dropout": 0.0, "learning_rate": 5e-3,
        "epochs": 20,
    },
}  # fmt: skip
PRESETS = {
    "graves": {  # his three layers, optimiser and rate; these have no connections past a layer
        "cell": "peephole_lstm", "hidden_size": 400, "num_layers": 3, "recurrent_dropout": 0.0,
        "stretch": 0.0, "optimizer": "rmsprop95", "learning_rate": 1e-4, "schedule": "constant",
    },
    "sketch_rnn": {
        "hidden_size": 512, "encoder_size": 256, "latent_size": 128, "kl_weight": 0.5,
        "schedule": "decay", "decay": 0.99, "decay_after": 1, "clip_norm": None, "clip_value": 1.0,
        "epochs": 90,
    },
}  # fmt: skip


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(xp.Config):
    dataset: str = xp.setting("auto", "which drawings", choices=strokes.DATASETS)
    cell: str = xp.setting("lstm", "recurrent cell", choices=rnnjax.CELLS)
    hidden_size: int = xp.setting(256, "units of each layer of the decoder", at_least=1)
    components: int = xp.setting(20, "Gaussians of the mixture", at_least=1, at_most=1000)
    encoder_size: int = xp.setting(
        0, "units of an encoder each way, which has seen the whole; 0: none", at_least=0
    )
    latent_size: int = xp.setting(128, "numbers that an encoder sums a drawing up in", at_least=1)
    kl_weight: float = xp.setting(
        0.5, "with an encoder, factor on the divergence per such number", at_least=0
    )
    kl_floor: float = xp.setting(0.2, "divergence that costs no less, in nats", at_least=0)
    kl_anneal: float = xp.setting(
        0.99995, "factor per update on what the weight lacks at first", above=0, at_most=1
    )
    recurrent_dropout: float = xp.setting(0.1, "rate, on the update of the state", **RATE)
    dropout: float = xp.setting(0.0, "rate, on what the last layer reads", **RATE)
    stretch: float = xp.setting(
        0.15, "in training, share by which width and height change at most", **RATE
    )
    length_groups: int = xp.setting(
        4, "groups of batches by length, each a program", at_least=1, at_most=100
    )
    batch_size: int = xp.setting(100, "drawings per step", at_least=1)
    schedule: str = xp.setting("cosine", "how the rate falls", choices=xp.SCHEDULES)
    clip_norm: float | None = xp.setting(1.0, "largest norm of the gradient", positive=True)
    epochs: int | None = xp.setting(60, "passes over the training drawings", at_least=1)
    keep_best: bool = xp.setting(True, "end with the parameters that validated best")

    sample: bool = xp.setting(False, "draw with the run in --workdir", **COMMAND)
    complete: int | None = xp.setting(
        None, "go on with the first half of this test drawing, from 1", at_least=1, **COMMAND
    )
    interpolate: str | None = xp.setting(
        None, "draw what lies between two test drawings, such as 3,8", **COMMAND
    )
    num_samples: int = xp.setting(10, "drawings to draw", at_least=1, at_most=10_000, **DRAWING)
    temperature: float = xp.setting(0.4, "below 1 bolder", above=0, at_most=100, **DRAWING)
    out: str = xp.setting("drawn.png", "file to draw, .svg or .png", is_path=True, **DRAWING)

    def __post_init__(self) -> None:
        super().__post_init__()
        sk.check_out(self.out)
        if self.interpolate is not None:
            numbers = xp.whole_numbers("--interpolate", self.interpolate)
            if len(numbers) != 2 or 0 in numbers:
                raise xp.UsageError(
                    f"--interpolate={self.interpolate} must be the numbers of two test drawings, "
                    "which count from 1, such as 3,8."
                )

    @classmethod
    def suited_to(cls, given: Mapping[str, Any]) -> Mapping[str, Any]:
        return SUITED.get(given.get("dataset", ""), {})

    @property
    def num_latents(self) -> int:
        """Numbers of z; 0 without an encoder."""
        return self.latent_size if self.encoder_size else 0


def build_model(config: Config) -> Sketcher:
    """The decoder, and an encoder of both directions if there is one."""
    rate, encoder = config.recurrent_dropout, None

    def wrap(place: int, cell: rnnjax.Layer) -> rnnjax.Layer:
        del place
        try:
            return rnnjax.Dropout(cell, update=rate) if rate else cell
        except ValueError as error:
            raise xp.UsageError(f"--recurrent_dropout={rate}: {error}") from None

    decoder: Any = xp.build_layer(config, NUM_FEATURES + config.num_latents, wrap=wrap)
    if config.encoder_size:
        one = wrap(0, xp.build_cell(config, NUM_FEATURES, config.encoder_size))
        encoder = rnnjax.Bidirectional(one)
    return Sketcher(decoder, config.components, encoder, config.num_latents, config.dropout)


def initial(model: Sketcher) -> Any:
    """The function that draws the model's parameters."""
    shapes = ((1, 2, 2), jnp.float32), ((1, 2), jnp.int32)
    return xp.initializing(model, *(jax.ShapeDtypeStruct(*shape) for shape in shapes))


def problem(config: Config, layout: xp.Layout, data: DrawingsDataset) -> xp.Problem:
    """What is to be learnt: each point of a drawing, after those before it."""
    model = build_model(config)
    apply, init = xp.applying(config, model), initial(model)
    longest = data.train.pens.shape[1]
    batches, cut = xp.batches_by_length(
        data.train.lengths, longest, config.batch_size, config.length_groups, multiple=4
    )

    def loss(
        params: Any, carry: Any, batch: Any, key: jax.Array, step: jax.Array
    ) -> tuple[jax.Array, Any]:
        ((offsets, pens),) = batch
        stretch_key, noise_key, dropout_key = jax.random.split(key, 3)
        offsets = stretched(offsets, config.stretch, stretch_key)
        noise = jax.random.normal(noise_key, (len(pens), config.num_latents))
        how: Any = {"rngs": {"dropout": dropout_key}, "training": True}
        outputs, latent = apply(params, offsets, pens, noise, **how)
        nats = point_losses(outputs, offsets, pens).sum(axis=-1)
        each = mean_by_symbol(nats, pens != PADDING)
        if latent is not None:
            share = 1 - (1 - FIRST_SHARE) * config.kl_anneal**step
            divergence = latent.divergence().mean() / config.latent_size
            each += share * config.kl_weight * jnp.maximum(divergence, config.kl_floor)
        return each, carry

    def of_part(part: Drawings) -> xp.Predictor:
        return sk.scoring(apply, part, config.num_latents, cut, layout)

    def figures(rows: jax.Array, part: str) -> dict[str, Any]:
        return sk.figures(rows, part, config.num_latents, config.kl_weight, config.kl_floor)

    validate, predict = of_part(data.validation), xp.remembered(of_part(data.test))
    return xp.Problem(
        title=xp.run_title(config, config.cell, data, *["an encoder"] * bool(config.encoder_size)),
        dataset=data, model=model, init=init, keys=layout.keys(config.seed, 2), loss=loss,
        batches=batches, data=(data.train,), tells_step=True, cut=cut.of_first(layout),
        evaluate=lambda params: figures(validate(params), "validation"),
        test=lambda params: figures(predict(params), "test"), predict=predict,
        watched="validation", keep_best=config.keep_best,
        best_by=xp.Metric("cost", False) if config.encoder_size else xp.LOSS,
        files={sk.KIND: sk.Kind(longest, data.scale).to_json()},
        needs=xp.needs_of(
            config, layout, init, layer=model.decoder, time_steps=longest,
            data=xp.num_bytes((data.train, data.validation, data.test)), data_flags="--dataset",
            outputs=num_outputs(config.components),
        ),
    )  # fmt: skip


def report(run: xp.Outcome) -> dict[str, Any]:
    """What of the loss is the offsets', the pen's and z's; the best loss where it is known."""
    parts = sk.parts(run.outputs)
    shown = ", ".join(f"{name} {value:.4f}" for name, value in parts.items() if value)
    run.console.print(
        f"nats per point: {shown}; no deviation less than {FLOOR} of the offsets'\n"
        f"licence of {run.data.name}: {run.data.licence}"
    )
    found: dict[str, Any] = {"nats_per_point": parts, "least_deviation": FLOOR}
    if run.data.best_loss is not None:
        run.console.print(f"best possible test loss {run.data.best_loss:.4f}")
        found["best_loss"] = run.data.best_loss
    return found


def draw(folder: Path, run: xp.Outcome) -> None:
    """The curves; drawings at several temperatures, gone on with, between others; a density."""
    best = run.data.best_loss
    limits = {} if best is None else {"best possible": best}
    plots.plot_losses(folder / "curves.png", run.problem.title, run.history, limits)
    own = sk.Trained(run.problem.model, run.params_of(0), run.data.test.pens.shape[1])
    sk.draw_run(folder, run.problem.title, own, run.data, run.config.seed)


def trained(config: Config) -> sk.Trained:
    """The model of the run in --workdir and its parameters."""
    kind = sk.Kind.from_json(xp.read_file(config, sk.KIND))
    model = build_model(config)
    return sk.Trained(model, xp.load_model(config, initial(model)), kind.longest)


def command(make: Any, *, with_data: bool) -> Any:
    """A command that draws --out by the run in --workdir."""

    def do(console: xp.Console, config: Config) -> None:
        saved = xp.saved_config(config)
        data = strokes.load(xp.saved_dataset(saved), saved.data_dir) if with_data else None
        rows, labels = make(trained(saved), data, config)
        title = f"{saved.cell} {saved.hidden_size} on {xp.saved_dataset(saved)}"
        sk.write(Path(config.out).expanduser(), title, rows, labels)
        console.print(f"written to {config.out}", soft_wrap=True)

    return do


def trained_model(config: Config) -> Model:
    """What a run has learnt: a function of points and the state before them."""
    model, params, _ = trained(config)

    def apply(params: Any, offsets: jax.Array, pens: jax.Array, carry: Any, *z: Any) -> Any:
        found: Any = model.apply({"params": params}, offsets, pens, carry, *z, method="go_on")
        return {"next_carry": found[0], "outputs": found[1]}

    inputs: dict[str, Any] = {
        "offsets": Array(("batch", "time", 2), "float32", "to each point, divided as in training"),
        "pens": Array(("batch", "time"), "int32", "0 draws on, 1 is lifted, 2 has ended", below=3),
        "carry": carry_arrays(model.decoder, "the state before them; zeros at first"),
    }
    if config.num_latents:
        inputs["z"] = Array(("batch", config.num_latents), "float32", "the sum of a drawing")
    return Model(
        title=f"{config.cell} {config.hidden_size}, which draws", apply=apply, params=params,
        inputs=inputs,
        outputs={
            "next_carry": "the state after them",
            "outputs": "on each one's next: logits of the pen, then of each Gaussian the logit of "
            "its weight, means, logarithms of deviations, and the tilt",
        },
        files={sk.KIND: xp.read_file(config, sk.KIND)},
    )  # fmt: skip


EXPERIMENT = xp.Experiment(
    name="drawing", config=Config, presets=PRESETS, load=strokes.load, problem=problem,
    describe=lambda config, data: [data.described()], report=report, draw=draw, metrics=(),
    trained_model=trained_model, baselines=lambda run: stroke_baselines.metrics(run.data),
    commands={
        "sample": command(sk.samples, with_data=False),
        "complete": command(sk.completions, with_data=True),
        "interpolate": command(sk.interpolations, with_data=True),
    },
)  # fmt: skip

if __name__ == "__main__":
    xp.launch(EXPERIMENT)

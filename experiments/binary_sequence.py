"""Learns a rule in a stream of random bits by truncated back-propagation through time.

The target y follows the random bits x: where the two bits ``--lag`` steps back were both 1, it is
0; both 0, it is 1; otherwise it is a coin. The network reads x in windows of ``--window`` steps,
its state carried from one window to the next, the gradient cut there.

    python experiments/binary_sequence.py --preset=short    # reaches the limit 0.3466 in seconds
    python experiments/binary_sequence.py --preset=long     # learns nothing: stays at 0.6931
    python experiments/binary_sequence.py --preset=long --window=20 --hidden_size=32  # learns it

The loss tells what was learnt: 0.6931 is ln 2, nothing; 0.3466 is half of it, everything, because
at half of the positions a coin decides. The limit of any ``--lag`` is printed and drawn.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from rnnjax.outset import begin

if __name__ == "__main__":
    begin()  # before the imports, which take seconds

import jax
import jax.numpy as jnp
import numpy as np
from optax import softmax_cross_entropy_with_integer_labels as cross_entropy

import rnnjax
import rnnjax.experiment as xp
from rnnjax.data import binary
from rnnjax.data.bit_rows import CONTEXTS, Bits
from rnnjax.export import Array, Model, carry_arrays
from rnnjax.models import SequenceTagger
from rnnjax.reports import plots

PRESETS = {"short": {"lag": 1, "window": 5}, "long": {"lag": 10, "window": 5}}
TEST_ROWS = 50
ONE_BIT = jax.ShapeDtypeStruct((1, 1, 1), jnp.float32)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(xp.Config):
    cell: str = xp.setting("simple_rnn", "recurrent cell", choices=rnnjax.CELLS)
    hidden_size: int = xp.setting(6, "units of each recurrent layer", at_least=1)
    learning_rate: float = xp.setting(3e-3, "learning rate of the first step", positive=True)
    steps: int | None = xp.setting(6000, "updates in the whole run", at_least=1)
    eval_every: int | None = xp.setting(200, "steps between evaluations", at_least=1)
    batch_size: int = xp.setting(250, "rows read side by side", at_least=1)
    num_devices: int | None = xp.setting(
        1, "devices; a step is too short to gain by several", at_least=1, changes_result=False
    )
    lag: int = xp.setting(1, "steps back to the newer of the two deciding bits", at_least=1)
    window: int = xp.setting(5, "time steps per training step", at_least=1)
    carry_state: bool = xp.setting(True, "carry the state from window to window")
    row_length: int = xp.setting(2000, "consecutive bits in a row", at_least=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.row_length < self.lag + 2:
            raise xp.UsageError(
                f"--row_length={self.row_length} is too short for a rule --lag={self.lag} steps "
                f"back; it takes at least {self.lag + 2}."
            )


def build_model(config: Config) -> SequenceTagger:
    """The recurrent layers and a dense layer to the two targets."""
    return SequenceTagger(xp.build_layer(config, num_features=1), num_classes=2)


def as_inputs(bits: jax.Array) -> jax.Array:
    """Bits as sequences of one feature."""
    return bits[..., None].astype(jnp.float32)


def problem(config: Config, layout: xp.Layout, _: None = None) -> xp.Problem:
    """What is to be learnt; each seed has bits of its own."""
    rows = (config.batch_size, config.row_length)
    batches = xp.WindowBatches(*rows, config.window, config.carry_state)
    model = build_model(config)
    init, apply = xp.initializing(model, ONE_BIT), xp.applying(config, model, as_inputs)
    needs = xp.needs_of(
        config, layout, init, layer=model.layer, time_steps=config.window,
        data=2 * (config.batch_size + TEST_ROWS) * config.row_length * layout.num_seeds,  # x and y
        data_flags="--row_length, --batch_size or --num_seeds",
    )  # fmt: skip
    data_keys, *keys = layout.keys(config.seed, 3)
    data = Bits(config.lag, *rows, TEST_ROWS, lambda make: layout.per_seed(make, data_keys))

    def loss(params: Any, carry: Any, batch: Any, key: jax.Array) -> tuple[jax.Array, Any]:
        x, y = batch
        carry, logits = apply(params, x, carry)
        return cross_entropy(logits, y).mean(axis=1), carry

    def read(params: Any, rows: jax.Array) -> jax.Array:
        shape = rows.shape if config.carry_state else (-1, config.window)
        return apply(params, rows.reshape(shape), None)[1].reshape(-1, 2)

    predict = xp.reading(read, data.test[0], layout)
    evaluate = xp.scoring(predict, data.test[1])
    return xp.Problem(
        title=xp.run_title(config, config.cell, data, f"lag {config.lag}, window {config.window}"),
        dataset=data, model=model, init=init, keys=keys, loss=loss, batches=batches,
        data=data.train, evaluate=evaluate, test=evaluate, predict=predict, needs=needs,
        test_inputs=data.test[0], test_labels=data.test[1], class_names=("0", "1"), read=as_inputs,
        own_data=True, carry=model.layer.initial_carry((config.batch_size,)),
    )  # fmt: skip


def draw(folder: Path, run: xp.Outcome) -> None:
    """The curves between the limits; and what the cell knows, for the four contexts."""
    title, bits, lag = run.problem.title, run.data, run.config.lag
    limits = {"knowing the rule": binary.bayes_limit(lag)[0], "knowing nothing": float(np.log(2))}
    plots.plot_curves(folder / "curves.png", title, run.history, loss_limits=limits)
    spread, true = bits.spread(run.probabilities[..., 1]), binary.context_probabilities()
    plots.plot_probabilities(folder / "contexts.png", title, CONTEXTS, spread, true)


def trained_model(config: Config) -> Model:
    """What a run has learnt: a function of a piece of the stream and the state before it."""
    model = build_model(config)

    def apply(params: Any, bits: jax.Array, carry: Any) -> Any:
        outputs: Any = model.apply({"params": params}, as_inputs(bits), carry)
        return {"next_carry": outputs[0], "logits": outputs[1]}

    bits = Array(("batch", "time"), "int32", "a piece of the stream", below=2)
    before = carry_arrays(model.layer, "the state before the piece; zeros at first")
    return Model(
        title=f"{config.cell} {config.hidden_size} for bits, a rule {config.lag} steps back",
        apply=apply, params=xp.load_model(config, xp.initializing(model, ONE_BIT)),
        inputs={"bits": bits, "carry": before}, labels=("0", "1"),
        outputs={"next_carry": "the state after it", "logits": "of target 0 and 1 at each step"},
    )  # fmt: skip


EXPERIMENT = xp.Experiment(
    name="binary_sequence", config=Config, presets=PRESETS, problem=problem, draw=draw,
    trained_model=trained_model, describe=lambda config, _: [binary.limits_line(config.lag)],
    report=lambda run: binary.limits(run.config.lag),
    baselines=lambda run: {"n-grams": run.data.ngram_metrics()},
)  # fmt: skip

if __name__ == "__main__":
    xp.launch(EXPERIMENT)

"""Learns a rule in a stream of random bits by truncated back-propagation through time.

The target y follows the random bits x: where the two bits ``--lag`` steps back were both 1, it is
0; both 0, it is 1; otherwise it is a coin. The network reads x in windows of ``--window`` steps,
its state carried from one window to the next, the gradient cut there.

    python experiments/binary_sequence.py --preset=short    # reaches the limit 0.3466 in seconds
    python experiments/binary_sequence.py --preset=long     # learns nothing: stays at 0.6931
    python experiments/binary_sequence.py --preset=long --window=20 --hidden_size=32
                                                            # a longer window learns the far rule

The loss tells what was learnt: 0.6931 is ln 2, nothing; 0.3466 is half of it, everything, because
at half of the positions a coin decides. The limit of any ``--lag`` is printed and drawn.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rnnjax.outset import begin

if __name__ == "__main__":
    begin()  # before the imports, which take seconds

import jax
import jax.numpy as jnp
import numpy as np
import optax

import rnnjax
from rnnjax.data import binary
from rnnjax.devices.layout import Layout
from rnnjax.errors import UsageError
from rnnjax.export import Array, Model, carry_arrays
from rnnjax.models import SequenceTagger
from rnnjax.reports import plots
from rnnjax.training.batches import WindowBatches
from rnnjax.training.evaluation import classification_metrics
from rnnjax.training.needs import needs_of
from rnnjax.training.problem import Problem

try:
    from experiments import common
except ModuleNotFoundError:  # started as a file: its own folder is where Python looks
    import common

TASK = "binary_sequence"
PRESETS = {"short": {"lag": 1, "window": 5}, "long": {"lag": 10, "window": 5}}
TEST_ROWS = 50
CONTEXTS = ("0 0", "0 1", "1 0", "1 1")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(common.Config):
    cell: str = common.setting("simple_rnn", "recurrent cell", choices=rnnjax.CELLS)
    hidden_size: int = common.setting(6, "units of each recurrent layer", at_least=1)
    learning_rate: float = common.setting(3e-3, "learning rate of the first step", positive=True)
    steps: int | None = common.setting(6000, "updates in the whole run", at_least=1)
    eval_every: int | None = common.setting(200, "steps between evaluations", at_least=1)
    batch_size: int = common.setting(250, "rows read side by side", at_least=1)
    num_devices: int | None = common.setting(
        1,
        "devices to spread seeds and batches over; a step is too short to gain by it",
        at_least=1,
        changes_result=False,
    )
    lag: int = common.setting(1, "steps back to the newer of the two deciding bits", at_least=1)
    window: int = common.setting(5, "time steps per training step", at_least=1)
    carry_state: bool = common.setting(True, "carry the state from window to window")
    row_length: int = common.setting(2000, "consecutive bits in a row", at_least=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.row_length < self.lag + 2:
            raise UsageError(
                f"--row_length={self.row_length} is too short for a rule --lag={self.lag} steps "
                f"back; it takes at least {self.lag + 2}."
            )


class Bits:
    """Training bits, and held-out ones from another key, as rows; the state begins anew in each."""

    warning = None
    name = "bits"

    def __init__(self, config: Config, layout: Layout, keys: jax.Array) -> None:
        num_bits = config.batch_size * config.row_length
        self.origin = f"{num_bits:,} random bits, a rule {config.lag} steps back"

        def rows(key: jax.Array, number: int) -> Any:
            bits = binary.generate(key, number * config.row_length, config.lag)
            return binary.rows(*bits, row_length=config.row_length)

        def train_and_test(key: jax.Array) -> Any:
            train_key, test_key = jax.random.split(key)
            return rows(train_key, config.batch_size), rows(test_key, TEST_ROWS)

        self.train, self.test = layout.per_seed(train_and_test, keys)


def build_model(config: Config) -> tuple[SequenceTagger, Callable[[jax.Array], Any]]:
    """The recurrent layers and a dense layer to the two targets; and what makes its parameters."""
    layer = common.build_layer(rnnjax.CELLS[config.cell], 1, config.hidden_size, config.num_layers)
    model = SequenceTagger(layer, num_classes=2)
    return model, lambda key: model.init(key, jnp.zeros((1, 1, 1)))["params"]


def as_inputs(bits: jax.Array) -> jax.Array:
    """Bits as sequences of one feature."""
    return bits[..., None].astype(jnp.float32)


def trained_model(config: Config) -> Model:
    """What a run has learnt: a function of a piece of the stream and the state before it."""
    model, init = build_model(config)
    params = common.load_model(config, init)

    def apply(params: Any, bits: jax.Array, carry: Any) -> Any:
        outputs: Any = model.apply({"params": params}, as_inputs(bits), carry)
        return {"next_carry": outputs[0], "logits": outputs[1]}

    return Model(
        title=f"{config.cell} {config.hidden_size} for bits, a rule {config.lag} steps back",
        apply=apply,
        params=params,
        inputs={
            "bits": Array(("batch", "time"), "int32", "a piece of the stream", below=2),
            "carry": carry_arrays(model.layer, "the state before the piece; zeros at first"),
        },
        outputs={
            "next_carry": "the state after the piece",
            "logits": "of target 0 and 1 at each step",
        },
        labels=("0", "1"),
    )


def problem(config: Config, layout: Layout) -> Problem:
    """What is to be learnt."""
    try:
        batches = WindowBatches(
            config.batch_size, config.row_length, config.window, config.carry_state
        )
    except ValueError as error:
        raise UsageError(f"--window: {error}") from None
    model, init = build_model(config)
    num_bits = (config.batch_size + TEST_ROWS) * config.row_length
    needs = needs_of(
        config, layout, init, layer=model.layer, time_steps=config.window,
        data=2 * num_bits * layout.num_seeds,  # x and y, a byte each
        data_flags="--row_length, --batch_size or --num_seeds",
    )  # fmt: skip
    data_keys, *keys = layout.keys(config.seed, 3)
    data = Bits(config, layout, data_keys)
    apply = common.applying(config, model)

    def loss(params: Any, carry: Any, batch: Any, key: jax.Array) -> tuple[jax.Array, Any]:
        x, y = batch
        carry, outputs = apply(params, as_inputs(x), carry)
        losses = optax.softmax_cross_entropy_with_integer_labels(outputs, y)
        return losses.mean(axis=1), carry

    def read(params: Any, rows: jax.Array) -> jax.Array:
        if not config.carry_state:
            rows = rows.reshape(-1, config.window)
        return apply(params, as_inputs(rows), None)[1].reshape(-1, 2)

    test_bits = layout.put(data.test[0], layout.of_seeds())
    read_all = jax.jit(layout.over_seeds(read, in_axes=(0, 0)), out_shardings=layout.sharding())

    def predict(params: Any) -> jax.Array:
        return read_all(params, test_bits)

    def evaluate(params: Any) -> dict[str, np.ndarray]:
        outputs = predict(params)
        return classification_metrics(outputs, np.reshape(data.test[1], outputs.shape[:-1]))

    title = common.run_title(config, config.cell, data)
    return Problem(
        title=f"{title}, lag {config.lag}, window {config.window}", dataset=data, model=model,
        init=init, keys=keys, loss=loss, batches=batches, data=data.train, evaluate=evaluate,
        test=evaluate, predict=predict, test_inputs=data.test[0], test_labels=data.test[1],
        class_names=("0", "1"), read=as_inputs, own_data=True, needs=needs,
        carry=model.layer.initial_carry((config.batch_size,)),
    )  # fmt: skip


def run(config: Config) -> dict[str, Any]:
    console = common.open_console()
    if config.export is not None:
        return common.export(console, config, trained_model)
    if config.eval_only:
        config = common.saved_config(config)
    layout = common.lay_out(config)
    task = problem(config, layout)
    params = common.set_up(console, config, layout, task)
    limit = binary.bayes_limit(config.lag)
    console.print(
        f"limits   knowing the rule: loss {limit.cross_entropy:.4f}, accuracy {limit.accuracy:.2f};"
        f" knowing nothing: loss {np.log(2):.4f}, accuracy 0.50"
    )
    if config.eval_only:
        common.evaluate_saved(console, config, layout, task, params)
        return {}
    if config.dry_run:
        return {}

    folder = common.open_run(TASK, config, task.dataset)
    fitted = common.train(config, folder, console, layout, task, params)
    limits = {"knowing the rule": limit.cross_entropy, "knowing nothing": float(np.log(2))}
    plots.plot_curves(folder.path / "curves.png", task.title, fitted.history, loss_limits=limits)
    draw_contexts(folder.path, config, task, task.predict(fitted.params))
    extra = {"bayes_loss": limit.cross_entropy, "bayes_accuracy": limit.accuracy}
    return common.finish(folder, console, TASK, config, task.dataset, fitted, extra)


def draw_contexts(folder: Path, config: Config, task: Problem, logits: jax.Array) -> None:
    """What the cell knows: predicted against true probability, for the four contexts."""
    ones = np.asarray(jax.nn.softmax(logits)[..., 1]).ravel()
    contexts = np.asarray(binary.contexts(task.test_inputs, config.lag)).ravel()
    by_context = [ones[contexts == c] for c in range(len(CONTEXTS))]
    spread = np.array(
        [[*np.percentile(p, [10]), p.mean(), *np.percentile(p, [90])] for p in by_context]
    )
    plots.plot_probabilities(
        folder / "contexts.png", task.title, CONTEXTS, spread, binary.context_probabilities()
    )


if __name__ == "__main__":
    common.launch(TASK, Config, PRESETS, run)

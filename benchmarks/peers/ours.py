"""rnnjax, through its public names."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec

import rnnjax
from benchmarks.peers import Program, Settings
from benchmarks.peers.jax_program import (
    Forward,
    Place,
    Stream,
    Training,
    configure,
    fill,
    put,
    row_losses,
)
from benchmarks.peers.our_loop import LoopTraining
from benchmarks.work import Row, Work, make_batch
from rnnjax.devices.layout import Layout
from rnnjax.models import SequenceClassifier, SequenceTagger, TextClassifier


def prepare(settings: Settings) -> None:
    """Before the first array."""
    configure(settings)
    if settings.our_devices > 1:
        jax.config.update("jax_num_cpu_devices", settings.our_devices)


def variants(row: Row) -> list[dict[str, Any]]:
    """A training step as a call of its own, or within rnnjax's training loop."""
    return [{"in_loop": False}, {"in_loop": True}] if row.kind == "train" else [{}]


def build(
    row: Row, weights: dict[str, np.ndarray], settings: Settings, in_loop: bool = False
) -> Program:
    layer = _layer(row.work)
    if row.kind == "stream":
        like = {"rnn": jax.eval_shape(layer.init, jax.random.key(0))}
        params = fill(like, weights)["rnn"]
        return Stream(row, layer, params, layer.initial_carry((row.work.batch,)))
    model = _model(row.work, layer)
    like = jax.eval_shape(model.init, jax.random.key(0), make_batch(row)[0][:1])["params"]
    params = fill(like, weights)

    def apply(params: Any, x: jax.Array) -> Any:
        outputs: Any = model.apply({"params": params}, x)
        return outputs[1] if row.work.every_step else outputs

    if in_loop:

        def losses(params: Any, batch: Any) -> jax.Array:
            x, y = batch
            return row_losses(row.work, apply(params, x), y)

        return LoopTraining(losses, params, make_batch(row), layout_of(row.work, settings))
    kind = {"train": Training, "forward": Forward}[row.kind]
    return kind(row, apply, params, place_of(row.work, settings))


def _layer(work: Work) -> Any:
    options: dict[str, Any] = {"initialization": "torch"} if work.two_biases else {}
    kind: Any = rnnjax.CELLS[work.cell]
    cell = kind(work.input_size, work.hidden_size, **options)
    return rnnjax.Bidirectional(cell) if work.bidirectional else cell


def _model(work: Work, layer: Any) -> Any:
    if work.num_words:
        return TextClassifier(
            work.num_words, work.input_size, layer, hidden_units=work.dense_size, pooling="last"
        )
    return (SequenceTagger if work.every_step else SequenceClassifier)(layer, work.outputs)


def layout_of(work: Any, settings: Settings) -> Layout:
    """The CPU devices that share the rows, if they can be shared out evenly."""
    shares = settings.our_devices if work.batch % settings.our_devices == 0 else 1
    return Layout.over(jax.devices()[:shares], batch_size=work.batch)


def place_of(work: Any, settings: Settings) -> Place:
    """Rows over the CPU devices, if there are several and the rows can be shared out evenly."""
    if settings.our_devices == 1 or work.batch % settings.our_devices:
        return put
    mesh = jax.make_mesh((settings.our_devices,), ("rows",), axis_types=(AxisType.Auto,))

    def place(tree: Any, by_rows: bool) -> Any:
        sharding = NamedSharding(mesh, PartitionSpec("rows") if by_rows else PartitionSpec())
        return jax.tree.map(lambda a: jax.device_put(jnp.array(a), sharding), tree)

    return place

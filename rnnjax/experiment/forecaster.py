"""The models of `experiments/time_series.py`: how each learns and forecasts, and how it is kept."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from rnnjax.cell import Layer
from rnnjax.data.time_series import Scale, TimeSeries
from rnnjax.decoding import feed_back
from rnnjax.errors import UsageError
from rnnjax.experiment.building import applying, build_layer, initializing
from rnnjax.models import SegmentForecaster, SequenceTagger, WindowForecaster
from rnnjax.training.forecast_losses import forecast_losses
from rnnjax.training.quantiles import quantiles_of

MODELS = ("segments", "steps", "recursive")


def check(config: Any) -> None:
    """Raises a `UsageError` where settings do not go together."""
    quantiles = quantiles_of("--quantiles", config.quantiles)
    if config.model == "segments" and config.input_length % config.segment:
        raise UsageError(
            f"--input_length={config.input_length} can't be cut into segments of "
            f"--segment={config.segment} rows; choose a divisor."
        )
    if config.model == "recursive" and (quantiles or config.dropout):
        raise UsageError(
            "--model=recursive says the next row alone, so it has no --quantiles and no --dropout; "
            "leave them out."
        )


@dataclasses.dataclass(frozen=True, eq=False)
class Forecaster:
    """A model and what is done with it.

    Args:
        model: of flax.linen.
        init: its parameters from a key.
        loss: as `rnnjax.training.loop` takes it; a batch has values and whether they are known.
        forecast: ``forecast(params, (values, known))``, both ``[B, L, C]``: ``[B, H, C, 1 + Q]``.
        num_steps: recurrent steps in training.
        quantiles: Q of them.
        has_gaps: whether it is told of gaps.
    """

    model: Any
    init: Callable[[jax.Array], Any]
    loss: Callable[..., Any]
    forecast: Callable[..., jax.Array]
    num_steps: int
    quantiles: Sequence[float]
    has_gaps: bool

    @property
    def layer(self) -> Layer:
        """The recurrent one."""
        return self.model.layer

    @classmethod
    def of(cls, config: Any, num_columns: int, has_gaps: bool) -> Forecaster:
        """What the settings name, for so many columns."""
        if config.model == "recursive":
            return _recursive(config, num_columns, has_gaps)
        return _direct(config, num_columns, has_gaps)

    @classmethod
    def of_run(cls, config: Any, text: str) -> tuple[Forecaster, Scale, tuple[str, ...]]:
        """The one of a run, the scale of its numbers, and the names of its columns.

        Args:
            config: its settings.
            text: as `to_json` gave it.
        """
        kept = json.loads(text)
        scale = Scale(*(np.array(kept[name]) for name in Scale._fields))
        columns = tuple(kept["columns"])
        return cls.of(config, len(columns), kept["has_gaps"]), scale, columns

    def to_json(self, data: TimeSeries) -> str:
        """What the parameters mean nothing without."""
        scale = {name: array.tolist() for name, array in data.scale._asdict().items()}
        return json.dumps({"columns": data.columns, "has_gaps": self.has_gaps} | scale) + "\n"


def _direct(config: Any, num_columns: int, has_gaps: bool) -> Forecaster:
    """A model that says the whole horizon at once."""
    quantiles = quantiles_of("--quantiles", config.quantiles)
    length, horizon = config.input_length, config.horizon
    model: nn.Module
    if config.model == "segments":
        layer = build_layer(config, config.hidden_size)
        model = SegmentForecaster(
            layer, horizon, num_columns, config.segment, 1 + len(quantiles), config.dropout
        )
        num_steps = length // config.segment
    else:
        layer = build_layer(config, num_columns * (1 + has_gaps))
        model = WindowForecaster(
            layer, horizon, num_columns, 1 + len(quantiles), has_gaps, config.dropout
        )
        num_steps = length
    apply = applying(config, model)
    shape = (1, length, num_columns)
    shapes = [jax.ShapeDtypeStruct(shape, dtype) for dtype in (jnp.float32, jnp.bool_)]

    def loss(params: Any, carry: Any, batch: Any, key: jax.Array) -> tuple[jax.Array, Any]:
        values, known = batch
        seen = values[:, :length], known[:, :length]
        forecasts = apply(params, *seen, training=True, rngs={"dropout": key})
        return forecast_losses(forecasts, values[:, length:], known[:, length:], quantiles), carry

    return Forecaster(
        model, initializing(model, *shapes), loss, lambda params, seen: apply(params, *seen),
        num_steps, quantiles, has_gaps,
    )  # fmt: skip


def _recursive(config: Any, num_columns: int, has_gaps: bool) -> Forecaster:
    """A model that says the next row, and runs freely from there."""
    model = SequenceTagger(build_layer(config, num_columns), num_columns, "torch")
    apply = applying(config, model)
    run = running_freely(apply, model.layer, config.horizon)

    def loss(params: Any, carry: Any, batch: Any, key: jax.Array) -> tuple[jax.Array, Any]:
        values, known = batch
        _, rows = apply(params, values[:, :-1])
        return forecast_losses(rows[..., None], values[:, 1:], known[:, 1:]), carry

    return Forecaster(
        model, initializing(model, jax.ShapeDtypeStruct((1, 2, num_columns), jnp.float32)), loss,
        lambda params, seen: run(params, seen[0]), config.input_length + config.horizon, (),
        has_gaps,
    )  # fmt: skip


def running_freely(
    apply: Callable[..., Any], layer: Layer, horizon: int
) -> Callable[[Any, jax.Array], jax.Array]:
    """``forecast(params, values [B, L, C])``: what a model of one step says, ``[B, H, C, 1]``.

    It reads all that was seen, and then what it says itself.

    Args:
        apply: ``apply(params, xs [B, T, C], carry)``: the carry, and the row after each.
        layer: whose carry it is.
        horizon: H.
    """

    def forecast(params: Any, values: jax.Array) -> jax.Array:
        carry, rows = apply(params, values, layer.initial_carry((len(values),)))

        def step(carry: Any, row: jax.Array) -> tuple[Any, jax.Array]:
            carry, rows = apply(params, row[:, None], carry)
            return carry, rows[:, 0]

        first = rows[:, -1]
        # Nothing is left to chance, so the keys are only counted.
        keys = jax.random.split(jax.random.key(0), horizon - 1)
        _, later = feed_back(step, lambda key, row: row, carry, first, keys)
        return jnp.concatenate((first[None], later)).swapaxes(0, 1)[..., None]

    return forecast

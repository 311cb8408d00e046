"""Optax optimisers and learning-rate schedules by name, and averages of parameters."""

from __future__ import annotations

import functools
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from rnnjax.training.layer_rates import LayerRates
from rnnjax.training.nonfinite import skip_nonfinite

OPTIMIZERS = MappingProxyType(
    {
        "adam": optax.adam,
        "adamw": optax.adamw,
        "nadam": optax.nadam,
        "rmsprop": optax.rmsprop,
        "rmsprop95": functools.partial(optax.rmsprop, decay=0.95),
        "adagrad": optax.adagrad,
        "sgd": optax.sgd,
        # Of whole batches without dropout; each update is a step of the full length, as PyTorch's.
        "lbfgs": functools.partial(optax.lbfgs, memory_size=100, linesearch=None),
    }
)
"""Optimisers that need a learning rate only."""

SCHEDULES = ("constant", "cosine", "linear", "decay", "slanted")
"""How the learning rate goes from its first value to zero, or does not."""


def build_optimizer(
    name: str,
    learning_rate: float | None,
    *,
    schedule: str = "constant",
    num_steps: int,
    steps_per_epoch: int = 1,
    decay: float = 0.95,
    decay_after: int = 10,
    clip_norm: float | None = None,
    clip_value: float | None = None,
    average: float | None = None,
    layer_rates: LayerRates | None = None,
) -> optax.GradientTransformation:
    """Builds an optimiser, with a schedule over the whole run and a limit on the gradient.

    Updates whose gradient is not finite are skipped and counted, by `skip_nonfinite`.

    Args:
        name: one of `OPTIMIZERS`.
        learning_rate: of the first step, with "slanted" the highest; None for one in the
            optimiser's state, where `with_learning_rates` puts it.
        schedule: one of `SCHEDULES`; "cosine" and "linear" reach zero after `num_steps`; of
            "slanted" `slanted_triangle` tells.
        num_steps: updates in the whole run.
        steps_per_epoch: updates in a pass over the data; "decay" counts them.
        decay: what "decay" multiplies the rate by at each epoch.
        decay_after: the last epoch with the first rate.
        clip_norm: the largest global norm of the gradient; None for no limit.
        clip_value: the largest absolute value of each number in it; None for no limit.
        average: the decay of an average of the parameters, for `averaged_params`; None for none.
        layer_rates: how the rates of layers differ; by default all have the same.
    """
    schedules = {
        "constant": optax.constant_schedule,
        "cosine": lambda first: optax.cosine_decay_schedule(first, num_steps),
        "linear": lambda first: optax.linear_schedule(first, 0.0, num_steps),
        # At the beginning of the epoch after the last one with the first rate it falls already.
        "decay": lambda first: optax.exponential_decay(
            first,
            steps_per_epoch,
            decay,
            transition_begin=(decay_after - 1) * steps_per_epoch,
            staircase=True,
        ),
        "slanted": lambda highest: slanted_triangle(highest, num_steps),
    }
    if learning_rate is None:
        optimizer = rated(OPTIMIZERS[name](1.0), schedules[schedule](1.0))
    else:
        constant = schedule == "constant"
        rate = learning_rate if constant else schedules[schedule](learning_rate)
        optimizer = OPTIMIZERS[name](rate)
    if layer_rates is not None:
        optimizer = layer_rates.apply(optimizer)
    if clip_norm is not None:
        optimizer = optax.chain(optax.clip_by_global_norm(clip_norm), optimizer)
    if clip_value is not None:
        optimizer = optax.chain(optax.clip(clip_value), optimizer)
    return skip_nonfinite(optimizer if average is None else averaging(optimizer, average))


def slanted_triangle(
    highest: float, num_steps: int, cut: float = 0.1, ratio: float = 32.0
) -> optax.Schedule:
    """A learning rate that rises for a short while, and falls for the rest of a run.

    Args:
        highest: rate, after so many of the steps as `cut` says.
        num_steps: T, in the whole run.
        cut: the share of the steps in which the rate rises.
        ratio: how many times smaller than the highest the rate is at first, and in the end.

    Source: J. Howard, S. Ruder, arXiv:1801.06146, equation 3, with its cut and ratio.
    """
    top = max(1, int(num_steps * cut))
    up = optax.linear_schedule(1 / ratio, 1.0, top)
    down = optax.linear_schedule(1.0, 1 / ratio, max(1, num_steps - top))
    shape = optax.join_schedules([up, down], [top])
    # A factor, so that a rate from elsewhere gives the same digits.
    return lambda count: highest * shape(count)


class RatedState(NamedTuple):
    """The state of `rated`."""

    inner: Any
    count: jax.Array
    learning_rate: jax.Array
    """Of the first step."""


def rated(
    optimizer: optax.GradientTransformation, schedule: optax.Schedule
) -> optax.GradientTransformation:
    """Multiplies the updates of an optimiser by a learning rate that its state holds.

    All of `OPTIMIZERS` are linear in theirs, so that what was built for the learning rate 1 is in
    this way what it would have been for another; runs with different ones are then one program.

    Args:
        optimizer: what makes the updates, for the learning rate 1 at every step.
        schedule: what the learning rate is at each step, as a share of that of the first.
    """

    def init(params: Any) -> RatedState:
        return RatedState(optimizer.init(params), jnp.zeros((), jnp.int32), jnp.ones(()))

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, RatedState]:
        updates, inner = optimizer.update(updates, state.inner, params)
        rate, share = state.learning_rate, schedule(state.count)
        # In the type of the schedule, as one that was built for this learning rate has it.
        now = rate if isinstance(share, float) else rate.astype(jnp.asarray(share).dtype) * share
        updates = jax.tree.map(lambda u: u * now.astype(u.dtype), updates)
        count = jnp.asarray(optax.safe_increment(state.count))
        return updates, RatedState(inner, count, rate)

    return optax.GradientTransformation(init, update)


def with_learning_rates(opt_state: Any, rates: jax.Array) -> Any:
    """An optimiser's state in which `rated` has these learning rates, one for each run."""

    def is_rated(state: Any) -> bool:
        return isinstance(state, RatedState)

    def put(state: Any) -> Any:
        return state._replace(learning_rate=rates) if is_rated(state) else state

    return jax.tree.map(put, opt_state, is_leaf=is_rated)


class AveragingState(NamedTuple):
    """The state of `averaging`."""

    inner: Any
    average: Any
    """The average as `optax.ema` keeps it, biased towards the zeros that it starts from."""
    decay: jax.Array


def averaging(
    optimizer: optax.GradientTransformation, decay: float
) -> optax.GradientTransformation:
    r"""Lets an optimiser keep an average of the parameters that it goes through.

    .. math:: a_t = \beta a_{t-1} + (1 - \beta) \theta_t, \qquad
              \bar\theta_t = a_t / (1 - \beta^t)

    The updates are those of the optimiser; `averaged_params` reads the average.

    Args:
        optimizer: what makes the updates.
        decay: β, below 1: the average goes back over about 1 / (1 - β) updates.

    Source: B. Polyak, A. Juditsky, "Acceleration of stochastic approximation by averaging", SIAM
    Journal on Control and Optimization 30 (1992), 838-855; exponentially weighted as in D. Kingma,
    J. Ba, "Adam", arXiv:1412.6980, section 7.2.
    """
    ema = optax.ema(decay)

    def init(params: Any) -> AveragingState:
        return AveragingState(optimizer.init(params), ema.init(params), jnp.asarray(decay))

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, AveragingState]:
        updates, inner = optimizer.update(updates, state.inner, params)
        average = ema.update(optax.apply_updates(params, updates), state.average)[1]
        return updates, AveragingState(inner, average, state.decay)

    return optax.GradientTransformation(init, update)


def averaged_params(opt_state: Any, params: Any) -> Any:
    """The average that `averaging` keeps in the optimiser's state; `params` where there is none."""
    if isinstance(opt_state, optax.ApplyIfFiniteState):
        opt_state = opt_state.inner_state
    if not isinstance(opt_state, AveragingState):
        return params
    count, average = opt_state.average
    return optax.tree.bias_correction(average, opt_state.decay, count)

"""Optax optimisers and learning-rate schedules by name."""

from __future__ import annotations

from types import MappingProxyType

import optax

OPTIMIZERS = MappingProxyType(
    {
        "adam": optax.adam,
        "adamw": optax.adamw,
        "nadam": optax.nadam,
        "rmsprop": optax.rmsprop,
        "adagrad": optax.adagrad,
        "sgd": optax.sgd,
    }
)
"""Optimisers that need a learning rate only."""

SCHEDULES = ("constant", "cosine", "linear")
"""How the learning rate goes from its first value to zero, or does not."""


def build_optimizer(
    name: str,
    learning_rate: float,
    *,
    schedule: str = "constant",
    num_steps: int,
    clip_norm: float | None = None,
) -> optax.GradientTransformation:
    """Builds an optimiser, with a schedule over the whole run and a limit on the gradient.

    Args:
        name: one of `OPTIMIZERS`.
        learning_rate: of the first step.
        schedule: one of `SCHEDULES`; "cosine" and "linear" reach zero after `num_steps`.
        num_steps: updates in the whole run.
        clip_norm: the largest global norm of the gradient; None for no limit.
    """
    rates = {
        "constant": learning_rate,
        "cosine": optax.cosine_decay_schedule(learning_rate, num_steps),
        "linear": optax.linear_schedule(learning_rate, 0.0, num_steps),
    }
    optimizer = OPTIMIZERS[name](rates[schedule])
    if clip_norm is None:
        return optimizer
    return optax.chain(optax.clip_by_global_norm(clip_norm), optimizer)

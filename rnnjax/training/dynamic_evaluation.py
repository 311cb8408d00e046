"""A model that goes on learning from the text that it is tested on, once it has been scored."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from rnnjax.training.streams import Losses

EPSILON = 2e-5
"""As in the code of the paper's authors."""


class Rule(NamedTuple):
    """How parameters follow the gradient."""

    rate: jax.Array | float
    """η."""
    decay: jax.Array | float = 0.0
    """λ, how strongly they are drawn back to what was trained."""
    rms: Any = None
    r"""The root mean square of each parameter's gradient in training, :math:`\sqrt{MS_g}`; None for
    plain gradient descent."""


class Adapted(NamedTuple):
    """The parameters that a text is read with, and how they follow it."""

    params: Any
    rule: Rule


def first_carry(carry: Any, params: Any) -> Any:
    """What a text begins with: a state, and parameters that differ by nothing from those trained.

    Args:
        carry: the model's state.
        params: of one model, or their shapes.
    """
    return carry, jax.tree.map(lambda p: jnp.zeros(p.shape, p.dtype), params)


def following(losses: Losses) -> Losses:
    r"""Losses of parameters that follow the gradient of each piece of text when it has been scored.

    .. math::
        \text{plain:} &\quad θ_i = θ_{i-1} - η ∇L(s_i) + λ (θ_g - θ_{i-1}) \\
        \text{by RMS:} &\quad θ_i = θ_{i-1} - η \frac{∇L(s_i)}{\sqrt{MS_g} + ε}
                         + \min(λ R, 1) ⊙ (θ_g - θ_{i-1}), \quad
                         R = \frac{\sqrt{MS_g}}{\mathrm{avg}(\sqrt{MS_g})}

    with the mean loss L of the segment s_i, which is predicted with :math:`θ_{i-1}`, and the
    parameters :math:`θ_g` that were trained. The average in R is the mean over arrays of each
    one's mean, as the authors compute it. The gradient goes no further back than the segment.

    A `rnnjax.training.streams.StreamReader` with the segment as its ``window``, one row, and
    `Adapted` for parameters reads a whole text so, as one program; it begins with `first_carry`.

    Args:
        losses: of a piece of text.

    Source: B. Krause, E. Kahembwe, I. Murray, S. Renals, "Dynamic evaluation of neural sequence
    models", arXiv:1709.07432.
    """

    def follow(
        adapted: Adapted, carry: Any, inputs: jax.Array, targets: jax.Array
    ) -> tuple[Any, jax.Array]:
        trained, rule = adapted
        state, moved = carry

        def mean(params: Any) -> tuple[jax.Array, Any]:
            new, each = losses(params, state, inputs, targets)
            return each.mean(), (new, each)

        params = jax.tree.map(jnp.add, trained, moved)
        gradient, (state, each) = jax.grad(mean, has_aux=True)(params)
        return (state, _moved(rule, moved, gradient)), each

    return follow


def _moved(rule: Rule, moved: Any, gradient: Any) -> Any:
    """How far the parameters are from the trained ones after a step."""
    if rule.rms is None:
        return jax.tree.map(lambda d, g: d - rule.rate * g - rule.decay * d, moved, gradient)
    means = [rms.mean() for rms in jax.tree.leaves(rule.rms)]
    average = jnp.stack(means).mean()

    def of(d: jax.Array, g: jax.Array, rms: jax.Array) -> jax.Array:
        back = jnp.minimum(rule.decay * rms / average, 1)
        return d - rule.rate * g / (rms + EPSILON) - back * d

    return jax.tree.map(of, moved, gradient, rule.rms)


def gradient_rms(
    losses: Losses, params: Any, carry: Any, inputs: jax.Array, targets: jax.Array, segment: int
) -> Any:
    r"""The root mean square of each parameter's gradient over the segments of a text.

    .. math:: \sqrt{MS_g} = \sqrt{\frac1N \sum_k (∇L(s_k))^2}

    Args:
        losses: of a piece of text.
        params: that were trained.
        carry: the state that rows begin with; it is carried from segment to segment.
        inputs: symbols to learn from ``[B, T]``; each segment has all rows.
        targets: those after them.
        segment: steps; T is a multiple of it.

    Source: as of `following`.
    """

    def windows(a: jax.Array) -> jax.Array:
        return a.reshape(len(a), -1, segment).swapaxes(0, 1)

    def add(loop: Any, window: Any) -> tuple[Any, None]:
        total, state = loop

        def mean(params: Any) -> tuple[jax.Array, Any]:
            new, each = losses(params, state, *window)
            return each.mean(), new

        gradient, state = jax.grad(mean, has_aux=True)(params)
        return (jax.tree.map(lambda t, g: t + jnp.square(g), total, gradient), state), None

    pieces = jax.tree.map(windows, (inputs, targets))
    zeros = jax.tree.map(jnp.zeros_like, params)
    (total, _), _ = lax.scan(add, (zeros, carry), pieces)
    return jax.tree.map(lambda t: jnp.sqrt(t / len(pieces[0])), total)

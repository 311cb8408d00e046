"""Drawings that a model goes on with by itself, and what lies between two of them."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from rnnjax.data.drawings import END, PADDING
from rnnjax.decoding import feed_back
from rnnjax.models.mixture_density import as_mixture, draw
from rnnjax.models.sketch import Sketcher


class Pen(NamedTuple):
    """The last point of each drawing, and whether there are no more."""

    offsets: jax.Array
    """``[B, 2]``."""
    states: jax.Array
    """int32 ``[B]``."""
    is_done: jax.Array
    """bool ``[B]``."""


@functools.partial(jax.jit, static_argnames=("model", "num_steps"))
def go_on(
    model: Sketcher,
    params: Any,
    offsets: jax.Array,
    pens: jax.Array,
    key: jax.Array,
    temperature: jax.Array | float,
    z: jax.Array | None = None,
    *,
    num_steps: int,
) -> tuple[jax.Array, jax.Array]:
    """Draws on by chance, from given points to the end of each drawing: one program.

    Args:
        model: draws.
        params: its parameters.
        offsets: of the points that there are, ``[B, P, 2]``; P may be 0.
        pens: integers ``[B, P]``, none of them padding.
        key: typed random key.
        temperature: as of `rnnjax.models.mixture_density.draw`.
        z: ``[B, Z]``, for a model with an encoder.
        num_steps: S, the most points to draw.

    Returns:
        Offsets ``[B, S, 2]`` and pens int32 ``[B, S]`` of the further points; behind the end of a
        drawing zeros and `rnnjax.data.drawings.PADDING`.
    """
    variables = {"params": params}

    def read(offsets: jax.Array, pens: jax.Array, carry: Any) -> Any:
        return model.apply(variables, offsets, pens, carry, z, method="go_on")

    rows = offsets.shape[0]
    offsets = jnp.concatenate((jnp.zeros_like(offsets, shape=(rows, 1, 2)), offsets), axis=1)
    pens = jnp.concatenate((jnp.full((rows, 1), END, jnp.int32), pens.astype(jnp.int32)), axis=1)
    if z is None:
        carry = model.decoder.initial_carry((rows,), offsets.dtype)
    else:
        carry = model.apply(variables, z, method="first_carry")
    if offsets.shape[1] > 1:
        carry, _ = read(offsets[:, :-1], pens[:, :-1], carry)

    def step(carry: Any, pen: Pen) -> tuple[Any, Any]:
        carry, outputs = read(pen.offsets[:, None], pen.states[:, None], carry)
        return carry, (outputs[:, 0], pen.is_done)

    def take(key: jax.Array, said: Any) -> Pen:
        outputs, is_done = said
        point, state = draw(key, as_mixture(outputs), temperature)
        point = jnp.where(is_done[:, None], 0, point).astype(offsets.dtype)
        return Pen(point, jnp.where(is_done, PADDING, state), is_done | (state == END))

    first = Pen(offsets[:, -1], pens[:, -1], jnp.zeros(rows, bool))
    _, drawn = feed_back(step, take, carry, first, jax.random.split(key, num_steps))
    return drawn.offsets.swapaxes(0, 1), drawn.states.swapaxes(0, 1)


def between(first: np.ndarray, last: np.ndarray, number: int) -> np.ndarray:
    r"""Points of the great circle from one z to another, both included, ``[number, Z]``.

    .. math:: \frac{\sin((1 - t)\, \theta)\, z_0 + \sin(t\, \theta)\, z_1}{\sin \theta}, \qquad
              \cos \theta = \frac{z_0 \cdot z_1}{|z_0|\, |z_1|}

    Where the two lie on one line through 0, the straight line between them.

    Source: T. White, "Sampling generative networks", arXiv:1609.04468.

    >>> between(np.array([1.0, 0.0]), np.array([0.0, 1.0]), 3).round(4).tolist()
    [[1.0, 0.0], [0.7071, 0.7071], [0.0, 1.0]]
    """
    shares = np.linspace(0, 1, number)[:, None]
    lengths = np.linalg.norm(first) * np.linalg.norm(last)
    angle = np.arccos(np.clip(first @ last / max(lengths, 1e-300), -1, 1))
    if np.sin(angle) < 1e-6:
        return (1 - shares) * first + shares * last
    own = np.sin((1 - shares) * angle) * first + np.sin(shares * angle) * last
    return own / np.sin(angle)

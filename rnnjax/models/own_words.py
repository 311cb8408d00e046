"""What a decoder reads while it learns: right words, and in places its own."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from rnnjax.models.encoder_decoder import EncoderDecoder

SCHEDULES = ("constant", "linear", "sigmoid")
"""How the share of right words falls, see `right_share`."""

STEEPNESS = 12.0
"""k of the inverse sigmoid, with steps counted in hundredths of the run: half of what is to be lost
is lost after 30 of them."""


def right_share(schedule: str, last: float, progress: jax.Array) -> jax.Array:
    r"""The share ε of right words among those that a decoder reads.

    .. math::
        \epsilon &= \ell + (1 - \ell)\, f(p) \\
        f_{constant}(p) = 0, \quad f_{linear}(p) &= 1 - p, \quad
        f_{sigmoid}(p) = \frac{k}{k + \exp(100\, p / k)}, \; k = 12

    Args:
        schedule: one of `SCHEDULES`.
        last: ℓ, the share that it falls to.
        progress: p, from 0 at the run's beginning to 1 at its end.

    Source: S. Bengio et al., "Scheduled sampling for sequence prediction with recurrent neural
    networks", arXiv:1506.03099, section 2.4.
    """
    falling = {
        "constant": lambda: jnp.zeros_like(progress),
        "linear": lambda: 1 - progress,
        "sigmoid": lambda: STEEPNESS / (STEEPNESS + jnp.exp(100 * progress / STEEPNESS)),
    }[schedule]()
    return last + (1 - last) * falling


def with_own_words(
    model: EncoderDecoder, params: Any, sources: jax.Array, before: jax.Array, is_right: jax.Array
) -> jax.Array:
    r"""What stands before each symbol, in places not the right one but the model's own.

    .. math::
        w_t = \begin{cases} \text{right}_t & \text{where it is to be} \\
              \arg\max \mathrm{logits}_{t-1} & \text{else} \end{cases}

    The logits are those after ``w_0, …, w_{t-1}``, without dropout. A loss of these words learns as
    in the paper, where no gradient goes through the choice of a word either, and the decoder runs
    over all steps at once.

    Args:
        model: an encoder and a decoder; 0 is padding.
        params: its parameters.
        sources: numbers ``[B, S]``.
        before: the right ones ``[B, T]``, the first one a start, which stays.
        is_right: booleans ``[B, T]``.

    Returns:
        Numbers ``[B, T]``.

    Source: S. Bengio et al., arXiv:1506.03099; the most probable word where they also draw one.
    """
    params = lax.stop_gradient(params)
    known: Any = model.apply({"params": params}, sources, sources > 0, method="encode")
    encoded, carry = known

    def step(
        state: tuple[Any, jax.Array], given: tuple[jax.Array, jax.Array]
    ) -> tuple[tuple[Any, jax.Array], jax.Array]:
        carry, own = state
        right, is_right = given
        word = jnp.where(is_right, right, own)
        stepped: Any = model.apply({"params": params}, encoded, carry, word, method="step")
        carry, logits, _ = stepped
        return (carry, logits.argmax(axis=-1).astype(word.dtype)), word

    before = jnp.asarray(before)
    # Of the first there is no own one, so it stays.
    return lax.scan(step, (carry, before[:, 0]), (before.T, is_right.T))[1].T

"""Reading what is there before anything is written."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.tree_util import Partial

from rnnjax.checks import described
from rnnjax.decoding.step_functions import (
    Carry,
    StepFunction,
    as_data,
    as_tokens,
    check_rows,
    is_boolean,
    logits_of,
)
from rnnjax.unrolling.chunked import where_rows


def prime(
    step: StepFunction, carry: Carry, tokens: Any, mask: Any = None
) -> tuple[Carry, jax.Array]:
    """Reads a prompt.

    Logits are computed for the last token of each row only. To go on with `sample`, which reads its
    first tokens itself, let `prime` read all but the last ones.

    Args:
        step: a step function, ``(carry, tokens [B]) -> (carry, logits [B, V])``.
        carry: the state before the first token, arrays ``[B, ...]``.
        tokens: integers ``[T, B]``; T may be 0.
        mask: booleans ``[T, B]``, False where there is no token: there the carry is held.

    Returns:
        The carry after the last token, and the logits ``[B, V]`` after it, zero in a row without
        any token.

    Raises:
        ValueError: the step function, the carry, the tokens or the mask do not fit each other.

    >>> def step(counts, tokens):
    ...     counts = counts + jax.nn.one_hot(tokens, 3)
    ...     return counts, jnp.log(counts)
    >>> carry, logits = prime(step, jnp.ones((1, 3)), jnp.array([[2], [2], [0]]))
    >>> carry
    Array([[2., 1., 3.]], dtype=float32)
    """
    tokens = as_tokens("prime", "tokens", tokens, 2, "[T, B]")
    check_rows("prime", carry, tokens.shape[1])
    if mask is None:
        mask = jnp.ones(tokens.shape, bool)
    elif not is_boolean(mask) or jnp.shape(mask) != tokens.shape:
        raise ValueError(
            f"prime: the mask must be booleans of the tokens' shape {tokens.shape}, but got "
            f"{described(mask)}."
        )
    return _prime(as_data(step, "step"), carry, tokens, jnp.asarray(mask))


@jax.jit
def _prime(
    step: Partial, carry: Carry, tokens: jax.Array, mask: jax.Array
) -> tuple[Carry, jax.Array]:
    num_steps, num_rows = tokens.shape
    shape = logits_of("prime", step, carry, num_rows)
    if num_steps == 0:
        return carry, jnp.zeros(shape.shape, shape.dtype)
    steps = jnp.arange(num_steps, dtype=jnp.int32)[:, None]
    last = jnp.max(jnp.where(mask, steps, -1), axis=0)

    # The last token of each row is left out here. So nobody asks for these steps' logits, which
    # for many tokens are most of the work, and the compiler drops them.
    def read(carry: Carry, inputs: tuple[jax.Array, jax.Array]) -> tuple[Carry, None]:
        token, valid = inputs
        return where_rows(valid, step(carry, token)[0], carry), None

    carry, _ = lax.scan(read, carry, (tokens, mask & (steps < last[None])))
    token = jnp.take_along_axis(tokens, jnp.maximum(last, 0)[None], axis=0)[0]
    after, logits = step(carry, token)
    return where_rows(last >= 0, (after, logits), (carry, jnp.zeros_like(logits)))

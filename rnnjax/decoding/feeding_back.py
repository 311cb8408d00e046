"""Sequences of anything, not of tokens alone: each step reads what was drawn from the one before.

A step reads an input of each row and gives what it says of the next: ``step(carry, x [B, ...]) ->
(carry, outputs)``, where outputs are the numbers of a distribution, or the next input itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
from jax import lax

Step = Callable[[Any, Any], tuple[Any, Any]]
Draw = Callable[[jax.Array, Any], Any]


def feed_back(step: Step, draw: Draw, carry: Any, first: Any, keys: jax.Array) -> tuple[Any, Any]:
    r"""Lets a model run freely: what it says of the next input is what it reads next.

    .. math:: (c_{t+1}, o_t) = \mathrm{step}(c_t, x_t), \qquad x_{t+1} = \mathrm{draw}(k_t, o_t)

    It is traced: call it within `jax.jit`.

    Args:
        step: reads the inputs of all rows.
        draw: ``draw(key, outputs)``: the next inputs, of the shapes and types of the first ones;
            ``lambda key, outputs: outputs`` where nothing is left to chance.
        carry: c_0, what was remembered of the beginning.
        first: x_0, a pytree; the last input of the beginning, which the step has not yet read.
        keys: typed random keys ``[T]``, one for each input that is drawn.

    Returns:
        The carry after T steps, which has not read the last input, and the inputs drawn, x_1 to
        x_T, with the axis of time in front.

    >>> keys = jax.random.split(jax.random.key(0), 3)
    >>> count_and_double = lambda carry, x: (carry + 1, 2 * x)
    >>> carry, drawn = feed_back(count_and_double, lambda key, x: x, 0, jax.numpy.ones(1), keys)
    >>> int(carry), drawn[:, 0].tolist()
    (3, [2.0, 4.0, 8.0])
    """

    def advance(state: tuple[Any, Any], key: jax.Array) -> tuple[tuple[Any, Any], Any]:
        carry, outputs = step(*state)
        x = draw(key, outputs)
        return (carry, x), x

    (carry, _), drawn = lax.scan(advance, (carry, first), keys)
    return carry, drawn

"""The scaled Cayley orthogonal recurrent network."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.hyperparameters import Size
from rnnjax.orthogonal import cayley, cayley_blocks
from rnnjax.orthogonal_cell import OrthogonalCell


class ScoRNNParams(NamedTuple):
    """Parameters: ``w_x [D, H]``, A's triangle ``upper [H (H - 1) / 2]``, ``b [H]`` or None."""

    w_x: jax.Array
    upper: jax.Array
    b: jax.Array | None = None


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class ScoRNN(OrthogonalCell):
    r"""Simple recurrent cell with an orthogonal matrix: a scaled Cayley transform.

    .. math::
        W &= (1 + A)^{-1} (1 - A) D, \qquad A = -A^\top \\
        h_t &= \mathrm{modReLU}(x_t W_x + h_{t-1} W;\ b), \qquad y_t = h_t

    modReLU is sign(a) relu(\|a\| + b). D is diagonal and fixed, of 1 and, at its end, of -1. At
    first A has 2 x 2 blocks with entries -√((1 - cos s) / (1 + cos s)), s uniform between 0 and
    π / 2; W_x is uniform between ±0.01 and b is 0.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        negatives: how many entries of D are -1, at most H; None for none, as in the official code.
            The paper chooses it for each task.
        use_bias: whether there is a bias; without it modReLU is the identity.

    Parameters: `ScoRNNParams`. Carry: `rnnjax.gated_cell.HiddenCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or there are more negatives than units.

    Equals the recurrence h D + x W_x with b = 0 and A = 0. W is orthogonal whatever a training step
    does to A, because only the triangle of A is a parameter; the official code moves A by hand and
    makes W anew outside of the graph.

    >>> cell = ScoRNN(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: K. Helfrich, D. Willmott, Q. Ye, "Orthogonal recurrent neural networks with scaled
    Cayley transform", ICML 2018, arXiv:1707.09520; first values as in ``scoRNN.py`` of
    SpartinStuff/scoRNN.
    """

    negatives: Size | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.negatives is not None and self.negatives > self.hidden_size:
            raise ValueError(
                f"ScoRNN: negatives must be at most hidden_size, {self.hidden_size}, not "
                f"{self.negatives}."
            )

    def init(self, key: jax.Array) -> ScoRNNParams:
        d, h = self.input_size, self.hidden_size
        keys = jax.random.split(key)
        w_x = jax.random.uniform(keys[0], (d, h), minval=-0.01, maxval=0.01)
        return ScoRNNParams(w_x, cayley_blocks(keys[1], h), jnp.zeros(h) if self.use_bias else None)

    def matrix(self, params: ScoRNNParams) -> jax.Array:
        w = cayley(params.upper, self.hidden_size)
        kept = self.hidden_size - (self.negatives or 0)
        return jnp.concatenate([w[:, :kept], -w[:, kept:]], axis=1)

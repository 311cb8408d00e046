"""The non-normal recurrent network."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.orthogonal import exponential, henaff_blocks, triangle, wide
from rnnjax.orthogonal_cell import OrthogonalCell


class NNRNNParams(NamedTuple):
    """Parameters.

    ``w_x [D, H]``; ``upper [H (H - 1) / 2]``, the triangle of P's logarithm; ``theta [H / 2]`` and
    ``alpha [H / 2]`` of the blocks; ``t [H (H - 1) / 2]``, the triangle T; ``b [H]`` or None.
    """

    w_x: jax.Array
    upper: jax.Array
    theta: jax.Array
    alpha: jax.Array
    t: jax.Array
    b: jax.Array | None = None


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class NNRNN(OrthogonalCell):
    r"""Non-normal recurrent cell: a matrix by its Schur form, at first an orthogonal one.

    .. math::
        W &= P (\Lambda + T) P^\top, \qquad P = e^A, \qquad A = -A^\top \\
        \Lambda_k &= \alpha_k \begin{pmatrix} \cos\theta_k & -\sin\theta_k \\
                     \sin\theta_k & \cos\theta_k \end{pmatrix} \\
        h_t &= \mathrm{modReLU}(x_t W_x + h_{t-1} W;\ b), \qquad y_t = h_t

    Λ has its blocks along the diagonal, T is strictly upper triangular, and modReLU is
    sign(a) relu(\|a\| + b). At first θ is uniform between 0 and 2π, α = 1, T = 0, A has blocks with
    values uniform between ±π, W_x is Glorot normal and b uniform between ±0.01.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units, an even number.
        use_bias: whether there is a bias; without it modReLU is the identity.

    Parameters: `NNRNNParams`. Carry: `rnnjax.gated_cell.HiddenCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or there is an odd number of units.

    Equals a cell with an orthogonal matrix where T = 0 and α = 1. The authors add
    λ (α - 1)² to the loss, which is no part of a cell. As in their code, T also has the entry above
    the diagonal of each block; whether the paper's T begins outside the blocks was not established.

    >>> cell = NNRNN(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: G. Kerg et al., "Non-normal recurrent neural network (nnRNN): learning long time
    dependencies while improving expressivity with transient dynamics", NeurIPS 2019,
    arXiv:1905.12080; details as in ``RNN_Cell.py`` of nnRNN/nnRNN_release.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.hidden_size % 2:
            raise ValueError(f"NNRNN: hidden_size must be even, not {self.hidden_size}.")

    def init(self, key: jax.Array) -> NNRNNParams:
        d, h = self.input_size, self.hidden_size
        keys = jax.random.split(key, 4)
        return NNRNNParams(
            w_x=jax.nn.initializers.glorot_normal()(keys[0], (d, h)),
            upper=henaff_blocks(keys[1], h),
            theta=jax.random.uniform(keys[2], (h // 2,), maxval=2 * jnp.pi),
            alpha=jnp.ones(h // 2),
            t=jnp.zeros(h * (h - 1) // 2),
            b=jax.random.uniform(keys[3], (h,), minval=-0.01, maxval=0.01)
            if self.use_bias
            else None,
        )

    def matrix(self, params: NNRNNParams) -> jax.Array:
        h = self.hidden_size
        p = exponential(wide(params.upper), h)
        theta, alpha = wide(params.theta), wide(params.alpha)
        cos, sin = alpha * jnp.cos(theta), alpha * jnp.sin(theta)
        first = jnp.arange(0, h, 2)
        schur = triangle(wide(params.t), h) + jnp.diag(jnp.repeat(cos, 2))
        schur = schur.at[first, first + 1].add(-sin).at[first + 1, first].add(sin)
        return jnp.matmul(jnp.matmul(p, schur), p.T).astype(params.upper.dtype)

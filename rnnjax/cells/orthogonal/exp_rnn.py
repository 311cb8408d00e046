"""The recurrent network whose matrix is an exponential."""

from __future__ import annotations

import dataclasses
from typing import Annotated, NamedTuple

import jax

from rnnjax.hyperparameters import one_of
from rnnjax.orthogonal import FIRST_BLOCKS, exponential
from rnnjax.orthogonal_cell import OrthogonalCell


class ExpRNNParams(NamedTuple):
    """Parameters: ``w_x [D, H]``, A's triangle ``upper [H (H - 1) / 2]``, ``b [H]`` or None."""

    w_x: jax.Array
    upper: jax.Array
    b: jax.Array | None = None


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class ExpRNN(OrthogonalCell):
    r"""Simple recurrent cell with an orthogonal matrix: the exponential of a skew-symmetric one.

    .. math::
        W &= e^A, \qquad A = -A^\top \\
        h_t &= \mathrm{modReLU}(x_t W_x + h_{t-1} W;\ b), \qquad y_t = h_t

    modReLU is sign(a) relu(\|a\| + b). At first A has 2 x 2 blocks, W_x is normal with the variance
    2 / D and b uniform between ±0.01.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        initialization: of A's blocks, "henaff" (uniform between ±π) or "cayley" (as of
            `rnnjax.ScoRNN`).
        use_bias: whether there is a bias; without it modReLU is the identity.

    Parameters: `ExpRNNParams`. Carry: `rnnjax.gated_cell.HiddenCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or the initialisation is unknown.

    Equals the sum h + x W_x with b = 0 and A = 0. The paper trains A, here ``upper``, with a
    learning rate of its own, which is smaller. The later variant that moves what it has learned
    into a fixed matrix in front of the exponential now and then is a matter of training, and not
    here.

    >>> cell = ExpRNN(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jax.numpy.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: M. Lezcano-Casado, D. Martínez-Rubio, "Cheap orthogonal constraints in neural networks:
    a simple parametrization of the orthogonal and unitary group", ICML 2019, arXiv:1901.08428;
    first values as in ``initialization.py`` of Lezcano/expRNN.
    """

    initialization: Annotated[str, one_of(FIRST_BLOCKS)] = "henaff"

    def init(self, key: jax.Array) -> ExpRNNParams:
        d, h = self.input_size, self.hidden_size
        keys = jax.random.split(key, 3)
        return ExpRNNParams(
            jax.nn.initializers.he_normal()(keys[0], (d, h)),
            FIRST_BLOCKS[self.initialization](keys[1], h),
            jax.random.uniform(keys[2], (h,), minval=-0.01, maxval=0.01) if self.use_bias else None,
        )

    def matrix(self, params: ExpRNNParams) -> jax.Array:
        return exponential(params.upper, self.hidden_size)

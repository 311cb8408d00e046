"""The linear recurrent unit, with complex states that turn and fade."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import check_input, zero_carry
from rnnjax.hyperparameters import Positive, Rate, Size, check_hyperparameters
from rnnjax.linear_cell import LinearCell
from rnnjax.recurrences import Rotation, State


class LRUParams(NamedTuple):
    """Parameters.

    ``nu_log``, ``theta_log``, ``gamma_log`` ``[N]``; ``b_re``, ``b_im`` ``[D, N]``; ``c_re``,
    ``c_im`` ``[N, O]``; ``d [D]``, or None where D and O differ.
    """

    nu_log: jax.Array
    theta_log: jax.Array
    gamma_log: jax.Array
    b_re: jax.Array
    b_im: jax.Array
    c_re: jax.Array
    c_im: jax.Array
    d: jax.Array | None = None


class LRUCarry(NamedTuple):
    """Carry: the real and the imaginary part of the state, ``[..., N]``."""

    re: jax.Array
    im: jax.Array


class Projected(NamedTuple):
    """What depends on the input alone: γ B x as a pair ``[..., N]``, and x for the readout."""

    re: jax.Array
    im: jax.Array
    x: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class LRU(LinearCell):
    r"""The linear recurrent unit.

    .. math::
        \lambda &= \exp(-e^{\nu} + i\, e^{\theta}) \\
        h_t &= \lambda \odot h_{t-1} + e^{\gamma} \odot (x_t B), \qquad
        y_t = \mathrm{Re}(h_t C) + d \odot x_t

    At first |λ| is uniform by area between two radii, its angle uniform below a largest one, and γ
    is such that the state keeps the variance of the inputs, :math:`e^\gamma = \sqrt{1 -
    |\lambda|^2}`; after that all three are learnt freely.

    Args:
        input_size: D, features of one input.
        hidden_size: N, complex states; there are no conjugate pairs among them.
        num_outputs: O, features of an output; None for D.
        least_radius: of λ at first.
        largest_radius: of λ at first, at most 1.
        largest_angle: of λ at first, in radians.

    Parameters: `LRUParams`. Carry: `LRUCarry`. Output: ``[..., O]``.

    Raises:
        ValueError: a size is not a positive integer, or the radii are no radii.

    Source: A. Orvieto et al., "Resurrecting recurrent neural networks for long sequences", ICML
    2023, arXiv:2303.06349, section 3 and appendix A; initial values as in N. Zucchet's
    "minimal-LRU".
    """

    input_size: Size
    hidden_size: Size
    num_outputs: Size | None = None
    least_radius: Rate = 0.0
    largest_radius: Positive = 1.0
    largest_angle: Positive = 2 * math.pi

    carry_type = LRUCarry

    def __post_init__(self) -> None:
        check_hyperparameters(self)
        if not self.least_radius < self.largest_radius <= 1:
            raise ValueError(
                f"LRU: radii must rise within 0 to 1, not be least_radius={self.least_radius!r} "
                f"and largest_radius={self.largest_radius!r}."
            )

    @property
    def output_size(self) -> int:
        return self.num_outputs or self.input_size

    def init(self, key: jax.Array) -> LRUParams:
        d, n, o = self.input_size, self.hidden_size, self.output_size
        keys = jax.random.split(key, 7)
        low, high = self.least_radius**2, self.largest_radius**2
        square = jax.random.uniform(keys[0], (n,)) * (high - low) + low
        # The radius itself may be drawn as 0, whose logarithm is none.
        nu = -0.5 * jnp.log(jnp.maximum(square, 1e-12))
        theta = self.largest_angle * jax.random.uniform(keys[1], (n,), minval=1e-6)

        def normal(key: jax.Array, *shape: int, variance: float) -> jax.Array:
            return jax.random.normal(key, shape) * variance**0.5

        skips = o == d
        return LRUParams(
            jnp.log(nu), jnp.log(theta), 0.5 * jnp.log(-jnp.expm1(-2 * nu)),
            normal(keys[2], d, n, variance=1 / (2 * d)),
            normal(keys[3], d, n, variance=1 / (2 * d)),
            normal(keys[4], n, o, variance=1 / n), normal(keys[5], n, o, variance=1 / n),
            normal(keys[6], d, variance=1) if skips else None,
        )  # fmt: skip

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> LRUCarry:
        sizes = dict.fromkeys(LRUCarry._fields, self.hidden_size)
        return zero_carry(LRUCarry, batch_shape, dtype, **sizes)

    def project(self, params: LRUParams, x: jax.Array) -> Projected:
        check_input(self, x)
        gain = jnp.exp(params.gamma_log)
        both = (jnp.matmul(x, w) for w in (params.b_re, params.b_im))
        re, im = (own * jnp.broadcast_to(gain, own.shape) for own in both)
        return Projected(re, im, x)

    def coefficients(self, params: LRUParams, z: Projected) -> Rotation:
        wide = z.re.dtype
        radius = jnp.exp(-jnp.exp(params.nu_log.astype(wide)))
        angle = jnp.exp(params.theta_log.astype(wide))
        return Rotation(radius * jnp.cos(angle), radius * jnp.sin(angle), z.re, z.im)

    def readout(self, params: LRUParams, state: State, z: Projected) -> jax.Array:
        re, im = state
        y = jnp.matmul(re, params.c_re) - jnp.matmul(im, params.c_im)
        if params.d is None:
            return y
        return y + z.x * jnp.broadcast_to(params.d, z.x.shape)

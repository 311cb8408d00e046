"""The state space model S5, with many inputs and outputs of one state."""

from __future__ import annotations

import dataclasses
import math
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from rnnjax.cell import check_input, zero_carry
from rnnjax.discretization import Pair, bilinear, times, zero_order_hold
from rnnjax.hippo import normal
from rnnjax.hyperparameters import Flag, Positive, Size, check_hyperparameters, one_of
from rnnjax.linear_cell import LinearCell
from rnnjax.recurrences import Rotation, State

DISCRETIZATIONS = {"zoh": zero_order_hold, "bilinear": bilinear}
OUTPUTS = "trunc_standard_normal", "lecun_normal", "complex_normal"
LEAST_DECAY = 1e-4
"""Where clipped eigenvalues stay to the left of 0."""


class S5Params(NamedTuple):
    """Parameters, of P / 2 states.

    ``lambda_re``, ``lambda_im``, ``step_log`` ``[P / 2]``; ``b_re``, ``b_im`` ``[D, P / 2]``;
    ``c_re``, ``c_im`` ``[P / 2, D]``; ``d [D]``.
    """

    lambda_re: jax.Array
    lambda_im: jax.Array
    step_log: jax.Array
    b_re: jax.Array
    b_im: jax.Array
    c_re: jax.Array
    c_im: jax.Array
    d: jax.Array


class S5Carry(NamedTuple):
    """Carry: the real and the imaginary part of the state, ``[..., P / 2]``."""

    re: jax.Array
    im: jax.Array


class Projected(NamedTuple):
    """What depends on the input alone: B̄ x as a pair ``[..., P / 2]``, and x for the readout."""

    re: jax.Array
    im: jax.Array
    x: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class S5(LinearCell):
    r"""The simplified state space layer: one diagonal system for all features together.

    .. math::
        \bar\Lambda &= e^{\Lambda \Delta}, \qquad
        \bar B = \Lambda^{-1} (e^{\Lambda \Delta} - 1)\, \tilde B, \qquad \Delta = e^{\delta} \\
        h_t &= \bar\Lambda \odot h_{t-1} + x_t \bar B, \qquad
        y_t = 2\, \mathrm{Re}(h_t \tilde C) + D \odot x_t

    or the bilinear rule instead. Of each pair of conjugate states one is kept. At first Λ holds the
    eigenvalues of the normal part of HiPPO-LegS, in J equal blocks, with eigenvectors V; B̃ is
    V⁻¹ times a truncated normal matrix of variance 1/P, C̃ a complex one times V; D is normal, and
    Δ log-uniform, one for every state.

    Args:
        input_size: D, features of one input and of an output.
        state_size: P, states, an even number of them in each block.
        blocks: J.
        discretization: "zoh" or "bilinear".
        clip_eigenvalues: whether the real parts of Λ are kept at -10⁻⁴ at most, so that no state
            grows.
        output_initialization: of C̃: "trunc_standard_normal", whose numbers before V have variance
            1/P in spite of the name, which is the authors' code's; "lecun_normal", 1/(P D), since
            there D counts as inputs; or "complex_normal", without V, of variance 1.
        least_step: of Δ at first.
        largest_step: of Δ at first.

    Parameters: `S5Params`. Carry: `S5Carry`. Output: ``[..., D]``.

    Raises:
        ValueError: a size is not a positive integer, the blocks do not divide P into even parts, a
            name is unknown, or the steps do not rise.

    The authors' code has no step, and runs from zeros only; its (exp(ΛΔ) - 1)/Λ has few digits left
    in float32 where Λ is small.

    Source: J. Smith, A. Warrington, S. Linderman, "Simplified state space layers for sequence
    modeling", ICLR 2023, arXiv:2208.04933; initial values as in lindermanlab/S5.
    """

    input_size: Size
    state_size: Size = 64
    blocks: Size = 1
    discretization: Annotated[str, one_of(DISCRETIZATIONS)] = "zoh"
    clip_eigenvalues: Flag = False
    output_initialization: Annotated[str, one_of(OUTPUTS)] = "trunc_standard_normal"
    least_step: Positive = 1e-3
    largest_step: Positive = 1e-1

    noise_places = ()
    carry_type = S5Carry

    def __post_init__(self) -> None:
        check_hyperparameters(self)
        if self.state_size % (2 * self.blocks):
            raise ValueError(
                f"S5: blocks={self.blocks} must divide state_size={self.state_size} into even "
                "parts, since states come in pairs."
            )
        if self.least_step > self.largest_step:
            raise ValueError(
                f"S5: least_step={self.least_step} must not exceed largest_step="
                f"{self.largest_step}."
            )

    @property
    def output_size(self) -> int:
        return self.input_size

    def init(self, key: jax.Array) -> S5Params:
        d, p = self.input_size, self.state_size
        keys = jax.random.split(key, 4)
        part = normal(p // self.blocks)
        low, high = math.log(self.least_step), math.log(self.largest_step)
        step_log = jax.random.uniform(keys[0], (p // 2,), minval=low, maxval=high)
        v = tuple(jnp.asarray(own, step_log.dtype) for own in (part.v_re, part.v_im))

        def drawn(key: jax.Array, scale: float) -> jax.Array:
            """Numbers ``[D, P]`` of variance scale / P."""
            draw = jax.nn.initializers.variance_scaling(
                scale, "fan_in", "truncated_normal", in_axis=1, out_axis=0
            )
            return draw(key, (d, p))

        def by_block(rows: jax.Array, matrix: jax.Array) -> jax.Array:
            """Rows ``[D, P]`` times a matrix of blocks, ``[D, P / 2]``."""
            blocks = rows.reshape(d, self.blocks, -1)
            return jnp.einsum("djn,nm->djm", blocks, matrix).reshape(d, -1)

        # V⁻¹ is the conjugated transpose of V.
        b = drawn(keys[1], 1)
        b_re, b_im = by_block(b, v[0]), -by_block(b, v[1])
        if self.output_initialization == "complex_normal":
            c_re, c_im = jax.random.normal(keys[2], (2, p // 2, d)) * 0.5**0.5
        else:
            scale = 1 / d if self.output_initialization == "lecun_normal" else 1
            re, im = (drawn(own, scale) for own in jax.random.split(keys[2]))
            c_re = (by_block(re, v[0]) - by_block(im, v[1])).T
            c_im = (by_block(re, v[1]) + by_block(im, v[0])).T
        re, im = (jnp.tile(jnp.asarray(own, step_log.dtype), self.blocks) for own in part[:2])
        skip = jax.random.normal(keys[3], (d,))
        return S5Params(re, im, step_log, b_re, b_im, c_re, c_im, skip)

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> S5Carry:
        sizes = dict.fromkeys(S5Carry._fields, self.state_size // 2)
        return zero_carry(S5Carry, batch_shape, dtype, **sizes)

    def project(self, params: S5Params, x: jax.Array) -> Projected:
        check_input(self, x)
        _, gain = self._discrete(params, jnp.promote_types(params.b_re.dtype, jnp.float32))
        # Into the matrix, which is smaller than what it gives.
        gain_re, gain_im = (jnp.broadcast_to(own, params.b_re.shape) for own in gain)
        both = times((gain_re, gain_im), (params.b_re, params.b_im))
        re, im = (jnp.matmul(x, own.astype(params.b_re.dtype)) for own in both)
        return Projected(re, im, x)

    def coefficients(self, params: S5Params, z: Projected) -> Rotation:
        turn, _ = self._discrete(params, z.re.dtype)
        return Rotation(*turn, z.re, z.im)

    def readout(self, params: S5Params, state: State, z: Projected) -> jax.Array:
        re, im = state
        y = 2 * (jnp.matmul(re, params.c_re) - jnp.matmul(im, params.c_im))
        return y + z.x * jnp.broadcast_to(params.d, z.x.shape)

    def _discrete(self, params: S5Params, dtype: Any) -> tuple[Pair, Pair]:
        """The diagonal of the discrete matrix, and what multiplies B."""
        re, im, step_log = (own.astype(dtype) for own in params[:3])
        if self.clip_eigenvalues:
            re = lax.min(re, jnp.full_like(re, -LEAST_DECAY))
        return DISCRETIZATIONS[self.discretization]((re, im), jnp.exp(step_log))

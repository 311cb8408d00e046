"""The unitary evolution recurrent network."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import Cell, affine, check_input, settled, zero_carry
from rnnjax.hyperparameters import Flag, Size, check_hyperparameters
from rnnjax.orthogonal import Pair, complex_mod_relu, like, reflect, shuffle, times, wide


class URNNParams(NamedTuple):
    """Parameters; of what is complex, the real parts stand first and the imaginary ones behind.

    ``w_x [D, 2H]``; ``theta [3, H]``, the angles of D₁, D₂ and D₃; ``v [2, 2H]``, of the two
    reflections; ``h_0 [2H]``, the first state; ``b [H]`` or None.
    """

    w_x: jax.Array
    theta: jax.Array
    v: jax.Array
    h_0: jax.Array
    b: jax.Array | None = None


class URNNCarry(NamedTuple):
    """Carry: the real and the imaginary part of the state, ``re [..., H]`` and ``im [..., H]``."""

    re: jax.Array
    im: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class URNN(Cell):
    r"""Unitary evolution recurrent cell: a complex state, turned by a product of simple matrices.

    .. math::
        W &= D_3 R_2 F^{-1} D_2 \Pi R_1 F D_1 \\
        h_t &= \mathrm{modReLU}(W h_{t-1} + V x_t;\ b), \qquad
        y_t = [\mathrm{Re}\, h_t, \mathrm{Im}\, h_t]

    D are diagonal with entries of length 1 and learned angles, R = 1 - 2 v v* / ‖v‖² reflections, F
    is the discrete Fourier transform, unitary, and Π a fixed permutation. modReLU is
    a / \|a\| relu(\|a\| + b). At first the angles are uniform between ±π; v and V are Glorot
    uniform, as matrices [2, 2H] and [D, 2H]; b is uniform between ±0.01, and the state before the
    first step, which is learned, between ±√(3 / 2H).

    Args:
        input_size: D, features of one input.
        hidden_size: H, complex units.
        seed: which permutation Π is. The default gives that of the official code.
        use_bias: whether there is a bias; without it modReLU is the identity.

    Parameters: `URNNParams`. Carry: `URNNCarry`. Output: ``[..., 2H]``.

    Raises:
        ValueError: a size or the seed is not a positive integer.

    Equals a unitary matrix's powers with x = 0 and b = 0: the norm of the state stays. The official
    code reflects at the conjugate of v, and divides by \|a\| + 10⁻⁵ in modReLU; the version of it
    that was read has the transforms F commented out, and other first angles and states than these,
    which are the paper's. The variant with any unitary matrix needs an optimiser of its own.

    >>> cell = URNN(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.first_carry(params), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (4,)

    Source: M. Arjovsky, A. Shah, Y. Bengio, "Unitary evolution recurrent neural networks", ICML
    2016, arXiv:1511.06464; details as in ``models.py`` of amarshah/complex_RNN.
    """

    input_size: Size
    hidden_size: Size
    seed: Size = 1234
    use_bias: Flag = True

    def __post_init__(self) -> None:
        check_hyperparameters(self)

    @property
    def output_size(self) -> int:
        return 2 * self.hidden_size

    def init(self, key: jax.Array) -> URNNParams:
        d, h = self.input_size, self.hidden_size
        keys = jax.random.split(key, 5)
        kernel = jax.nn.initializers.glorot_uniform()

        def uniform(key: jax.Array, shape: tuple[int, ...], bound: float) -> jax.Array:
            return jax.random.uniform(key, shape, minval=-bound, maxval=bound)

        return URNNParams(
            w_x=kernel(keys[0], (d, 2 * h)),
            theta=uniform(keys[1], (3, h), jnp.pi),
            v=kernel(keys[2], (2, 2 * h)),
            h_0=uniform(keys[3], (2 * h,), (1.5 / h) ** 0.5),
            b=uniform(keys[4], (h,), 0.01) if self.use_bias else None,
        )

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> URNNCarry:
        return zero_carry(URNNCarry, batch_shape, dtype, re=self.hidden_size, im=self.hidden_size)

    def first_carry(
        self, params: URNNParams, batch_shape: tuple[int, ...] = (), dtype: Any = None
    ) -> URNNCarry:
        zeros = self.initial_carry(batch_shape, dtype)
        parts = jnp.split(params.h_0, 2)
        return URNNCarry(*(like(p.astype(z.dtype), z) for p, z in zip(parts, zeros, strict=True)))

    def project(self, params: URNNParams, x: jax.Array) -> jax.Array:
        check_input(self, x)
        return affine(x, params.w_x)

    def step(
        self, params: URNNParams, carry: URNNCarry, z: jax.Array
    ) -> tuple[URNNCarry, jax.Array]:
        re, im = self.turn(params, (carry.re, carry.im))
        z_re, z_im = jnp.split(z, 2, axis=-1)
        h = URNNCarry(*complex_mod_relu((z_re + re, z_im + im), params.b))
        return settled(carry, h, jnp.concatenate(h, axis=-1), z)

    def turn(self, params: URNNParams, h: Pair) -> Pair:
        """W h of a complex state, two of ``[..., H]``."""
        # XLA's Fourier transform has no type of half a precision.
        theta, v = wide(params.theta), wide(params.v)
        first, second = (tuple(jnp.split(own, 2)) for own in v)
        h = _fourier(_phase((wide(h[0]), wide(h[1])), theta[0]), jnp.fft.fft)
        order = shuffle(self.seed, self.hidden_size)
        re, im = reflect(h, first)  # pyright: ignore[reportArgumentType]
        h = _fourier(_phase((re[..., order], im[..., order]), theta[1]), jnp.fft.ifft)
        return _phase(reflect(h, second), theta[2])  # pyright: ignore[reportArgumentType]


def _phase(h: Pair, theta: jax.Array) -> Pair:
    return times(h, (like(jnp.cos(theta), h[0]), like(jnp.sin(theta), h[0])))


def _fourier(h: Pair, transform: Any) -> Pair:
    turned = transform(jax.lax.complex(*h), norm="ortho")
    return jnp.real(turned), jnp.imag(turned)

"""The efficient unitary network."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import Cell, affine, check_input, settled, zero_carry
from rnnjax.hyperparameters import Flag, Size, check_hyperparameters, one_of
from rnnjax.orthogonal import (
    STYLES,
    check_planes,
    complex_mod_relu,
    like,
    mod_relu,
    num_angles,
    planes,
    rotate,
    rotate_complex,
    times,
    wide,
)


class EUNNParams(NamedTuple):
    """Parameters.

    ``w_x [D, H]`` (``[D, 2H]`` of a complex state, the real part first); ``theta [K]``, the angles
    of all layers; ``phi [K]`` and ``omega [H]``, the phases of the rotations and of the state
    behind them, None of a real state; ``b [H]`` or None.
    """

    w_x: jax.Array
    theta: jax.Array
    phi: jax.Array | None = None
    omega: jax.Array | None = None
    b: jax.Array | None = None


class EUNNCarry(NamedTuple):
    """Carry: the state ``re [..., H]`` and its imaginary part ``im [..., H]``, None if real."""

    re: jax.Array
    im: jax.Array | None = None


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class EUNN(Cell):
    r"""Efficient unitary cell: a matrix that is a product of layers of rotations in planes.

    .. math::
        h_t = \mathrm{modReLU}(W h_{t-1} + V x_t;\ b), \qquad
        W = D F_L \cdots F_1, \qquad
        \begin{pmatrix} p \\ q \end{pmatrix} \mapsto
        \begin{pmatrix} \cos\theta & -e^{i\phi} \sin\theta \\
                        \sin\theta & e^{i\phi} \cos\theta \end{pmatrix}
        \begin{pmatrix} p \\ q \end{pmatrix}

    Each layer F does so to disjoint pairs of units, each pair with its own angles, and D is
    diagonal with the entries exp(i ω); a real state has neither φ nor D. modReLU is
    a / \|a\| relu(\|a\| + b). A step costs H L operations, since W is never formed. At first θ, φ
    and ω are uniform between ±π, V is uniform between ±0.01 and b is 0.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units, complex ones or real ones; an even number.
        style: which pairs: "tunable", neighbours, in turn (0, 1), (2, 3), ... and (1, 2), ...; or
            "fft", units H / 2, H / 4, ..., 1 apart, for H a power of 2.
        capacity: L, the layers of "tunable", an even number; "fft" has log₂ H.
        is_complex: whether the state is complex.
        use_bias: whether there is a bias; without it modReLU is the identity.

    Parameters: `EUNNParams`. Carry: `EUNNCarry`. Output: ``[..., H]`` of a real state, else
    ``[..., 2H]``, the imaginary part behind the real one.

    Raises:
        ValueError: a size is not a positive integer, the style is unknown, or has no pairs of so
            many units or no such capacity.

    Equals a unitary matrix's powers with x = 0 and b = 0: the norm of the state stays. The official
    code adds a small number to \|a\| in modReLU, so that b = 0 is not quite the identity there; its
    versions differ in that number and in the ranges of the first values. It keeps the angles of
    "fft" in another order.

    >>> cell = EUNN(input_size=3, hidden_size=4)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (8,)

    Source: L. Jing et al., "Tunable efficient unitary neural networks (EUNN) and their application
    to RNNs", ICML 2017, arXiv:1612.05231; details as in ``eunn.py`` of jingli9111/EUNN-tensorflow.
    """

    input_size: Size
    hidden_size: Size
    style: Annotated[str, one_of(STYLES)] = "tunable"
    capacity: Size = 2
    is_complex: Flag = True
    use_bias: Flag = True

    def __post_init__(self) -> None:
        check_hyperparameters(self)
        check_planes("EUNN", self.style, self.hidden_size, self.capacity)

    @property
    def output_size(self) -> int:
        return 2 * self.hidden_size if self.is_complex else self.hidden_size

    def init(self, key: jax.Array) -> EUNNParams:
        h = self.hidden_size
        keys = jax.random.split(key, 4)
        count = num_angles(planes(self.style, h, self.capacity))

        def angles(key: jax.Array, number: int) -> jax.Array:
            return jax.random.uniform(key, (number,), minval=-jnp.pi, maxval=jnp.pi)

        shape = (self.input_size, self.output_size)
        return EUNNParams(
            w_x=jax.random.uniform(keys[0], shape, minval=-0.01, maxval=0.01),
            theta=angles(keys[1], count),
            phi=angles(keys[2], count) if self.is_complex else None,
            omega=angles(keys[3], h) if self.is_complex else None,
            b=jnp.zeros(h) if self.use_bias else None,
        )

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> EUNNCarry:
        parts = ("re", "im") if self.is_complex else ("re",)
        return zero_carry(EUNNCarry, batch_shape, dtype, **dict.fromkeys(parts, self.hidden_size))

    def project(self, params: EUNNParams, x: jax.Array) -> jax.Array:
        check_input(self, x)
        return affine(x, params.w_x)

    def step(
        self, params: EUNNParams, carry: EUNNCarry, z: jax.Array
    ) -> tuple[EUNNCarry, jax.Array]:
        turned = self.turn(params, carry)
        if turned.im is None:
            h = mod_relu(z + turned.re, params.b)
            return EUNNCarry(h.astype(carry.re.dtype)), h.astype(z.dtype)
        re, im = jnp.split(z, 2, axis=-1)
        h = complex_mod_relu((re + turned.re, im + turned.im), params.b)
        return settled(carry, EUNNCarry(*h), jnp.concatenate(h, axis=-1), z)

    def turn(self, params: EUNNParams, h: EUNNCarry) -> EUNNCarry:
        """W h of a state."""
        layers = planes(self.style, self.hidden_size, self.capacity)
        if h.im is None or params.phi is None or params.omega is None:
            return EUNNCarry(rotate(h.re, layers, params.theta))
        turned = rotate_complex((h.re, h.im), layers, params.theta, params.phi)
        omega = wide(params.omega)
        phases = like(jnp.cos(omega), turned[0]), like(jnp.sin(omega), turned[0])
        return EUNNCarry(*times(turned, phases))

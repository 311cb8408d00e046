"""The three cells that a search among ten thousand gated ones left over."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.activations import ACTIVATIONS, gates
from rnnjax.cell import affine, check_input, recur, settled
from rnnjax.gated_cell import GatedCell, HiddenCarry
from rnnjax.noise import SILENCE, Noise


class MUTParams(NamedTuple):
    """Parameters, gates fused in the order z, r, n.

    ``w_x [D, 2H]`` without the gate that takes the input itself (``[D, 3H]`` of `MUT3`),
    ``w_h [H, 3H]`` (``[H, 2H]`` of `MUT1`, whose z reads no state), ``b [3H]`` (None where absent)
    and ``p [D, H]``, which brings the input to H features where it has others.
    """

    w_x: jax.Array
    w_h: jax.Array
    b: jax.Array | None = None
    p: jax.Array | None = None


@dataclasses.dataclass(frozen=True)
class _MUT(GatedCell):
    """A gated recurrent unit of which one gate takes the input, or z the state, in another way."""

    gate_names = ("z", "r", "n")

    bare: ClassVar[str | None] = None
    """The gate that takes the input without a matrix."""

    update_reads: ClassVar[str | None] = "linear"
    """What is made of the state before z reads it, by its name; None for no state at all."""

    def init(self, key: jax.Array) -> MUTParams:
        own, extra = jax.random.split(key)
        _, w_h, b = super().init(own)
        if self.update_reads is None:
            _, w_h, _, _ = self.draw_gates(own, num_gates=2)
        w_x, _, _, _ = self.draw_gates(own, num_gates=3 if self.bare is None else 2)
        p = None
        if self.bare is not None and self.input_size != self.hidden_size:
            p, _, _, _ = self.draw_gates(extra, num_gates=1)
        return MUTParams(w_x, w_h, b, p)

    def project(self, params: MUTParams, x: jax.Array) -> jax.Array:
        check_input(self, x)
        z = affine(x, params.w_x)
        if self.bare is not None:
            own = x if params.p is None else affine(x, params.p)
            update, other = jnp.split(z, 2, axis=-1)
            parts = (own, other) if self.bare == "r" else (other, jnp.tanh(own))
            z = jnp.concatenate([update, *parts], axis=-1)
        return z if params.b is None else z + jnp.broadcast_to(params.b, z.shape)

    def step(
        self, params: MUTParams, carry: HiddenCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[HiddenCarry, jax.Array]:
        z_z, z_r, z_n = jnp.split(z, 3, axis=-1)
        *w_z, w_r, w_n = jnp.split(params.w_h, params.w_h.shape[-1] // self.hidden_size, axis=-1)
        read = noise.on_state(carry.h)
        if self.update_reads is not None:
            seen = noise.on_state(ACTIVATIONS[self.update_reads](carry.h))
            z_z = z_z + recur(seen, w_z[0])
        (update,) = gates(z_z, ("sigmoid",))
        (reset,) = gates(z_r + recur(read, w_r), ("sigmoid",))
        n = jnp.tanh(z_n + recur(reset * read, w_n))
        h = (1 - update) * carry.h + update * noise.on_update(n)
        return settled(carry, HiddenCarry(h), h, z)


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class MUT1(_MUT):
    r"""The first mutant of the gated recurrent unit, whose update gate sees the input alone.

    .. math::
        z_t &= \sigma(x_t W_{xz} + b_z) \\
        r_t &= \sigma(x_t W_{xr} + h_{t-1} W_{hr} + b_r) \\
        n_t &= \tanh(\tanh(x_t P) + (r_t \odot h_{t-1}) W_{hn} + b_n) \\
        h_t &= (1 - z_t) \odot h_{t-1} + z_t \odot n_t, \qquad y_t = h_t

    The paper's x stands where x P does, which asks for D = H; there is no P then. Otherwise P is
    learned.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        initialization: "keras" or "torch", as of `rnnjax.gated_cell.GatedCell`.
        use_bias: whether there are biases.

    Parameters: `MUTParams`. Carry: `HiddenCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a name is unknown.

    Equals `rnnjax.GRU` with ``reset_after=False`` that is given x and tanh(x P) side by side, whose
    candidate takes the second as it is, and whose update gate, which keeps, has z's parameters with
    their signs turned and does not see the state. Keras 0's ``JZS1`` had a fixed random P where
    D ≠ H; torchrecurrent has a learned one always.

    >>> cell = MUT1(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: R. Jozefowicz, W. Zaremba, I. Sutskever, "An empirical exploration of recurrent network
    architectures", ICML 2015; there is no official code, the equations are as in Keras 0.
    """

    bare = "n"
    update_reads = None


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class MUT2(_MUT):
    r"""The second mutant of the gated recurrent unit, whose reset gate takes the input as it is.

    .. math::
        z_t &= \sigma(x_t W_{xz} + h_{t-1} W_{hz} + b_z) \\
        r_t &= \sigma(x_t P + h_{t-1} W_{hr} + b_r) \\
        n_t &= \tanh(x_t W_{xn} + (r_t \odot h_{t-1}) W_{hn} + b_n) \\
        h_t &= (1 - z_t) \odot h_{t-1} + z_t \odot n_t, \qquad y_t = h_t

    The paper's x stands where x P does, which asks for D = H; there is no P then. Otherwise P is
    learned.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        initialization: "keras" or "torch", as of `rnnjax.gated_cell.GatedCell`.
        use_bias: whether there are biases.

    Parameters: `MUTParams`. Carry: `HiddenCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a name is unknown.

    Equals `rnnjax.GRU` with ``reset_after=False`` whose reset gate takes the input by the identity
    matrix (or by P) and whose update gate, which keeps, has z's parameters with their signs turned.
    Keras 0's ``JZS2`` had a fixed random P where D ≠ H; torchrecurrent has a learned one always.

    >>> cell = MUT2(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: R. Jozefowicz, W. Zaremba, I. Sutskever, "An empirical exploration of recurrent network
    architectures", ICML 2015; there is no official code, the equations are as in Keras 0.
    """

    bare = "r"


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class MUT3(_MUT):
    r"""The third mutant of the gated recurrent unit, whose update gate sees tanh of the state.

    .. math::
        z_t &= \sigma(x_t W_{xz} + \tanh(h_{t-1}) W_{hz} + b_z) \\
        r_t &= \sigma(x_t W_{xr} + h_{t-1} W_{hr} + b_r) \\
        n_t &= \tanh(x_t W_{xn} + (r_t \odot h_{t-1}) W_{hn} + b_n) \\
        h_t &= (1 - z_t) \odot h_{t-1} + z_t \odot n_t, \qquad y_t = h_t

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        initialization: "keras" or "torch", as of `rnnjax.gated_cell.GatedCell`.
        use_bias: whether there are biases.

    Parameters: `MUTParams`, without p. Carry: `HiddenCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a name is unknown.

    Equals `rnnjax.GRU` with ``reset_after=False`` where W_hz is 0 and the update gate, which keeps,
    has z's other parameters with their signs turned.

    >>> cell = MUT3(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: R. Jozefowicz, W. Zaremba, I. Sutskever, "An empirical exploration of recurrent network
    architectures", ICML 2015; there is no official code, the equations are as in Keras 0.
    """

    update_reads = "tanh"

"""What the gated cells of the catalogue have in common, so that one of them is its equations."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.activations import gates
from rnnjax.cell import affine, check_input, recur, settled
from rnnjax.fused_cell import FusedCell
from rnnjax.hyperparameters import Flag, Initialization
from rnnjax.noise import Noise


class GatedParams(NamedTuple):
    """Parameters of G gates, fused in the order of the cell's `gate_names`.

    ``w_x [D, G H]``, ``w_h [H, R H]`` of the R first of them, which read the state, and
    ``b [G H]`` (None where absent).
    """

    w_x: jax.Array
    w_h: jax.Array
    b: jax.Array | None = None


class HiddenCarry(NamedTuple):
    """Carry: the hidden state ``h [..., H]``."""

    h: jax.Array


class MemoryCarry(NamedTuple):
    """Carry: the hidden state ``h [..., H]`` and the memory ``c [..., H]``."""

    h: jax.Array
    c: jax.Array


@dataclasses.dataclass(frozen=True)
class GatedCell(FusedCell):
    r"""A cell whose gates are sums of a product of the input and one of the state.

    .. math:: a_t = x_t W_x + b + h_{t-1} W_h

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        initialization: "keras" (Glorot uniform, orthogonal, zero biases) or "torch" (all uniform
            ±1/√H); what a cell says of its first biases is added to either.
        use_bias: whether there are biases.

    Raises:
        ValueError: a field holds what its annotation does not allow.
    """

    initialization: Initialization = dataclasses.field(default="keras", kw_only=True)
    use_bias: Flag = dataclasses.field(default=True, kw_only=True)

    carry_type: ClassVar[type] = HiddenCarry

    gate_names: ClassVar[tuple[str, ...]]
    """The gates in the order in which they are fused; those that read the state stand first."""

    recurrent_gates: ClassVar[int | None] = None
    """R, how many of them read the state; None for all."""

    first_biases: ClassVar[Mapping[str, float]] = MappingProxyType({})
    """What is added to the initial bias of a gate, by its name."""

    def init(self, key: jax.Array) -> Any:
        gates = self.gate_names
        w_x, w_h, b, _ = self.draw_gates(key, num_gates=len(gates), two_biases=False)
        if self.recurrent_gates is not None:
            _, w_h, _, _ = self.draw_gates(key, num_gates=self.recurrent_gates)
        if b is not None:
            first = jnp.asarray([self.first_biases.get(name, 0.0) for name in gates], b.dtype)
            b = b + jnp.repeat(first, self.hidden_size)
        return GatedParams(w_x, w_h, b)

    def project(self, params: Any, x: jax.Array) -> Any:
        check_input(self, x)
        return affine(x, params.w_x, params.b)

    def sums(self, params: Any, h: jax.Array, z: jax.Array, noise: Noise) -> jax.Array:
        """The gates before their activations, ``[..., G H]``, of a state ``h [..., H]``."""
        u = recur(noise.on_state(h), params.w_h)
        read = u.shape[-1]
        if read == z.shape[-1]:
            return z + u
        return jnp.concatenate([z[..., :read] + u, z[..., read:]], axis=-1)


def times(h: jax.Array, w: jax.Array) -> jax.Array:
    """A state ``[..., H]`` times weights ``[G H]`` of G gates, in the float type of these.

    So a unit's gates read of the state nothing but itself; where they read all of it, see
    `rnnjax.cell.recur`.
    """
    each = jnp.concatenate([h] * (w.shape[-1] // h.shape[-1]), axis=-1).astype(w.dtype)
    return each * jnp.broadcast_to(w, each.shape)


def lstm_step(
    carry: MemoryCarry, a: jax.Array, z: jax.Array, noise: Noise
) -> tuple[MemoryCarry, jax.Array]:
    """What an LSTM does with its gates i, f, g, o, fused ``[..., 4H]``, before their activations.

    Args:
        carry: as before the step.
        a: the gates.
        z: what `Cell.project` gave, or an array of it; its type is the output's.
        noise: dropout inside the step.
    """
    i, f, g, o = gates(a, ("sigmoid", "sigmoid", "tanh", "sigmoid"))
    c = f * carry.c + i * noise.on_update(g)
    h = o * jnp.tanh(c)
    return settled(carry, MemoryCarry(h, c), h, z)

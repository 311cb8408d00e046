"""Bistable cells: each unit can remember by itself for as long as it is let."""

from __future__ import annotations

import abc
import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.activations import gates
from rnnjax.cell import affine, check_input, recur, settled
from rnnjax.fused_cell import FusedCell
from rnnjax.gated_cell import GatedParams, HiddenCarry, times
from rnnjax.hyperparameters import Flag
from rnnjax.noise import SILENCE, Noise


class BRCParams(NamedTuple):
    """Parameters, gates fused in the order a, c, n.

    ``w_x [D, 3H]``, ``w_h [2H]`` and ``b [2H]`` (None where absent) of a and c.
    """

    w_x: jax.Array
    w_h: jax.Array
    b: jax.Array | None = None


@dataclasses.dataclass(frozen=True)
class _Bistable(FusedCell):
    """What both cells have in common: all but how a and c read the state."""

    use_bias: Flag = dataclasses.field(default=True, kw_only=True)

    carry_type = HiddenCarry

    @abc.abstractmethod
    def read(self, params: Any, h: jax.Array) -> jax.Array:
        """What a and c get of a state ``[..., H]``: ``[..., 2H]``."""

    def draw(self, key: jax.Array) -> tuple[jax.Array, jax.Array | None]:
        """The first w_x and b."""
        b = jnp.zeros(2 * self.hidden_size) if self.use_bias else None
        return glorot_each(key, self.input_size, 3, self.hidden_size), b

    def project(self, params: Any, x: jax.Array) -> jax.Array:
        check_input(self, x)
        b = params.b
        return affine(x, params.w_x, None if b is None else jnp.pad(b, (0, self.hidden_size)))

    def step(
        self, params: Any, carry: HiddenCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[HiddenCarry, jax.Array]:
        read, split = noise.on_state(carry.h), 2 * self.hidden_size
        a, c = gates(z[..., :split] + self.read(params, read), ("tanh", "sigmoid"))
        n = jnp.tanh(z[..., split:] + (1 + a) * read)
        h = c * carry.h + (1 - c) * noise.on_update(n)
        return settled(carry, HiddenCarry(h), h, z)


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class BRC(_Bistable):
    r"""The bistable recurrent cell: a unit reads of the state nothing but itself.

    .. math::
        a_t &= 1 + \tanh(x_t W_{xa} + w_a \odot h_{t-1} + b_a) \\
        c_t &= \sigma(x_t W_{xc} + w_c \odot h_{t-1} + b_c) \\
        h_t &= c_t \odot h_{t-1} + (1 - c_t) \odot \tanh(x_t W_{xn} + a_t \odot h_{t-1}),
               \qquad y_t = h_t

    A unit whose a is more than 1 has two stable values when there is no input. At first the
    matrices are Glorot uniform, each by itself, w_a and w_c are 1 and the biases 0.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        use_bias: whether there are biases.

    Parameters: `BRCParams`. Carry: `HiddenCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer.

    Equals `rnnjax.NBRC` whose matrices of the state are diagonal. In torchrecurrent w_a and w_c are
    normal at first.

    >>> cell = BRC(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: N. Vecoven, D. Ernst, G. Drion, "A bio-inspired bistable recurrent cell allows for
    long-lasting memory", PLOS ONE 16 (2021), arXiv:2006.05252; first values as in ``cells.py`` of
    nvecoven/BRC.
    """

    def init(self, key: jax.Array) -> BRCParams:
        w_x, b = self.draw(key)
        return BRCParams(w_x, jnp.ones(2 * self.hidden_size), b)

    def read(self, params: BRCParams, h: jax.Array) -> jax.Array:
        return times(h, params.w_h)


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class NBRC(_Bistable):
    r"""The neuromodulated bistable recurrent cell: its gates read the whole state.

    .. math::
        a_t &= 1 + \tanh(x_t W_{xa} + h_{t-1} W_{ha} + b_a) \\
        c_t &= \sigma(x_t W_{xc} + h_{t-1} W_{hc} + b_c) \\
        h_t &= c_t \odot h_{t-1} + (1 - c_t) \odot \tanh(x_t W_{xn} + a_t \odot h_{t-1}),
               \qquad y_t = h_t

    A unit whose a is more than 1 has two stable values when there is no input. At first the
    matrices are Glorot uniform, each by itself, and the biases 0.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        use_bias: whether there are biases.

    Parameters: `GatedParams`, in the order a, c, n; ``b [2H]`` of a and c only. Carry:
    `HiddenCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer.

    Equals `rnnjax.BRC` where the matrices of the state are diagonal. In torchrecurrent there is a
    bias in the last term too. In RecurrentLayers.jl the gates do not read the state.

    >>> cell = NBRC(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: N. Vecoven, D. Ernst, G. Drion, "A bio-inspired bistable recurrent cell allows for
    long-lasting memory", PLOS ONE 16 (2021), arXiv:2006.05252; first values as in ``cells.py`` of
    nvecoven/BRC.
    """

    def init(self, key: jax.Array) -> GatedParams:
        ahead, back = jax.random.split(key)
        w_x, b = self.draw(ahead)
        return GatedParams(w_x, glorot_each(back, self.hidden_size, 2, self.hidden_size), b)

    def read(self, params: GatedParams, h: jax.Array) -> jax.Array:
        return recur(h, params.w_h)


def glorot_each(key: jax.Array, inputs: int, count: int, units: int) -> jax.Array:
    """Matrices ``[inputs, count units]`` side by side, each Glorot uniform by itself."""
    draw = jax.nn.initializers.glorot_uniform(in_axis=0, out_axis=2, batch_axis=1)
    return draw(key, (inputs, count, units)).reshape(inputs, -1)

"""The long short-term memory of which the forget gate alone is left."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from rnnjax.activations import gates
from rnnjax.cell import settled
from rnnjax.gated_cell import GatedCell, GatedParams, HiddenCarry
from rnnjax.hyperparameters import Real, Size
from rnnjax.noise import SILENCE, Noise


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class JANET(GatedCell):
    r"""Just another network: a long short-term memory with a forget gate and no other.

    .. math::
        s_t &= x_t W_{xf} + h_{t-1} W_{hf} + b_f \\
        g_t &= \tanh(x_t W_{xg} + h_{t-1} W_{hg} + b_g) \\
        h_t &= \sigma(s_t) \odot h_{t-1} + (1 - \sigma(s_t - \beta)) \odot g_t, \qquad y_t = h_t

    The factors of the old and the new value add up to 1 for β = 0 only.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        beta: β; 1 in the paper.
        longest: T, how many steps the input may matter for; None if that is not known.
        initialization: "keras" or "torch", as of `rnnjax.gated_cell.GatedCell`. The forget gate's
            biases begin at the logarithm of numbers uniform in [1, T] instead; without T, at 1
            more.
        use_bias: whether there are biases.

    Parameters: `GatedParams`, in the order f, g. Carry: `HiddenCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, β is no finite number, or a name is unknown.

    Equals `rnnjax.UGRNN` for β = 0. The chrono initialisation of an LSTM (Tallec and Ollivier,
    arXiv:1804.11188) draws from [1, T - 1], and gives the input gate the negative of it.

    >>> cell = JANET(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: J. van der Westhuizen, J. Lasenby, "The unreasonable effectiveness of the forget gate",
    arXiv:1804.04849; first biases as in ``aux_code/rnn_cells.py`` of JosvanderWesthuizen/janet,
    which orders the gates g, f.
    """

    beta: Real = 1.0
    longest: Size | None = None

    gate_names = ("f", "g")
    first_biases: ClassVar = {"f": 1.0}

    def init(self, key: jax.Array) -> Any:
        params = super().init(key)
        if self.longest is None or params.b is None:
            return params
        own = jax.random.fold_in(key, 1)
        steps = jax.random.uniform(own, (self.hidden_size,), minval=1.0, maxval=self.longest)
        return params._replace(b=params.b.at[: self.hidden_size].set(jnp.log(steps)))

    def step(
        self, params: GatedParams, carry: HiddenCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[HiddenCarry, jax.Array]:
        s, a = jnp.split(self.sums(params, carry.h, z, noise), 2, axis=-1)
        (kept,), (let_in,) = gates(s, ("sigmoid",)), gates(self.beta - s, ("sigmoid",))
        h = kept * carry.h + let_in * noise.on_update(jnp.tanh(a))
        return settled(carry, HiddenCarry(h), h, z)

"""The long short-term memory whose units are ordered by how long they remember."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from rnnjax.activations import gates
from rnnjax.cell import settled
from rnnjax.gated_cell import GatedCell, GatedParams, MemoryCarry
from rnnjax.hyperparameters import Size
from rnnjax.initializers import INITIALIZATIONS
from rnnjax.noise import SILENCE, Noise


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class ONLSTM(GatedCell):
    r"""Ordered neurons: two master gates decide up to which unit is written and forgotten.

    .. math::
        \tilde\imath_t &= 1 - \mathrm{cumax}(x_t W_{x\tilde\imath} + h_{t-1} W_{h\tilde\imath}
            + b_{\tilde\imath}) \\
        \tilde f_t &= \mathrm{cumax}(x_t W_{x\tilde f} + h_{t-1} W_{h\tilde f} + b_{\tilde f}) \\
        o_t, i_t, f_t &= \sigma(x_t W_x + h_{t-1} W_h + b), \qquad
            g_t = \tanh(x_t W_{xg} + h_{t-1} W_{hg} + b_g) \\
        \omega_t &= \tilde f_t \odot \tilde\imath_t \\
        c_t &= (f_t \odot \omega_t + \tilde f_t - \omega_t) \odot c_{t-1}
            + (i_t \odot \omega_t + \tilde\imath_t - \omega_t) \odot g_t \\
        h_t &= o_t \odot \tanh(c_t), \qquad y_t = h_t

    cumax is the cumulative sum of the softmax. The n = H/C entries of a master gate stand for C
    units each.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        chunk_size: C, units that share an entry of the master gates; 10 in the paper's language
            model.
        initialization: "keras" or "torch", as of `rnnjax.gated_cell.GatedCell`.
        use_bias: whether there are biases.

    Parameters: `GatedParams` of 2n + 4H columns in the order of the equations, ĩ, f̃, o, g, i, f.
    Carry: `MemoryCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, a name is unknown, or C does not divide H.

    cumax ends in 1, so the last C units keep the memory that they begin with and are never written.
    Equals `rnnjax.LSTM` in all chunks but the last where f̃ is 1 from the first chunk on and ĩ is 1
    up to the last but one. DropConnect of W_h is part of the authors' training, not of the cell.

    >>> cell = ONLSTM(input_size=3, hidden_size=4, chunk_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (4,)

    Source: Y. Shen, S. Tan, A. Sordoni, A. Courville, "Ordered neurons: integrating tree structures
    into recurrent neural networks", ICLR 2019, arXiv:1810.09536; ``ON_LSTM.py`` of
    yikangshen/Ordered-Neurons.
    """

    chunk_size: Size = 1

    carry_type = MemoryCarry

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.hidden_size % self.chunk_size:
            raise ValueError(
                f"ONLSTM: chunk_size must divide hidden_size, but {self.chunk_size} does not "
                f"divide {self.hidden_size}."
            )

    @property
    def _chunks(self) -> int:
        return self.hidden_size // self.chunk_size

    def init(self, key: jax.Array) -> GatedParams:
        chosen, h = INITIALIZATIONS[self.initialization], self.hidden_size
        width = 2 * self._chunks + 4 * h
        keys = jax.random.split(key, 3)
        w_x = chosen.kernel(h)(keys[0], (self.input_size, width))
        w_h = chosen.recurrent_kernel(h)(keys[1], (h, width))
        return GatedParams(w_x, w_h, chosen.bias(h)(keys[2], (width,)) if self.use_bias else None)

    def step(
        self, params: GatedParams, carry: MemoryCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[MemoryCarry, jax.Array]:
        a = self.sums(params, carry.h, z, noise)
        n = self._chunks
        master_i = 1 - self._cumax(a[..., :n])
        master_f = self._cumax(a[..., n : 2 * n])
        o, g, i, f = gates(a[..., 2 * n :], ("sigmoid", "tanh", "sigmoid", "sigmoid"))
        both = master_f * master_i
        kept = f * both + (master_f - both)
        let_in = i * both + (master_i - both)
        c = kept * carry.c + let_in * noise.on_update(g)
        h = o * jnp.tanh(c)
        return settled(carry, MemoryCarry(h, c), h, z)

    def _cumax(self, a: jax.Array) -> jax.Array:
        """In float32 at least: in half precision the sum would not end in 1."""
        wide = a.astype(jnp.promote_types(a.dtype, jnp.float32))
        sums = jnp.cumsum(jax.nn.softmax(wide, axis=-1), axis=-1).astype(a.dtype)
        return jnp.repeat(sums, self.chunk_size, axis=-1)

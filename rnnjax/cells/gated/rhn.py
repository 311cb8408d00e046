"""The recurrent highway network."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from rnnjax.activations import gates
from rnnjax.cell import affine, check_input, recur, settled
from rnnjax.fused_cell import FusedCell
from rnnjax.gated_cell import GatedParams, HiddenCarry
from rnnjax.hyperparameters import Flag, Real, Size
from rnnjax.noise import SILENCE, Noise


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class RHN(FusedCell):
    r"""The recurrent highway network: between two steps lie several layers with a way past them.

    .. math::
        g^l &= \tanh(s^{l-1} R_g^l + b_g^l + [l = 1]\, x_t W_g) \\
        t^l &= \sigma(s^{l-1} R_t^l + b_t^l + [l = 1]\, x_t W_t) \\
        s^l &= t^l \odot g^l + (1 - t^l) \odot s^{l-1} \\
        h_t &= s^L, \qquad y_t = h_t

    for l = 1…L, from s⁰ the previous state. At first the matrices are uniform ±0.04.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        depth: L, layers between two steps; 10 in the paper's language models.
        coupled: whether 1 - t carries the state, as in the paper's experiments, or a gate c of its
            own does, whose first bias is that of t with its sign turned.
        first_bias: where the bias of t begins; -4 in the paper's models of single letters.
        use_bias: whether there are biases.

    Parameters: `GatedParams`, ``w_x [D, G H]``, ``w_h [H, L G H]`` and ``b [L G H]``, of each layer
    g, t and, if not coupled, c. Carry: `HiddenCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or the bias no finite number.

    Equals `rnnjax.UGRNN`, where ``depth=1``, whose gate, which keeps, has t's parameters with their
    signs turned. In some other codes every layer is given the input.

    >>> cell = RHN(input_size=3, hidden_size=2, depth=4)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: J. G. Zilly et al., "Recurrent highway networks", ICML 2017, arXiv:1607.03474; first
    values as in ``rhn.py`` of jzilly/RecurrentHighwayNetworks.
    """

    depth: Size = 10
    coupled: Flag = True
    first_bias: Real = -2.0
    use_bias: Flag = dataclasses.field(default=True, kw_only=True)

    carry_type = HiddenCarry

    @property
    def _width(self) -> int:
        """Columns of one layer."""
        return self.hidden_size * (2 if self.coupled else 3)

    def init(self, key: jax.Array) -> GatedParams:
        keys = jax.random.split(key)
        shapes = (self.input_size, self._width), (self.hidden_size, self.depth * self._width)
        w_x, w_h = (
            jax.random.uniform(own, shape, minval=-0.04, maxval=0.04)
            for own, shape in zip(keys, shapes, strict=True)
        )
        firsts = (0.0, self.first_bias, -self.first_bias)[: self._width // self.hidden_size]
        b = jnp.tile(jnp.repeat(jnp.array(firsts), self.hidden_size), self.depth)
        return GatedParams(w_x, w_h, b if self.use_bias else None)

    def project(self, params: GatedParams, x: jax.Array) -> jax.Array:
        check_input(self, x)
        return affine(x, params.w_x, None if params.b is None else params.b[: self._width])

    def step(
        self, params: GatedParams, carry: HiddenCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[HiddenCarry, jax.Array]:
        s = carry.h
        weights = jnp.split(params.w_h, self.depth, axis=-1)
        biases = [None] * self.depth if params.b is None else jnp.split(params.b, self.depth)
        for layer, (w, b) in enumerate(zip(weights, biases, strict=True)):
            # The first bias is in z.
            a = recur(noise.on_state(s), w, b) if layer else z + recur(noise.on_state(s), w)
            g, t, *c = gates(a, ("tanh", "sigmoid", "sigmoid")[: 2 if self.coupled else 3])
            kept = 1 - t if self.coupled else c[0]
            s = t * noise.on_update(g) + kept * s
        return settled(carry, HiddenCarry(s), s, z)

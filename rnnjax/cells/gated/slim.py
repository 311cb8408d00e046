"""Parents' cells with fewer parameters: their gates do not see the input."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.activations import gates
from rnnjax.cell import recur, settled
from rnnjax.gated_cell import GatedCell, HiddenCarry, MemoryCarry, times
from rnnjax.hyperparameters import Real, one_of
from rnnjax.initializers import symmetric_uniform
from rnnjax.noise import SILENCE, Noise


class SlimParams(NamedTuple):
    """Parameters of the candidate: ``w_x [D, H]``, ``w_h [H, H]`` or ``[H]``, ``b [H]``.

    Of G gates side by side: ``u [H, G H]`` or ``[G H]`` and ``b_u [G H]``. None where absent.
    """

    w_x: jax.Array
    w_h: jax.Array
    b: jax.Array | None = None
    u: jax.Array | None = None
    b_u: jax.Array | None = None


class Form(NamedTuple):
    """What a variant leaves of the gates."""

    reads: str | None
    """How they read the state: by a "matrix", a "vector" or not at all."""
    has_bias: bool
    names: str
    """The gates that are no constants, each a letter."""


def _forms(names: str) -> Mapping[str, Form]:
    """The variants that all parents have."""
    return MappingProxyType(
        {
            "1": Form("matrix", True, names),
            "2": Form("matrix", False, names),
            "3": Form(None, True, names),
        }
    )


_OF_LSTM: Mapping[str, Form] = MappingProxyType(
    {
        **_forms("ifo"),
        "4": Form("vector", False, "ifo"),
        "4a": Form("vector", False, "i"),
        "5": Form("vector", True, "ifo"),
        "5a": Form("vector", True, "i"),
        "6": Form(None, False, ""),
        "10": Form("vector", False, "ifo"),
        "11": Form("vector", True, "ifo"),
    }
)
_OF_GRU = _forms("rz")
_OF_MGU = _forms("f")

_FORGET = {"4a": 0.96, "5a": 0.96, "6": 0.4}
"""The forget gates that are constants."""


@dataclasses.dataclass(frozen=True)
class _Slim(GatedCell):
    """A cell whose gates are of one of several forms, its candidate the parent's."""

    variant: str = "1"

    forms: ClassVar[Mapping[str, Form]]
    gate_names = ("n",)

    @property
    def form(self) -> Form:
        """What the variant leaves of the gates."""
        return self.forms[self.variant]

    @property
    def _reads_by_itself(self) -> bool:
        """Whether a unit's candidate reads no other unit."""
        return self.variant in ("10", "11")

    def init(self, key: jax.Array) -> SlimParams:
        at_candidate, at_gates, *at_vectors = jax.random.split(key, 4)
        w_x, w_h, b = super().init(at_candidate)
        count, vector = len(self.form.names), symmetric_uniform(self.hidden_size)
        u = b_u = None
        if count:
            _, u, b_u, _ = self.draw_gates(at_gates, num_gates=count, two_biases=False)
        if self.form.reads == "vector":
            u = vector(at_vectors[0], (count * self.hidden_size,))
        elif self.form.reads is None:
            u = None
        if self._reads_by_itself:
            w_h = vector(at_vectors[1], (self.hidden_size,))
        return SlimParams(w_x, w_h, b, u, b_u if self.form.has_bias else None)

    def opened(self, params: SlimParams, read: jax.Array) -> list[jax.Array]:
        """The gates that are no constants, of a state ``[..., H]`` as products read it."""
        count = len(self.form.names)
        a = jnp.zeros((*read.shape[:-1], count * self.hidden_size), params.w_x.dtype)
        if params.u is not None:
            a = a + (times if params.u.ndim == 1 else recur)(read, params.u)
        if params.b_u is not None:
            a = a + jnp.broadcast_to(params.b_u, a.shape)
        return gates(a, ("sigmoid",) * count) if count else []


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class SlimLSTM(_Slim):
    r"""Long short-term memory whose gates have fewer parameters, in ten variants.

    .. math::
        i_t, f_t, o_t &= \text{as the variant says} \\
        g_t &= \tanh(x_t W_x + h_{t-1} W_h + b) \\
        c_t &= f_t \odot c_{t-1} + i_t \odot g_t \\
        h_t &= o_t \odot \tanh(c_t), \qquad y_t = h_t

    ========  ==========================================================
    variant   each gate
    ========  ==========================================================
    1         σ(h U + b), with matrices U
    2         σ(h U)
    3         σ(b)
    4         σ(u ⊙ h), with vectors u
    5         σ(u ⊙ h + b)
    4a, 5a    i as in 4 and 5, f a constant, o = 1
    6         i = 1, f a constant, o = 1
    10, 11    as in 4 and 5, and in g the state is multiplied by a vector
    ========  ==========================================================

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        variant: one of the table's.
        forget: the constant f, for which the paper asks that its size be below 1; None for the
            official code's, 0.96 in 4a and 5a, 0.4 in 6. The other variants have none.
        initialization: "keras" or "torch", as of `rnnjax.gated_cell.GatedCell`; vectors are
            uniform ±1/√H by either, and no bias begins higher than others.
        use_bias: whether there are biases.

    Parameters: `SlimParams`, the gates in the order i, f, o, or i alone. Carry: `MemoryCarry`.
    Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, a name is unknown, or f no finite number.

    Equals `rnnjax.LSTM` whose gates have no matrix of the input, in variant 2 no biases either, in
    3 no matrix of the state. The official code's gates are hard sigmoids, as those of Keras 2 were.

    >>> cell = SlimLSTM(input_size=3, hidden_size=2, variant="4a")
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: Y. Lu, F. M. Salem, "Simplified gating in long short-term memory (LSTM) recurrent neural
    networks", arXiv:1701.03441; A. Akandeh, F. M. Salem, "Simplified long short-term memory
    recurrent neural networks", arXiv:1707.04619, 1707.04623 and 1707.04626; the variants as in
    ``slim22.py`` of atrakriv/Slim-LSTMs.
    """

    variant: Annotated[str, one_of(_OF_LSTM)] = "1"
    forget: Real | None = None

    forms: ClassVar = _OF_LSTM
    carry_type = MemoryCarry

    def step(
        self, params: SlimParams, carry: MemoryCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[MemoryCarry, jax.Array]:
        read = noise.on_state(carry.h)
        multiply = times if self._reads_by_itself else recur
        g = noise.on_update(jnp.tanh(z + multiply(read, params.w_h)))
        forget = _FORGET.get(self.variant, 1.0) if self.forget is None else self.forget
        own = dict(zip(self.form.names, self.opened(params, read), strict=True))
        c = own.get("f", forget) * carry.c + own.get("i", 1) * g
        h = own.get("o", 1) * jnp.tanh(c)
        return settled(carry, MemoryCarry(h, c), h, z)


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class SlimGRU(_Slim):
    r"""Gated recurrent unit whose gates do not see the input, in three variants.

    .. math::
        r_t, z_t &= \sigma(h_{t-1} U + b), \quad \sigma(h_{t-1} U) \quad\text{or}\quad \sigma(b) \\
        n_t &= \tanh(x_t W_x + (r_t \odot h_{t-1}) W_h + b_n) \\
        h_t &= (1 - z_t) \odot h_{t-1} + z_t \odot n_t, \qquad y_t = h_t

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        variant: "1", "2" or "3", in the order above; r and z have parameters of their own.
        initialization: "keras" or "torch", as of `rnnjax.gated_cell.GatedCell`.
        use_bias: whether there are biases.

    Parameters: `SlimParams`, the gates in the order r, z. Carry: `HiddenCarry`. Output:
    ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a name is unknown.

    Equals `rnnjax.GRU` with ``reset_after=False`` whose gates have no matrix of the input, in
    variant 2 no biases either, in 3 no matrix of the state, and whose update gate, which keeps, has
    z's parameters with their signs turned.

    >>> cell = SlimGRU(input_size=3, hidden_size=2, variant="2")
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: R. Dey, F. M. Salem, "Gate-variants of gated recurrent unit (GRU) neural networks",
    IEEE MWSCAS 2017, arXiv:1701.05923; its text was not read, two other codes agree on the gates.
    """

    variant: Annotated[str, one_of(_OF_GRU)] = "1"

    forms: ClassVar = _OF_GRU

    def step(
        self, params: SlimParams, carry: HiddenCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[HiddenCarry, jax.Array]:
        read = noise.on_state(carry.h)
        reset, update = self.opened(params, read)
        n = jnp.tanh(z + recur(reset * read, params.w_h))
        h = (1 - update) * carry.h + update * noise.on_update(n)
        return settled(carry, HiddenCarry(h), h, z)


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class SlimMGU(_Slim):
    r"""Minimal gated unit whose gate does not see the input, in three variants.

    .. math::
        f_t &= \sigma(h_{t-1} U + b), \quad \sigma(h_{t-1} U) \quad\text{or}\quad \sigma(b) \\
        n_t &= \tanh(x_t W_x + (f_t \odot h_{t-1}) W_h + b_n) \\
        h_t &= (1 - f_t) \odot h_{t-1} + f_t \odot n_t, \qquad y_t = h_t

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        variant: "1", "2" or "3", in the order above.
        initialization: "keras" or "torch", as of `rnnjax.gated_cell.GatedCell`.
        use_bias: whether there are biases.

    Parameters: `SlimParams`, the gate f. Carry: `HiddenCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a name is unknown.

    Equals `rnnjax.MGU` whose gate has no matrix of the input, in variant 2 no bias either, in 3 no
    matrix of the state.

    >>> cell = SlimMGU(input_size=3, hidden_size=2, variant="2")
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: J. Heck, F. M. Salem, "Simplified minimal gated unit variations for recurrent neural
    networks", IEEE MWSCAS 2017, arXiv:1701.03452; no code of all three was found: their order is
    taken to be that of the two other families, and was not established.
    """

    variant: Annotated[str, one_of(_OF_MGU)] = "1"

    forms: ClassVar = _OF_MGU

    def step(
        self, params: SlimParams, carry: HiddenCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[HiddenCarry, jax.Array]:
        read = noise.on_state(carry.h)
        (f,) = self.opened(params, read)
        n = jnp.tanh(z + recur(f * read, params.w_h))
        h = (1 - f) * carry.h + f * noise.on_update(n)
        return settled(carry, HiddenCarry(h), h, z)

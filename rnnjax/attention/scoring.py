"""How the places of a memory are scored for a query, and what is read of them."""

from __future__ import annotations

import abc
import dataclasses
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import Memory, affine
from rnnjax.hyperparameters import Flag, Initialization, Size, check_hyperparameters
from rnnjax.initializers import INITIALIZATIONS


class Remembered(NamedTuple):
    """A memory as an `Attention` reads it at every step."""

    keys: jax.Array
    """``[..., S, A]``: what the places are compared by."""
    values: jax.Array
    """``[..., S, M]``: zeros where there is no place."""
    mask: jax.Array | None
    """``[..., S]``: where there are places; None for everywhere."""


@dataclasses.dataclass(frozen=True)
class Attention(abc.ABC):
    """A way of scoring places.

    Args:
        query_size: Q.
        memory_size: M.

    Raises:
        ValueError: a field holds what its annotation does not allow.
    """

    query_size: Size
    memory_size: Size

    tracks: ClassVar[str | None] = None
    """What of the weights of earlier steps it reads: None, "last" or "sum"."""

    def __post_init__(self) -> None:
        check_hyperparameters(self)

    @abc.abstractmethod
    def init(self, key: jax.Array) -> Any:
        """Draws the parameters."""

    @abc.abstractmethod
    def keys(self, params: Any, values: jax.Array) -> jax.Array:
        """Places ``[..., S, M]`` as they are compared: ``[..., S, A]``."""

    @abc.abstractmethod
    def scores(
        self, params: Any, query: jax.Array, keys: jax.Array, past: jax.Array | None
    ) -> jax.Array:
        """The scores ``[..., S]`` for a query ``[..., Q]``.

        Args:
            params: as `init` gives them.
            query: ``[..., Q]``.
            keys: as `keys` gives them.
            past: weights of earlier steps ``[..., S]``, as `tracks` says; or None.
        """

    def remember(self, params: Any, memory: Memory) -> Remembered:
        """All of a memory that does not change from step to step."""
        values, mask = memory
        if mask is not None:
            # Before the product, so that a NaN in the padding meets no weight.
            values = jnp.where(mask[..., None], values, jnp.zeros((), values.dtype))
        return Remembered(self.keys(params, values), values, mask)

    def first_past(self, memory: Memory | None, dtype: Any = None) -> jax.Array | None:
        """The `past` of the first step, zeros ``[..., S]``; None if nothing is tracked.

        Raises:
            ValueError: something is, and there is no memory to say how many places there are.
        """
        if self.tracks is None:
            return None
        if memory is None:
            raise ValueError(
                f"{type(self).__name__} keeps a weight for each place of the memory, so the first "
                "carry needs it; give memory=."
            )
        shape = memory.values.shape[:-1]
        return jnp.zeros(shape, memory.values.dtype if dtype is None else dtype)

    def read(
        self, params: Any, query: jax.Array, remembered: Remembered, past: jax.Array | None = None
    ) -> tuple[jax.Array, jax.Array, jax.Array | None]:
        """What a query reads: the context ``[..., M]``, the weights ``[..., S]``, the next past.

        A row whose memory has no place reads zeros.
        """
        scores = self.scores(params, query, remembered.keys, past)
        weights = masked_softmax(scores, remembered.mask)
        context = jnp.einsum("...s,...sm->...m", weights, remembered.values)
        if past is None:
            return context, weights, None
        kept = weights.astype(past.dtype)
        return context, weights, past + kept if self.tracks == "sum" else kept


def masked_softmax(scores: jax.Array, mask: jax.Array | None) -> jax.Array:
    """The softmax over the places ``[..., S]`` that there are; zeros elsewhere and where none is.

    >>> masked_softmax(jnp.array([0.0, 9.0, 0.0]), jnp.array([True, False, True])).tolist()
    [0.5, 0.0, 0.5]
    """
    if mask is None:
        return jax.nn.softmax(scores, axis=-1)
    least = jnp.finfo(scores.dtype).min
    highest = jax.lax.stop_gradient(jnp.where(mask, scores, least).max(axis=-1, keepdims=True))
    powers = jnp.where(mask, jnp.exp(jnp.where(mask, scores - highest, 0)), 0)
    total = powers.sum(axis=-1, keepdims=True)
    return powers / jnp.where(total > 0, total, 1)


class AdditiveParams(NamedTuple):
    """``w_q [Q, A]``, ``w_m [M, A]``, ``v [A]``, ``b [A]`` (None where absent)."""

    w_q: jax.Array
    w_m: jax.Array
    v: jax.Array
    b: jax.Array | None = None


@dataclasses.dataclass(frozen=True)
class HiddenLayer(Attention):
    """What scores by a network with one hidden layer have in common.

    Args:
        query_size: Q.
        memory_size: M.
        attention_size: A, hidden units.
    """

    attention_size: Size

    def keys(self, params: Any, values: jax.Array) -> jax.Array:
        return affine(values, params.w_m, params.b)

    def scores(
        self, params: Any, query: jax.Array, keys: jax.Array, past: jax.Array | None
    ) -> jax.Array:
        hidden = affine(query, params.w_q)[..., None, :] + keys
        located = self.located(params, None if past is None else past.astype(keys.dtype))
        return energies(hidden if located is None else hidden + located, params.v)

    @abc.abstractmethod
    def located(self, params: Any, past: jax.Array | None) -> jax.Array | None:
        """What earlier weights ``[..., S]`` add to hidden units ``[..., S, A]``, or None."""


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class Additive(HiddenLayer):
    r"""Scores by a network with one hidden layer.

    .. math:: e_s = v^\top \tanh(q W_q + m_s W_m + b)

    Args:
        query_size: Q.
        memory_size: M.
        attention_size: A, hidden units.
        use_bias: whether there is b. Without it this is Luong's "concat".
        initialization: "keras" or "torch", as for dense layers.

    Parameters: `AdditiveParams`.

    Source: D. Bahdanau, K. Cho, Y. Bengio, "Neural machine translation by jointly learning to
    align and translate", arXiv:1409.0473, appendix A.1.2; "concat": M.-T. Luong, H. Pham,
    C. Manning, "Effective approaches to attention-based neural machine translation",
    arXiv:1508.04025, equation 8.
    """

    use_bias: Flag = True
    initialization: Initialization = "keras"

    def init(self, key: jax.Array) -> AdditiveParams:
        return AdditiveParams(*additive_params(self, key))

    def located(self, params: AdditiveParams, past: jax.Array | None) -> None:
        del params, past


def additive_params(attention: Any, key: jax.Array) -> tuple[Any, ...]:
    """w_q, w_m, v and b, as for dense layers."""
    q, m, a = attention.query_size, attention.memory_size, attention.attention_size
    chosen = INITIALIZATIONS[attention.initialization]
    keys = jax.random.split(key, 4)
    return (
        chosen.dense_kernel(q)(keys[0], (q, a)),
        chosen.dense_kernel(m)(keys[1], (m, a)),
        chosen.dense_kernel(a)(keys[2], (a, 1))[:, 0],
        chosen.dense_bias(m)(keys[3], (a,)) if attention.use_bias else None,
    )


def energies(hidden: jax.Array, v: jax.Array) -> jax.Array:
    """``tanh(hidden) @ v`` for hidden ``[..., S, A]`` and v ``[A]``.

    As a sum: a product with v would have its gradient formed from the hidden values of all steps,
    which are many, where their sum over the places of a step is as short as v.
    """
    active = jnp.tanh(hidden)
    return (active * jnp.broadcast_to(v, active.shape)).sum(axis=-1)


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class Dot(Attention):
    r"""Scores by the product of query and place.

    .. math:: e_s = q^\top m_s \qquad \text{or} \qquad q^\top m_s / \sqrt{Q} \text{ (scaled)}

    Args:
        query_size: Q.
        memory_size: M, the same.
        scaled: whether it is divided by √Q.

    Parameters: none.

    Raises:
        ValueError: query and places have different sizes.

    Source: M.-T. Luong et al., arXiv:1508.04025, equation 8; scaled: A. Vaswani et al., "Attention
    is all you need", arXiv:1706.03762, equation 1.
    """

    scaled: Flag = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.query_size != self.memory_size:
            raise ValueError(
                f"Dot: query and memory must have the same size, not {self.query_size} and "
                f"{self.memory_size}; General has a matrix between them."
            )

    def init(self, key: jax.Array) -> tuple[()]:
        del key
        return ()

    def keys(self, params: tuple[()], values: jax.Array) -> jax.Array:
        return values / self.query_size**0.5 if self.scaled else values

    def scores(
        self, params: tuple[()], query: jax.Array, keys: jax.Array, past: jax.Array | None
    ) -> jax.Array:
        del past
        return jnp.einsum("...q,...sq->...s", query, keys)


class GeneralParams(NamedTuple):
    """``w [M, Q]``."""

    w: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class General(Attention):
    r"""Scores by a bilinear form.

    .. math:: e_s = q^\top (m_s W)

    Args:
        query_size: Q.
        memory_size: M.
        initialization: "keras" or "torch", as for dense layers.

    Parameters: `GeneralParams`.

    Source: M.-T. Luong et al., arXiv:1508.04025, equation 8.
    """

    initialization: Initialization = "keras"

    def init(self, key: jax.Array) -> GeneralParams:
        draw = INITIALIZATIONS[self.initialization].dense_kernel(self.memory_size)
        return GeneralParams(draw(key, (self.memory_size, self.query_size)))

    def keys(self, params: GeneralParams, values: jax.Array) -> jax.Array:
        return affine(values, params.w)

    def scores(
        self, params: GeneralParams, query: jax.Array, keys: jax.Array, past: jax.Array | None
    ) -> jax.Array:
        del past
        return jnp.einsum("...q,...sq->...s", query, keys)
